"""Copying that tells the truth: which way the text went, or the file it was written to."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

_OSC52_LIMIT = 74_000
"""Terminals drop longer sequences without a word."""
_SECONDS = 2
"""A program that takes longer is not waited for."""
_PROGRAMS = (
    ("TMUX", ("tmux", "load-buffer", "-w", "-")),
    ("WAYLAND_DISPLAY", ("wl-copy",)),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
)


def copy_text(text: str, osc52: Callable[[str], None]) -> str:
    """Copy text by the first way that can work here.

    Args:
        text: What to copy.
        osc52: Hands text to the terminal, which may or may not take it.

    Returns:
        How it was copied, for the user to read.
    """
    for variable, command in _PROGRAMS:
        if os.environ.get(variable) and shutil.which(command[0]) and _taken_by(command, text):
            return f"{len(text)} characters copied by {command[0]}"
    if len(text.encode()) <= _OSC52_LIMIT:
        osc52(text)
        return f"{len(text)} characters handed to the terminal's clipboard"
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt", prefix="ragapp-", delete=False) as file:
        file.write(text)
    return f"too long for the clipboard; written to {Path(file.name)}"


def _taken_by(command: tuple[str, ...], text: str) -> bool:
    """Tell whether a program took the text.

    It gets no pipe for its output: one that stays behind to serve the clipboard would keep that open, and us waiting.
    """
    quiet = subprocess.DEVNULL
    try:
        done = subprocess.run(command, input=text.encode(), check=False, stdout=quiet, stderr=quiet, timeout=_SECONDS)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
