"""Something that runs beside the conversation and can be stopped: one of its kind at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

Run = Callable[..., None]
"""Runs a function off the application's thread, with its arguments; what it has to tell comes back as messages."""


class Job:
    """Work beside the conversation.

    Args:
        run: Runs it elsewhere.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._cancelled = threading.Event()
        self._began = 0.0
        self.running = False

    @property
    def seconds(self) -> float:
        """Seconds since it began, more than 0."""
        return max(time.monotonic() - self._began, 1e-3)

    def begin(self, work: Callable[..., None], *arguments: object) -> None:
        """Begin.

        Args:
            work: What to do; it gets an event that is set to stop it, after its arguments.
            arguments: Its arguments.
        """
        self.running, self._began = True, time.monotonic()
        self._cancelled = threading.Event()
        self._run(work, *arguments, self._cancelled)

    def cancel(self) -> bool:
        """Stop; tell whether there was something that had not been stopped."""
        stops = self.running and not self._cancelled.is_set()
        self._cancelled.set()
        return stops


def time_left(seconds: float) -> str:
    """Tell how long something will take, in minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02} left"
