"""Standard output is data, standard error is narration; nothing from a document reaches either unprinted."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ragapp.errors import ConfigError
from ragapp.text import counted, one_line, printable

if TYPE_CHECKING:
    from rich.console import Console

    from ragapp.errors import RagappError


def write(text: str = "") -> None:
    """Print a line of data.

    Args:
        text: The line; control characters in it are made inert.
    """
    sys.stdout.write(printable(text, keep="\n") + "\n")
    sys.stdout.flush()


def write_json(value: object) -> None:
    """Print a value as one line of JSON.

    Args:
        value: What `json` can write. All that is not ASCII is escaped: the line is inert on a terminal, survives any
            locale, and is still the value to whoever parses it.
    """
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def narrate(text: str = "") -> None:
    """Print a line of narration.

    Args:
        text: The line; control characters in it are made inert.
    """
    sys.stderr.write(printable(text, keep="\n") + "\n")
    sys.stderr.flush()


def explain(error: RagappError) -> None:
    """Tell what happened and what to type next.

    Args:
        error: What happened.
    """
    narrate(f"error: {one_line(error.message)}")
    if error.hint:
        narrate(f"  try: {one_line(error.hint)}")


def stdout() -> Console:
    """Make a console for formatted data on a terminal; it honours ``NO_COLOR``."""
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False)


def short_name(document: str) -> str:
    """Name a document as a person would: relative to here or to home, on one line.

    Args:
        document: Its absolute name.

    Returns:
        The shorter name, inert.
    """
    path = Path(document)
    here, home = Path.cwd(), Path.home()
    if path.is_relative_to(here):
        return one_line(str(path.relative_to(here)))
    return one_line(f"~{os.sep}{path.relative_to(home)}" if path.is_relative_to(home) else document)


def waiting(removed: object) -> str:
    """Say how many removed documents are still to be erased.

    Args:
        removed: How many.

    Returns:
        The sentence, with the command that does it.
    """
    return f"{counted(removed, 'removed document')} {'awaits' if removed == 1 else 'await'} `ragapp compact`"


@contextmanager
def writing(path: Path) -> Generator[None]:
    """Turn what keeps a file that a person named from being written into an error that says so.

    Args:
        path: The file.

    Raises:
        ConfigError: If it cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{str(path)!r} cannot be written: {error.strerror}.", "give another path") from error


def make_folder(path: Path) -> None:
    """Make a folder that hours of work will be written to, before they begin.

    Args:
        path: The folder; it may be there.

    Raises:
        ConfigError: If it cannot be made.
    """
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)


@contextmanager
def progress(total: int, unit: str, what: str) -> Generator[Callable[[int], None]]:
    """Show a bar with rate and time left while something is counted, if standard error is a terminal.

    Args:
        total: How much there is.
        unit: What is counted, plural.
        what: What is going on.

    Yields:
        Call it with how much was done since the last call.
    """
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, rate="")

        def advance(done: int) -> None:
            bar.advance(task, done)
            speed = bar.tasks[0].speed
            bar.update(task, rate=f"{speed:.1f} {unit}/s" if speed else "")

        yield advance
