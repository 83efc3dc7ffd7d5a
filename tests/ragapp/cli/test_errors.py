"""Whatever goes wrong ends in what happened, what to type next, and the exit code of its kind; never in a traceback."""

from __future__ import annotations

import io
import shutil
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest
from cli_samples import Cli, Outcome, is_inert

from ragapp.cli.main import main


class Case(NamedTuple):
    """A command line that fails, what is set for it, and what it should say."""

    arguments: Sequence[str]
    code: int
    told: str
    environment: Mapping[str, str] = MappingProxyType({})


CASES = {
    "no command": Case(["nosuch"], 2, "No such command 'nosuch'"),
    "no subcommand": Case(["config"], 2, "Missing command"),
    "no option": Case(["ls", "--nosuch"], 2, "No such option"),
    "no argument": Case(["ingest"], 2, "Missing argument"),
    "no question": Case(["ask"], 2, "either a question or a file"),
    "two questions": Case(["ask", "What?", "--file", "questions.jsonl"], 2, "either a question or a file"),
    "no number": Case(["ask", "What?", "-k", "x"], 2, "should be a valid integer"),
    "no such day": Case(["ls", "--after", "soon"], 2, "'soon' is no day"),
    "no such kind": Case(["ls", "--type", "odt"], 2, "no kind of document 'odt'"),
    "out of range": Case(["ask", "What?", "-k", "0"], 2, "'passages' cannot be 0 (flag)"),
    "unknown variable": Case(["ls"], 2, "no setting 'pasages' (environment RAGAPP_PASAGES)", {"RAGAPP_PASAGES": "1"}),
    "wrong variable": Case(["ls"], 2, "'device' cannot be 'tpu' (environment RAGAPP_DEVICE)", {"RAGAPP_DEVICE": "tpu"}),
    "an empty home": Case(["ls", "--home", ""], 2, "'home' cannot be '' (flag): it is empty"),
    "an empty run": Case(["eval", "show", "", "--home", "{library}"], 1, "the run is empty"),
    "no such collection": Case(["ls", "--home", "{library}", "--collection", "other"], 3, "no collection 'other'"),
    "home below a file": Case(["status", "--home", "{file}/home"], 3, "{file}/home"),
    "home is a file": Case(["status", "--home", "{file}"], 3, "{file}"),
    "index of a newer version": Case(["ls", "--home", "{newer}"], 3, "newer ragapp"),
    "catalog is none": Case(["ls", "--home", "{garbage}"], 3, "is damaged"),
    "no reader": Case(["ask", "What?", "--home", "{library}"], 4, "/nothing", {"RAGAPP_READER": "/nothing"}),
    "damaged reader": Case(["ask", "What?", "--home", "{library}"], 4, "is damaged", {"RAGAPP_READER": "{reader}"}),
    "no encoder": Case(["ingest", "{file}"], 4, "nobody/nothing", {"RAGAPP_ENCODER": "nobody/nothing"}),
    "no training data": Case(["train", "reader", "--data", "none.jsonl", "--out", "run"], 1, "none.jsonl"),
    "a reader of the shipped one's name": Case(
        ["train", "reader", "--from", "shipped", "--data", "{file}", "--name", "shipped", "--home", "{library}"],
        2,
        "cannot be called 'shipped'",
    ),
    "a reader elsewhere": Case(
        ["train", "reader", "--from", "shipped", "--data", "{file}", "--name", "../x", "--home", "{library}"],
        2,
        "cannot be called '../x'",
    ),
    "no device": Case(["train", "reader", "--data", "{file}", "--out", "run", "--device", "tpu"], 2, "no device 'tpu'"),
    "no shares": Case(["train", "reader", "--data", "x", "--out", "run", "--passages", "0"], 2, "'0' is not a list of"),
    "negative shares": Case(
        ["train", "reader", "--data", "x", "--out", "run", "--passages", "2,-1"], 2, "none below 0"
    ),
    "no share": Case(["train", "reader", "--data", "x", "--out", "run", "--passages", "nan"], 2, "'nan' is not a list"),
    "a picture of another kind": Case(["train", "curve", "run", "--out", "x.xyz"], 2, "neither .svg nor .png"),
    "a card that is none": Case(["train", "readers", "--home", "{cards}"], 4, "card.json' is damaged"),
    "a folder below a file": Case(
        ["train", "prepare", "--data", "{questions}", "--out", "{file}/mixture"],
        2,
        "cannot be written: Not a directory",
    ),
    "a draft nowhere": Case(["eval", "make", "{file}/x.csv", "--home", "{library}"], 2, "cannot be written: Not a dir"),
    "two error rates": Case(["calibrate", "--data", "x", "--keep", "--max-error", "0.1"], 2, "--keep takes the error"),
    "no confidence": Case(["calibrate", "--data", "x", "--confidence", "1"], 2, "--confidence cannot be 1"),
    "no certificate file": Case(["calibrate", "--data", "x", "--output", "{cards}"], 2, "is a folder"),
    "no bench data": Case(["bench", "reading", "--data", "none.jsonl"], 1, "none.jsonl"),
}


