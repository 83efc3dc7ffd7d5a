"""Runs from the command line: the same bytes again, also after a kill; grids, gates, comparisons, what is refused."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ragapp.app import RagApp
from ragapp.cli.main import main
from ragapp.errors import ExitCode
from ragapp.indexes.encoder import DEFAULT_ENCODER
from ragapp.indexes.index import Index
from ragapp.indexes.types import EncoderPin
from ragapp.settings import Settings

CONTEXTS = {
    "The Forth Bridge opened on 4 March 1890.": ("When did the Forth Bridge open?", ["4 March 1890"]),
    "Kimchi is made by salting cabbage.": ("What is kimchi made by?", ["salting cabbage"]),
    "Voyager 1 was launched in September 1977.": ("When was Voyager 1 launched?", ["September 1977"]),
    "Philae landed on a comet in 2014.": ("Where did Philae land?", ["on a comet"]),
    "Natto divides Japan.": ("What does natto cost?", []),
    "Jenner came from Berkeley.": ("Where did Jenner come from?", ["Berkeley"]),
}
BYTES = ("run.json", "items.jsonl", "figures.json")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six questions, one unanswerable, in SQuAD's flat form."""
    path = tmp_path_factory.mktemp("data") / "six.jsonl"
    records = [
        {"id": str(n), "question": question, "context": context, "answers": answers, "is_impossible": not answers}
        for n, (context, (question, answers)) in enumerate(CONTEXTS.items())
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: str | Path) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return command


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two finished runs: of the shipped reader with re-ranking and on its own passages."""
    home = tmp_path_factory.mktemp("finished")
    arguments = ["eval", "run", "--data", data, "--home", home, "--judge", "lexical"]
    assert main([*map(str, arguments), "--retrieval", "lexical", "--retrieval", "gold"]) == 0
    return home


def folder(home: Path, pattern: str = "*") -> Path:
    (found,) = (home / "evals" / "runs").glob(pattern)
    return found


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(data: Path, finished: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ragapp", "eval", "run", "--data", str(data), "--home", str(tmp_path)]
    command += ["--judge", "lexical", "--retrieval", "lexical"]
    code = (
        "import os, signal, sys; from ragapp.evals import store; from ragapp.cli.main import main\n"
        "write = store._flush\n"
        "def flush(file, count=[0]):\n"
        "    write(file); count[0] += file.name.endswith('items.jsonl')\n"
        "    if count[0] == 2: file.write(b'{\"half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
        "store._flush = flush; main(sys.argv[1:])"
    )
    killed = subprocess.run([sys.executable, "-c", code, *command[3:]], capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    left = folder(tmp_path)
    assert (left / "items.jsonl").read_bytes().endswith(b'{"half')
    assert not (left / "figures.json").exists()
    listed = subprocess.run([*command[:4], "list", "--home", str(tmp_path)], capture_output=True, text=True)
    assert "  partial  2 of 6 questions" in listed.stdout
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    whole = folder(finished, "six-shipped-lexical-*")
    assert left.name == whole.name
    listed = subprocess.run([*command[:4], "list", "--home", str(tmp_path), "--json"], capture_output=True, text=True)
    assert [(run["status"], run["asked"]) for run in json.loads(listed.stdout)] == [("done", 6)]
    for name in BYTES:
        assert (left / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_finished_run_is_not_asked_again(data: Path, finished: Path, run: Run) -> None:
    before = (folder(finished, "*gold*") / "timings.jsonl").read_bytes()
    code, out, err = run(
        "eval", "run", "--data", data, "--home", finished, "--judge", "lexical", "--retrieval", "gold", "--json"
    )
    assert code == 0
    assert "done already" in err
    assert (folder(finished, "*gold*") / "timings.jsonl").read_bytes() == before
    record = json.loads(out)
    assert record["finished"]
    with Index.open(finished) as index:
        # As if it had been killed after the figures were written and before the catalog knew of them.
        index.evaluations.finish(record["run"], "{}", [])
    assert run("eval", "run", "--data", data, "--home", finished, "--judge", "lexical", "--retrieval", "gold")[0] == 0
    with Index.open(finished) as index:
        assert len(index.evaluations.items(record["run"])) == 6
    assert record["figures"]["f1"]["n"] == 6
    assert record["figures"]["hit@1"]["value"] == 1
    assert record["manifest"]["judge"] == "lexical"
    assert set(record["manifest"]["models"]) >= {"encoder", "reader", "judge"}


def test_a_gate_that_is_missed_ends_with_exit_code_5(data: Path, finished: Path, run: Run) -> None:
    same = ("eval", "run", "--data", data, "--home", finished, "--judge", "lexical", "--retrieval", "gold")
    assert run(*same, "--fail-under", "hit@1=100")[0] == ExitCode.OK
    # One question has no answer: whoever answers all of them loses F1.
    code, _, err = run(*same, "--fail-under", "answered=100", "--fail-under", "f1=100", "--fail-under", "hit@1=90")
    assert code == ExitCode.GATE
    assert "gate missed" in err
    assert "answered ≥ 100 %" in err or "f1 ≥ 100 %" in err
    assert run(*same, "--fail-under", "f2=70")[0] == ExitCode.USAGE
    assert run(*same, "--fail-under", "f1")[0] == ExitCode.USAGE


def test_runs_are_listed_shown_and_compared(finished: Path, run: Run) -> None:
    code, out, _ = run("eval", "list", "--home", finished, "--json")
    listed = json.loads(out)
    assert (code, len(listed), {each["status"] for each in listed}) == (0, 2, {"done"})
    code, out, _ = run("eval", "show", folder(finished, "*gold*").name[-6:], "--home", finished)
    assert code == 0
    assert "judged by lexical" in out
    assert "Token F1" in out
    one, other = (folder(finished, pattern).name for pattern in ("*lexical-*", "*gold-*"))
    code, out, _ = run("eval", "compare", one, other, "--home", finished, "--json", "--fail-on-regression")
    compared = json.loads(out)
    assert (code, compared["questions"]) == (0, 6)
    assert all(each["low"] <= each["high"] and 0 < each["p"] <= 1 for each in compared["differences"])
    assert run("eval", "compare", one, other, "--home", finished)[0] == 0
    assert run("eval", "show", "six", "--home", finished)[0] == ExitCode.FAILED
    code, _, err = run("eval", "show", "nothing", "--home", finished)
    assert (code, "names no run" in err) == (ExitCode.FAILED, True)


def test_a_partial_run_is_kept_and_marked(finished: Path, run: Run, tmp_path: Path) -> None:
    whole = folder(finished, "*gold*")
    part = tmp_path / whole.name
    part.mkdir()
    for name in ("run.json", "timings.jsonl"):
        (part / name).write_bytes((whole / name).read_bytes())
    (part / "items.jsonl").write_bytes(b"".join((whole / "items.jsonl").read_bytes().splitlines(keepends=True)[:2]))
    code, out, _ = run("eval", "show", part)
    assert code == 0
    assert "PARTIAL: 2 of 6 questions" in out


def test_a_table_about_ones_own_documents(run: Run, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "forth.txt").write_text("The Forth Bridge opened on 4 March 1890.", "utf-8")
    home, table = tmp_path / "home", tmp_path / "mine.csv"
    assert run("ingest", tmp_path / "docs", "--home", home)[0] == 0
    table.write_text("question,answer,document\nWhen did the Forth Bridge open?,4 March 1890,forth.txt\n", "utf-8")
    code, out, _ = run("eval", "run", "--data", table, "--home", home, "--judge", "lexical", "--json")
    assert code == 0
    assert json.loads(out)["figures"]["hit@1"]["value"] == 1
    table.write_text("question,answer,document\nWhen?,1890,tay.txt\n", "utf-8")
    code, _, err = run("eval", "run", "--data", table, "--home", home, "--judge", "lexical")
    assert (code, "names the document 'tay.txt'" in err) == (ExitCode.FAILED, True)
    table.write_text("question,answer\nWhen did it open?,1890\n", "utf-8")
    runs = sorted((home / "evals" / "runs").iterdir())
    grid = ("eval", "run", "--data", table, "--home", home, "--judge", "lexical", "--retrieval", "dense")
    code, _, err = run(*grid, "--retrieval", "gold")
    assert (code, "line 2 names no document" in err) == (ExitCode.FAILED, True)
    assert sorted((home / "evals" / "runs").iterdir()) == runs, "no cell of a grid starts before all are checked"


def test_documents_may_be_named_in_several_ways(run: Run, tmp_path: Path) -> None:
    for folder_, text in (("a", "The Forth Bridge opened in 1890."), ("b", "The Tay Bridge fell in 1879.")):
        (tmp_path / "docs" / folder_).mkdir(parents=True)
        (tmp_path / "docs" / folder_ / "notes.txt").write_text(text, "utf-8")
    (tmp_path / "docs" / "b" / "voyager.md").write_text("# Probes\n\nVoyager 1 was launched in 1977.", "utf-8")
    home, table = tmp_path / "home", tmp_path / "mine.csv"
    assert run("ingest", tmp_path / "docs", "--home", home)[0] == 0
    rows = [
        "When did the Forth Bridge open?,1890,a/notes.txt",
        "When did the Tay Bridge fall?,1879,docs/b/notes.txt",
        f"Which bridge fell in 1879?,The Tay Bridge,{tmp_path.resolve()}/docs/b/notes.txt",
        "When was Voyager 1 launched?,1977,voyager",
        "What was launched in 1977?,Voyager 1,Probes",
    ]
    table.write_text("\n".join(["question,answer,document", *rows]), "utf-8")
    command = ("eval", "run", "--data", table, "--home", home, "--judge", "lexical", "--json")
    code, out, _ = run(*command, "--retrieval", "gold")
    assert (code, json.loads(out)["figures"]["hit@1"]["value"]) == (0, 1)
    table.write_text("question,answer,document\nWhen?,1890,notes.txt\n", "utf-8")
    code, _, err = run(*command)
    assert (code, "'notes.txt', which the collection 'default' holds more than once" in err) == (ExitCode.FAILED, True)


def test_an_index_of_another_encoder_is_refused(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with RagApp(Settings(home=tmp_path / "home")) as app:
        app.index.ensure_collection("default", EncoderPin("someone/else", "0" * 64, 384), "any")
    table = tmp_path / "mine.csv"
    table.write_text("question,answer\nWhen did it open?,1890\n", "utf-8")
    monkeypatch.setenv("RAGAPP_ENCODER", DEFAULT_ENCODER)
    code, _, err = run("eval", "run", "--data", table, "--home", tmp_path / "home", "--judge", "lexical")
    assert (code, "cannot be searched with" in err) == (ExitCode.INDEX, True)
    assert not (tmp_path / "home" / "evals").exists()


def test_what_is_refused_before_any_work(data: Path, run: Run, tmp_path: Path) -> None:
    assert run("eval", "run", "--data", data, "--format", "trec", "--home", tmp_path)[0] == ExitCode.USAGE
    assert run("eval", "run", "--data", data, "--retrieval", "magic", "--home", tmp_path)[0] == ExitCode.USAGE
    assert run("eval", "run", "--data", data, "--retrieval", "none", "--home", tmp_path)[0] == ExitCode.USAGE
    assert run("eval", "run", "--data", data, "--judge", tmp_path / "no", "--home", tmp_path)[0] == ExitCode.MODEL
    assert run("eval", "run", "--data", data, "--reader", "no", "--home", tmp_path)[0] == ExitCode.MODEL
    grid = ("eval", "run", "--data", data, "--home", tmp_path, "--reader", "shipped", "--reader")
    assert run(*grid, "no")[0] == ExitCode.MODEL
    (tmp_path / "broken").mkdir()
    assert run(*grid, tmp_path / "broken")[0] == ExitCode.MODEL
    assert not (tmp_path / "evals").exists()
    (tmp_path / "run.json").write_text('{"schema_version": 99}', "utf-8")
    code, _, err = run("eval", "show", tmp_path)
    assert (code, "schema 99" in err) == (ExitCode.FAILED, True)
