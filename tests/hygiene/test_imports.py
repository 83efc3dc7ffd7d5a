"""What is imported when: the package costs nothing, and no command loads what it does not use."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import ragapp

MODELS = {"torch", "transformers", "sentence_transformers"}
HEAVY = MODELS | {"faiss", "sqlalchemy", "textual"}


def loaded_by(code: str) -> set[str]:
    """Run code in a fresh interpreter and tell the top-level modules it loaded."""
    report = "import sys; sys.stderr.write('\\n' + ' '.join({name.split('.')[0] for name in sys.modules}))"
    script = f"try:\n {code}\nfinally:\n {report}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def command(line: str) -> str:
    return f"from ragapp.cli.main import main; main({line.split()!r})"


@pytest.mark.parametrize(
    "code", ["import ragapp", command("--help"), command("--version"), command("config show"), command("ask --help")]
)
def test_light_things_load_nothing_heavy(code: str) -> None:
    assert loaded_by(code) & HEAVY == set()


def test_the_first_picture_of_the_chat_waits_for_textual_alone() -> None:
    assert loaded_by("import ragapp.tui.app") & (HEAVY | {"numpy"}) == {"textual"}


@pytest.mark.parametrize("line", ["status", "ls", "rm x", "verify"])
def test_commands_that_need_no_model_load_none(line: str, tmp_path: Path) -> None:
    loaded = loaded_by(command(f"{line} --home {tmp_path}"))
    assert loaded & (MODELS | {"textual"}) == set()
    assert "sqlalchemy" in loaded, "the command did run"


def test_the_public_names_are_sorted_and_all_there() -> None:
    assert ragapp.__all__ == sorted(ragapp.__all__)
    homes: dict[str, str] = vars(ragapp)["_HOMES"]
    assert set(ragapp.__all__) == homes.keys()
    for name in ragapp.__all__:
        assert getattr(ragapp, name) is getattr(import_module(homes[name]), name)
    assert set(ragapp.__all__) <= set(dir(ragapp))
    assert ragapp.__version__


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ragapp.nothing
