"""One's own editor: to write a question in, and to open a document at a line."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from ragapp.errors import ConfigError


def edited(text: str) -> str:
    """Open a text in the editor that ``VISUAL`` or ``EDITOR`` names, and wait for it.

    Args:
        text: The text.

    Returns:
        The text as it was saved.

    Raises:
        ConfigError: If there is no such editor, or it failed.
    """
    with tempfile.TemporaryDirectory(prefix="ragapp-") as folder:
        path = Path(folder) / "question.md"
        path.write_text(text, "utf-8")
        _edit(str(path))
        return path.read_text("utf-8", errors="replace").strip()


def open_at(path: Path, line: int) -> None:
    """Open a file in that editor at a line, and wait for it.

    Args:
        path: The file.
        line: The line, from 1, handed over as ``+LINE``.

    Raises:
        ConfigError: If there is no such editor, or it failed.
    """
    _edit(f"+{line}", str(path))


def _edit(*arguments: str) -> None:
    name = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        done = subprocess.run([*shlex.split(name), *arguments], check=False)  # noqa: S603 - the person's own editor
    except (OSError, ValueError) as error:
        raise ConfigError(f"The editor {name!r} cannot be started: {error}.", "export EDITOR=nano") from error
    if done.returncode != 0:
        raise ConfigError(f"The editor {name!r} ended with {done.returncode}; nothing was changed.", "try again")
