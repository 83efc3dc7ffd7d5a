"""Run folders, written a question at a time: a killed run goes on where it stopped and ends with the same bytes.

A folder holds ``run.json`` (the manifest), ``items.jsonl``, ``timings.jsonl`` and, once the run is finished,
``figures.json``. A run without figures is partial, and whatever shows it says so.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TypeVar

from pydantic import ValidationError

from ragapp.errors import EvalError
from ragapp.evals.records import SCHEMA_VERSION, Item, Manifest, Timing, plain, restore

RUN_FILE, ITEMS_FILE, TIMINGS_FILE, FIGURES_FILE = "run.json", "items.jsonl", "timings.jsonl", "figures.json"
T = TypeVar("T")


def run_name(manifest: Manifest) -> str:
    """Name a run after what it depends on: the same inputs, the same name."""
    readable = re.sub(r"[^\w.-]+", "_", f"{Path(manifest.dataset).stem}-{manifest.reader}-{manifest.retrieval}")
    return f"{readable}-{hashlib.sha256(_line(plain(manifest))).hexdigest()[:10]}"


class RunFolder:
    """The folder of one run.

    Args:
        path: The folder; must hold a manifest, see `create`.

    Raises:
        EvalError: If it is no run's folder, or a newer ragapp wrote it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            content = json.loads((path / RUN_FILE).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise EvalError(f"{str(path)!r} is no run: {error}", "ragapp eval list") from error
        version = content.get("schema_version") if isinstance(content, dict) else None
        if version != SCHEMA_VERSION:
            raise EvalError(
                f"{str(path)!r} was written with schema {version!r}; this program reads {SCHEMA_VERSION}.",
                "pip install --upgrade ragapp, or run the evaluation again",
            )
        self.manifest = _checked(Manifest, content, path / RUN_FILE)

    @classmethod
    def create(cls, root: Path, manifest: Manifest) -> RunFolder:
        """Make a run's folder, or find the one that an earlier run with the same inputs left.

        Args:
            root: Where the runs are.
            manifest: What the run depends on.

        Returns:
            The folder.
        """
        path = root / run_name(manifest)
        path.mkdir(parents=True, exist_ok=True)
        if not (path / RUN_FILE).exists():
            write_atomically(path / RUN_FILE, json.dumps(plain(manifest), indent=2, sort_keys=True).encode() + b"\n")
        return cls(path)

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.path.name

    @property
    def finished(self) -> bool:
        """Whether every question was answered and the figures are there."""
        return (self.path / FIGURES_FILE).is_file()

    def items(self) -> list[Item]:
        """Read the items that are there, in the order asked."""
        return _lines(self.path / ITEMS_FILE, Item)

    def timings(self) -> list[Timing]:
        """Read the timings; of a question that was timed twice, because the run was killed in between, the last."""
        return list({timing.id: timing for timing in _lines(self.path / TIMINGS_FILE, Timing)}.values())

    def figures(self) -> Mapping[str, object]:
        """Read the figures.

        Raises:
            EvalError: If the run is not finished.
        """
        if not self.finished:
            raise EvalError(f"The run {self.name!r} is not finished.", "start it again with the same command")
        return json.loads((self.path / FIGURES_FILE).read_text("utf-8"))

    def resume(self) -> Callable[[Item, Timing], None]:
        """Cut off what a kill left half written.

        Returns:
            What stores one more item; it is on the disk when the call returns.
        """
        for name in (ITEMS_FILE, TIMINGS_FILE):
            _cut_to_whole_lines(self.path / name)

        def append(item: Item, timing: Timing) -> None:
            # The timing first: an item that is there is done with, and is not asked again.
            for name, record in ((TIMINGS_FILE, timing), (ITEMS_FILE, item)):
                with (self.path / name).open("ab") as file:
                    file.write(_line(plain(record)) + b"\n")
                    _flush(file)

        return append

    def finish(self, figures: Mapping[str, object]) -> None:
        """Write the figures, which marks the run as finished."""
        content = json.dumps(plain_figures(figures), indent=2, sort_keys=True)
        write_atomically(self.path / FIGURES_FILE, content.encode() + b"\n")


def plain_figures(figures: Mapping[str, object]) -> object:
    """Give figures as plain JSON types, NaN as null, which JSON has no other word for."""
    return json.loads(json.dumps(figures), parse_constant=lambda _: None)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is either whole or not there, whenever the process is killed."""
    half = path.with_name(f"{path.name}.part")
    with half.open("wb") as file:
        file.write(content)
        _flush(file)
    half.replace(path)


def count_items(folder: Path) -> int:
    """Count the questions of a run that are done; none if its folder is gone."""
    items = folder / ITEMS_FILE
    return items.read_bytes().count(b"\n") if items.is_file() else 0


def find_run(root: Path, given: str) -> RunFolder:
    """Find a run.

    Args:
        root: Where the runs are.
        given: A folder, a run's name, or the beginning or the end of one.

    Returns:
        The run.

    Raises:
        EvalError: If there is none, or more than one.
    """
    if not given:  # what an unset variable of a shell makes: every run begins with it
        raise EvalError("The name of the run is empty.", "ragapp eval list")
    if (Path(given) / RUN_FILE).is_file():
        return RunFolder(Path(given))
    names = sorted(path.parent.name for path in root.glob(f"*/{RUN_FILE}"))
    fitting = [name for name in names if name == given] or [
        name for name in names if name.startswith(given) or name.endswith(given)
    ]
    if len(fitting) != 1:
        what = f"several runs: {fitting[:3]}" if fitting else "no run"
        raise EvalError(f"{given!r} names {what}.", "ragapp eval list")
    return RunFolder(root / fitting[0])


def _line(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, ensure_ascii=False).encode()


def _lines(path: Path, kind: type[T]) -> list[T]:
    if not path.is_file():
        return []
    whole = path.read_bytes().split(b"\n")[:-1]  # what follows the last newline is half a record
    return [_checked(kind, _json(line, path), path) for line in whole]


def _json(line: bytes, path: Path) -> object:
    try:
        return json.loads(line)
    except ValueError as error:
        raise EvalError(f"{str(path)!r} is damaged: {error}", "delete the run's folder and run it again") from error


def _checked(kind: type[T], content: object, path: Path) -> T:
    try:
        return restore(kind, content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise EvalError(
            f"{str(path)!r} is damaged at {field!r}: {first['msg']}.", "delete the run's folder and run it again"
        ) from error


def _cut_to_whole_lines(path: Path) -> None:
    if path.is_file():
        end = path.read_bytes().rfind(b"\n") + 1
        with path.open("r+b") as file:
            file.truncate(end)


def _flush(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
