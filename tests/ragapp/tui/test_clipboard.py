"""Copying: what takes the text, what is told of it, and what never gets into it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ragapp.tui import clipboard
from ragapp.tui.clipboard import copy_text


def program(folder: Path, body: str) -> None:
    """Put a program of that name on the path, as a desktop has it."""
    path = folder / "xclip"
    path.write_text(f"#!{sys.executable}\nimport os, pathlib, sys\n{body}\n", "utf-8")
    path.chmod(0o755)


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_a_program_that_stays_behind_to_serve_the_clipboard_is_not_waited_for(desktop: Path) -> None:
    taken, over = desktop / "taken", desktop / "over"
    os.mkfifo(over)
    stays = f"if os.fork() == 0:\n    open({str(over)!r}).read()\n    os._exit(0)"
    program(desktop, f"pathlib.Path({str(taken)!r}).write_bytes(sys.stdin.buffer.read())\n{stays}")
    said = copy_text("a\tquote – é\n", lambda text: pytest.fail("the terminal was asked, too"))
    assert said == "12 characters copied by xclip"
    assert taken.read_text("utf-8") == "a\tquote – é\n"
    over.write_text("")  # now it ends


@pytest.mark.parametrize("body", ["sys.exit(1)", "sys.stdin.read()\nopen(sys.argv[0] + '.fifo').read()"])
def test_where_a_program_fails_or_hangs_the_terminal_is_asked(
    desktop: Path, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clipboard, "_SECONDS", 0.5)
    os.mkfifo(desktop / "xclip.fifo")
    program(desktop, body)
    asked: list[str] = []
    assert "terminal" in copy_text("text", asked.append)
    assert asked == ["text"]
