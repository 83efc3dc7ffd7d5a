"""Finding files: every regular file under some folders that a loader reads, each once, in a fixed order."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ragapp.errors import LoadError, UnsupportedFormat
from ragapp.indexes.types import MediaType
from ragapp.ingest.loaders import MEDIA_TYPES, loader_for


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to take in.

    Attributes:
        path: Where it is, resolved: absolute and without symbolic links.
        name: The document's name, the path as text that can be stored.
        media_type: Which loader reads it.
        size: Bytes.
        mtime_ns: Modification time, nanoseconds since the epoch.
    """

    path: str
    name: str
    media_type: MediaType
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file or folder that cannot be taken in.

    Attributes:
        name: Its path as text that can be stored.
        error: Why, and what to do.
    """

    name: str
    error: LoadError


def document_name(path: str | Path) -> str:
    r"""Give the name a document is stored under: its resolved absolute path.

    Args:
        path: A resolved path.

    Returns:
        The path; a byte of it that is not UTF-8 is written as ``\xNN``, since a catalog stores text.
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def discover(roots: Sequence[Path]) -> Iterator[FoundFile | Unreadable]:
    """Find the files to take in.

    A folder is walked in the order of its entries' names. Hidden entries, other kinds of file and what is no regular
    file are passed over there, but are an error when given by name. Symbolic links are followed, each folder and file
    is met once, so loops end.

    Args:
        roots: Files and folders.

    Yields:
        Files in a fixed order, and what cannot be read.
    """
    walk = _Walk()
    for root in roots:
        try:
            path = os.path.realpath(root, strict=True)
            status = os.stat(path)  # noqa: PTH116 - a path object for each of a million files costs half the time
        except (OSError, ValueError) as error:
            yield _unreadable(os.path.abspath(root), error)  # noqa: PTH100
            continue
        if stat.S_ISDIR(status.st_mode):
            yield from walk.folder(path, status)
        else:
            yield from walk.given_file(path, status)


class _Walk:
    def __init__(self) -> None:
        self._folders: set[tuple[int, int]] = set()  # device and inode
        self._names: set[str] = set()

    def folder(self, path: str, status: os.stat_result) -> Iterator[FoundFile | Unreadable]:
        waiting = [(path, status)]
        while waiting:
            path, status = waiting.pop()
            identity = (status.st_dev, status.st_ino)
            if identity in self._folders:
                continue
            self._folders.add(identity)
            try:
                with os.scandir(path) as entries:
                    ordered = sorted((entry for entry in entries if entry.name[0] != "."), key=lambda e: e.name)
            except OSError as error:
                yield _unreadable(path, error)
                continue
            folders: list[tuple[str, os.stat_result]] = []
            for entry in ordered:
                try:
                    target = os.path.realpath(entry.path, strict=True) if entry.is_symlink() else entry.path
                    inner = entry.stat()
                except OSError as error:
                    if loader_for(Path(entry.name)):  # a dangling or looping link with the name of a document
                        yield _unreadable(entry.path, error)
                    continue
                if stat.S_ISDIR(inner.st_mode):
                    folders.append((target, inner))
                elif stat.S_ISREG(inner.st_mode):
                    yield from self._file(target, inner)
            waiting.extend(reversed(folders))

    def given_file(self, path: str, status: os.stat_result) -> Iterator[FoundFile | Unreadable]:
        if not stat.S_ISREG(status.st_mode):
            what = f"{path!r} is neither a file nor a folder"
            yield Unreadable(document_name(path), LoadError(what, "give a file or a folder"))
        elif loader_for(Path(path)) is None:
            what = f"{path!r} is of a kind that cannot be read: {Path(path).suffix!r}"
            hint = f"convert it to one of {', '.join(sorted(MEDIA_TYPES))}"
            yield Unreadable(document_name(path), UnsupportedFormat(what, hint))
        else:
            yield from self._file(path, status)

    def _file(self, path: str, status: os.stat_result) -> Iterator[FoundFile]:
        media_type = MEDIA_TYPES.get(os.path.splitext(path)[1].lower())  # noqa: PTH122
        name = document_name(path)
        if media_type is not None and name not in self._names:
            self._names.add(name)
            yield FoundFile(path, name, media_type, status.st_size, status.st_mtime_ns)


def _unreadable(path: str, error: OSError | ValueError) -> Unreadable:
    match error:
        case FileNotFoundError():
            hint = f"see that it is there; if it was ingested and is to go: ragapp rm {shlex.quote(path)}"
        case PermissionError():
            hint = f"allow reading it: chmod -R u+rX {shlex.quote(path)}"
        case _:
            hint = "see that it can be opened"
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return Unreadable(document_name(path), LoadError(f"{path!r} cannot be read: {reason}", hint))