@pytest.fixture(scope="module")
def places(library: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Things that are wrong, by name."""
    root = tmp_path_factory.mktemp("wrong")
    (root / "file").write_text("A file with some words.\n")
    shutil.copytree(library, root / "newer")
    with sqlite3.connect(root / "newer" / "catalog.sqlite3") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    (root / "garbage").mkdir()
    (root / "garbage" / "catalog.sqlite3").write_bytes(b"no catalog at all " * 100)
    (root / "reader").mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (root / "reader" / name).write_text("{}")
    (root / "cards" / "readers" / "mine").mkdir(parents=True)
    (root / "cards" / "readers" / "mine" / "card.json").write_text("{}")
    (root / "questions.csv").write_text("question,answer,context\nWhat?,words,A file with some words.\n")
    names = ("file", "newer", "garbage", "reader", "cards")
    return {
        "library": str(library), "questions": str(root / "questions.csv"), **{name: str(root / name) for name in names}
    }  # fmt: skip


def assert_explained(outcome: Outcome) -> None:
    error, hint = outcome.err.splitlines()[-2:]
    assert error.startswith("error: ")
    assert hint.startswith("  try: ")
    assert len(hint) > len("  try: ")
    assert "Traceback" not in outcome.err
    assert "unexpected" not in outcome.err
    assert is_inert(outcome.err)
    assert outcome.out == ""


@pytest.mark.parametrize("name", CASES)
def test_an_error_says_what_happened_and_what_to_type(
    cli: Cli, name: str, places: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[name]
    monkeypatch.chdir(tmp_path)
    for variable, value in case.environment.items():
        monkeypatch.setenv(variable, value.format(**places))
    failed = cli(*(argument.format(**places) for argument in case.arguments))
    assert failed.code == case.code
    assert case.told.format(**places) in failed.err
    assert_explained(failed)


@pytest.mark.parametrize(
    "command",
    [
        ["ask", "What?"], ["ls"], ["status"], ["tag"], ["tag", "x", "--add", "y"], ["rm", "x"], ["verify"], ["compact"],
        ["eval", "list"], ["eval", "make", "draft.csv"], ["eval", "run", "--data", "{questions}"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_finds_no_index_says_so_and_makes_none(
    cli: Cli, command: list[str], places: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    failed = cli(*(argument.format(**places) for argument in command), "--home", "mistyped")
    assert failed.code == 3
    assert "There is no index in 'mistyped' yet" in failed.err
    assert "ragapp ingest" in failed.err
    assert_explained(failed)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_option_leads_to_the_help_of_its_command(cli: Cli) -> None:
    assert "try: ragapp train reader --help" in cli("train", "reader", "--nosuch").err
    assert "try: ragapp --help" in cli("nosuch").err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"passages = \n", "is not TOML"),
        (b"\n\npassges = 3\n", "ragapp.toml:3"),
        (b"passages = 8.5\n", "ragapp.toml:1"),
        (b"[passages]\nmany = 1\n", "ragapp.toml:1"),
        (b"reader = 5\n", "ragapp.toml:1"),
        (b"collection = '\xe9'\n", "cannot be read"),
        (b"'\\u001b[45m' = 1\n", "no setting"),
    ],
)
def test_a_wrong_settings_file_is_named_with_the_line(
    cli: Cli, content: bytes, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ragapp.toml").write_bytes(content)
    failed = cli("ls")
    assert failed.code == 2
    assert told in failed.err
    assert_explained(failed)


def test_what_nobody_expected_is_one_line_and_a_hint(
    library: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with io.TextIOWrapper(Path("/dev/full").open("wb", buffering=0), write_through=True) as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main(["ls", "--home", str(library)]) == 1
        assert capsys.readouterr().err.splitlines() == [
            "error: unexpected OSError: [Errno 28] No space left on device",
            "  try: the same command with RAGAPP_DEBUG=1, and report what it prints",
        ]
        monkeypatch.setenv("RAGAPP_DEBUG", "1")
        with pytest.raises(OSError, match="No space left"):
            main(["ls", "--home", str(library)])
