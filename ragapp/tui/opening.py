"""Opening a document's file in the program that the system has for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from ragapp.text import one_line


def has_desktop() -> bool:
    """Tell whether there is a desktop that files can be opened on."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def open_file(path: Path) -> str:
    """Open a file as a double click would.

    Args:
        path: The file.

    Returns:
        What was done, or why it could not be, for the user to read.
    """
    if not path.is_file():
        return f"the file is gone: {one_line(str(path))}"
    program = "open" if sys.platform == "darwin" else "xdg-open"
    if not has_desktop():
        return f"there is no desktop to open it on: {one_line(str(path))}"
    if shutil.which(program) is None:
        return f"{program} is not installed; the file is {one_line(str(path))}"
    subprocess.Popen(  # noqa: S603 - a fixed program, and the path is an argument of its own
        [program, str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    return f"opened: {one_line(str(path))}"
