"""The ingest job beside the conversation: one at a time, told in a few words, its failures kept to try again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ragapp.tui import engine
from ragapp.tui.job import Job, Run, time_left
from ragapp.tui.messages import IngestEnded, Ingesting

if TYPE_CHECKING:
    from ragapp.app import RagApp


class IngestJob(Job):
    """Takes files in, off the application's thread.

    Args:
        run: Runs work elsewhere; what it has to tell comes back as messages.
    """

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.failed: tuple[Path, ...] = ()
        """Files of the last job that could not be taken in."""
        self._failures = 0
        self.question = ""
        """What to offer to ask when the job is over."""

    def start(self, app: RagApp, paths: list[Path], question: str = "") -> None:
        """Begin a job, after which a question may be offered."""
        self.question, self._failures = question, 0
        self.begin(engine.take_in, app, paths)

    def told(self, message: Ingesting) -> str:
        """Tell how far the job is, how fast, and how long it will take."""
        self._failures += message.file is not None and message.file.status == "failed"
        parts = [f"taking in {message.done}/{message.files} files"]
        parts += [f"{self._failures} failed"] if self._failures else []
        if message.passages:
            parts.append(f"{message.passages / self.seconds:.0f} passages/s")
        if 0 < message.done_bytes < message.all_bytes:
            parts.append(time_left(self.seconds * (message.all_bytes - message.done_bytes) / message.done_bytes))
        return ", ".join(parts)

    def ended(self, message: IngestEnded) -> str:
        """Note that the job is over and what failed, and tell what it did; nothing if it could not run."""
        self.running, report = False, message.report
        if report is None:
            return ""
        self.failed = tuple(Path(failure.name) for failure in report.failures)
        told = f"{report.added} added, {report.changed} changed, {report.unchanged} unchanged, {report.failed} failed"
        return told + ("\n/retry takes the failed ones in again" if report.failed else "")
