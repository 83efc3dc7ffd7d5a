"""One writer at a time, across processes; readers take no lock."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ragapp.errors import IndexError_, IndexLocked


@contextmanager
def writer_lock(home: Path, wait_s: float) -> Generator[None]:
    """Hold the writer lock of a home folder; the system frees it when the process dies, however it dies.

    Args:
        home: The home folder.
        wait_s: How long to wait for another writer, seconds.

    Raises:
        IndexLocked: If another process still holds it; names that process.
    """
    owner = home / "lock.pid"
    lock = FileLock(home / "lock", thread_local=False)
    try:
        lock.acquire(timeout=wait_s)
    except Timeout as error:
        raise IndexLocked(
            f"Another writer ({_read(owner)}) is at work in {str(home)!r}.",
            "wait until it has ended, and run this again",
        ) from error
    except OSError as error:
        raise IndexError_(
            f"{str(home)!r} cannot be locked: {error}.", "check its permissions, or set RAGAPP_HOME"
        ) from error
    try:
        with suppress(OSError):  # on a full disk, too, things can be removed
            owner.write_text(f"process {os.getpid()}\n", "utf-8")
        yield
    finally:
        with suppress(OSError):
            owner.unlink()
        lock.release()


def _read(owner: Path) -> str:
    try:
        return owner.read_text("utf-8").strip() or "unknown"
    except OSError:
        return "unknown"
