"""Names and text that try to steer the terminal, or that look like markup, stay plain text everywhere."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_samples import Cli, is_inert

EVIL = "\x1b]0;owned\x07\x1b[45;93m\u202e\x9b5m"
NAMES = ("evil\x1b[45;93m\nname.txt", "[bold]x[ [1].txt", "caf\udce9.txt")
TEXT = f"The secret word of the {EVIL} cave is [bold]heliotrope[/nope] [1] [/x] [link=file:///]y[/link].\n"
QUESTION = "What is the secret word of the cave?"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    for number, name in enumerate(NAMES):
        (folder / name).write_text(TEXT + f"It was written down {number} times.\n", "utf-8")
    (folder / f"{EVIL}.pdf").write_bytes(b"%PDF-1.7 broken")
    (folder / f"{EVIL}[x].html").write_text(
        "<title>[bold]\x1b[45;93mT</title><h1>[/x] &#27;[45;93mHeading</h1><p>The cave is &#27;]0;owned&#7; dark.</p>"
    )
    return folder


def test_nothing_raw_reaches_the_terminal(
    cli: Cli, hostile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGAPP_HOME", str(tmp_path))
    ingested = cli("ingest", hostile)
    assert ingested.code == 1
    assert ingested.err.count("not taken in: ") == 1
    assert len(cli("ls").out.splitlines()) == len(NAMES) + 1
    told = [
        ingested,
        cli("ingest", hostile, "--json"),
        cli("ls"),
        cli("ls", "--json"),
        cli("ask", QUESTION),
        cli("ask", QUESTION, "--json"),
        cli("ask", EVIL, "--path", f"*{EVIL}*"),
        cli("rm", EVIL),
        cli("ls", "--collection", EVIL),
        cli(EVIL),
        cli("ls", f"--{EVIL}"),
        cli("ls", "--type", EVIL),
        cli("doctor"),
        cli("status"),
        cli("verify"),
    ]
    assert [each for each in told if not is_inert(each.out + each.err)] == []
    assert "unexpected" not in "".join(each.err for each in told)
    read = "".join(passage["text"] for passage in told[5].record["passages"])
    assert TEXT.strip() in read, "whoever parses the JSON gets the text as it is"
    assert cli("rm", *[hostile / name for name in NAMES]).out == f"{len(NAMES)} documents removed\n"


def on_a_terminal(home: Path, *arguments: str | Path) -> tuple[int, str]:
    """Run a command in a process whose output is a terminal; tell its exit code and all that it drew."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "ragapp", *map(str, arguments), "--home", str(home)]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        drawn = b""
        while part := _read(ours):
            drawn += part
    os.close(ours)
    return process.returncode, drawn.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux tells so that the other side has closed
        return b""


def test_nothing_raw_reaches_a_real_terminal_either(hostile: Path, tmp_path: Path) -> None:
    code, drawn = on_a_terminal(tmp_path, "ingest", hostile)
    assert code == 1
    more = [on_a_terminal(tmp_path, "ls"), on_a_terminal(tmp_path, "ask", QUESTION)]
    assert [code for code, _ in more] == [0, 0]
    drawn += "".join(text for _, text in more)
    assert "owned" in drawn
    assert "[bold]" in drawn
    for raw in ("\x1b]0;", "\x07", "\x1b[45", "\u202e", "\x9b"):
        assert raw not in drawn
    assert "Traceback" not in drawn
    assert re.search(r"confidence \d+%", drawn)
