"""The ingest job beside the conversation: one at a time, told in a few words, its failures kept to try again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ragapp.tui import engine
from ragapp.tui.messages import IngestEnded, Ingesting

if TYPE_CHECKING:
    from ragapp.app import RagApp


class IngestJob:
    """Takes files in, off the application's thread.

    Args:
        run: Runs work elsewhere; what it has to tell comes back as messages.
    """

    def __init__(self, run: Callable[..., None]) -> None:
        self._run = run
        self._cancelled = threading.Event()
        self._began = 0.0
        self.running = False
        self.failed: tuple[Path, ...] = ()
        """Files of the last job that could not be taken in."""

    def start(self, app: RagApp, paths: list[Path]) -> None:
        """Begin a job."""
        self.running, self._began = True, time.monotonic()
        self._cancelled = threading.Event()
        self._run(engine.take_in, app, paths, self._cancelled)

    def cancel(self) -> bool:
        """Stop the job; tell whether there was one that had not been stopped."""
        stops = self.running and not self._cancelled.is_set()
        self._cancelled.set()
        return stops

    def told(self, message: Ingesting) -> str:
        """Tell how far the job is, how fast, and how long it will take."""
        seconds = max(time.monotonic() - self._began, 1e-3)
        parts = [f"taking in {message.done}/{message.files} files"]
        if message.passages:
            parts.append(f"{message.passages / seconds:.0f} passages/s")
        if 0 < message.done_bytes < message.all_bytes:
            left = round(seconds * (message.all_bytes - message.done_bytes) / message.done_bytes)
            parts.append(f"{left // 60}:{left % 60:02} left")
        return ", ".join(parts)

    def ended(self, message: IngestEnded) -> None:
        """Note that the job is over and what failed."""
        self.running = False
        if message.report:
            self.failed = tuple(Path(failure.name) for failure in message.report.failures)
