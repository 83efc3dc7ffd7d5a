"""What the application does off its own thread: open the index, load models, answer, take documents in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from textual.message import Message

from ragapp.app import RagApp
from ragapp.errors import CollectionNotFound, RagappError
from ragapp.events import AnswerDone, Failed
from ragapp.ingest.events import FileDone, JobEvent, JobStarted
from ragapp.settings import Settings
from ragapp.tui.messages import FileTaken, Happened, IngestEnded, Loaded, NotOpened, Opened

Post = Callable[[Message], object]
"""Hands a message to the application; may be called from any thread."""


def open_and_load(settings: Settings, post: Post) -> None:
    """Open the index, then load the models, telling of each.

    Args:
        settings: The settings.
        post: Takes `Opened` and `Loaded`, or `NotOpened`.
    """
    try:
        app = RagApp(settings)
        post(Opened(app))
        _ = app.encoder, app.reader
        post(Loaded(_documents(app)))
    except RagappError as error:
        post(NotOpened(error.message, error.hint))


def answer(app: RagApp, question: str, conversation: int, turn: int, cancelled: threading.Event, post: Post) -> None:
    """Answer a question, unless it is cancelled on the way.

    Args:
        app: Who answers.
        question: The question as typed.
        conversation: Where the turn is stored.
        turn: Number of the turn.
        cancelled: Set to stop; what the models are doing at the moment is finished and dropped.
        post: Takes `Happened`.
    """
    for event in app.stream(question, conversation=conversation):
        if cancelled.is_set():
            return
        post(Happened(turn, event))
        if isinstance(event, (AnswerDone, Failed)):
            return


def take_in(app: RagApp, path: Path, cancelled: threading.Event, post: Post) -> None:
    """Take a file or folder in, unless it is cancelled on the way; what was committed stays.

    Args:
        app: Whose documents they become.
        path: The file or folder.
        cancelled: Set to stop.
        post: Takes `FileTaken` and, once, `IngestEnded`.
    """
    files, done = 0, 0

    def tell(event: JobEvent) -> None:
        nonlocal files, done
        if cancelled.is_set():
            raise KeyboardInterrupt  # what Ctrl-C is to the command line; the job ends with what is committed
        if isinstance(event, JobStarted):
            files = event.files
        elif isinstance(event, FileDone):
            done += 1
            post(FileTaken(done, files, event))

    try:
        post(IngestEnded(app.ingest(path, on_event=tell)))
    except RagappError as error:
        post(IngestEnded(None, error.message, error.hint))
    except KeyboardInterrupt:
        post(IngestEnded(None, "The job was stopped; what was committed stays."))


def _documents(app: RagApp) -> int:
    try:
        return app.index.stats(app.collection).documents
    except CollectionNotFound:
        return 0
