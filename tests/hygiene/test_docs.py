"""docs/ says what the code does: every command, option, setting, error and exit code, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import typer.main
from typer.core import TyperGroup

from ragapp import errors
from ragapp.cli.main import app
from ragapp.errors import ExitCode, RagappError
from ragapp.settings import ENV_PREFIX, Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


def commands(typed: typer.Typer, prefix: str = "ragapp") -> Iterator[tuple[str, set[str]]]:
    """Walk the command tree: each command's full name and its options."""
    group = typer.main.get_command(typed)
    stack = [(prefix, group)]
    while stack:
        name, command = stack.pop()
        if isinstance(command, TyperGroup):
            stack += [(f"{name} {child}", each) for child, each in command.commands.items()]
        else:
            yield name, {option for each in command.params for option in each.opts if option.startswith("-")}


COMMANDS = dict(commands(app))


def sections(page: str, level: str = "##") -> dict[str, str]:
    """Cut a page at its headings, which hold one code span each."""
    parts = re.split(rf"^{level} `([^`]+)`.*$", (DOCS / page).read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(page: str) -> dict[str, list[str]]:
    """Read a page's tables: the cells of each row by the code span in its first cell."""
    found: dict[str, list[str]] = {}
    for line in (DOCS / page).read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and (name := re.fullmatch(r"`([^`]+)`", cells[0])):
            found[name[1]] = cells[1:]
    return found


def test_every_command_is_documented_and_no_other() -> None:
    assert sections("cli.md").keys() == COMMANDS.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_documented_and_no_other(command: str) -> None:
    section = re.sub(r"```.*?```", "", sections("cli.md")[command], flags=re.DOTALL)
    spans = " ".join(re.findall(r"`([^`\n]+)`", section))
    assert set(_OPTION.findall(spans)) == COMMANDS[command] - {"-h", "--help"}


def test_every_setting_is_documented_with_its_variable_and_default() -> None:
    documented = rows("settings.md")
    assert list(documented) == list(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        variable, default, meaning = documented[name]
        assert variable == f"`{ENV_PREFIX}{name.upper()}`"
        if field.default_factory is None:
            written = str(field.default).lower() if isinstance(field.default, bool) else field.default
            assert default == ("none" if written in (None, "") else f"`{written}`")
        assert meaning.endswith(".")


def test_every_error_is_documented_with_its_exit_code() -> None:
    classes = {
        name: each.exit_code
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, RagappError)
    }
    documented = rows("errors.md")
    assert {name: int(documented[name][0]) for name in classes} == classes
    drawn = dict(re.findall(r"^ +(\w+) +(\d+)", errors.__doc__ or "", re.MULTILINE))
    assert {name: int(code) for name, code in drawn.items()} == classes, "the tree in errors.py"


def test_every_exit_code_is_documented() -> None:
    documented = {int(name): cells for name, cells in rows("errors.md").items() if name.isdigit()}
    assert list(documented) == list(ExitCode)
    assert [cells[0] for cells in documented.values()] == [f"`{code.name}`" for code in ExitCode]


def test_every_command_that_an_error_suggests_exists() -> None:
    """A hint is the next thing to type: a command in it must be one."""
    known = {name.split()[1] for name in COMMANDS}
    for folder in ("ragapp", "indexes", "ingest", "evals"):
        for path in (ROOT / folder).rglob("*.py"):
            for word in re.findall(r"""["'`]ragapp ([a-z-]+)[^\n]*["'`]""", path.read_text("utf-8")):
                assert word in known | {"--help"}, f"{path}: ragapp {word}"
