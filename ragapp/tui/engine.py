"""What the application does off its own thread: open the index, load models, answer, take documents in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from textual.message import Message

from ragapp.answers import Answer
from ragapp.app import RagApp
from ragapp.errors import CollectionNotFound, RagappError
from ragapp.events import AnswerDone, Failed
from ragapp.indexes.types import Span
from ragapp.ingest.events import FileDone, JobEvent, JobStarted
from ragapp.reranker import as_read
from ragapp.settings import Settings
from ragapp.tui.messages import FileTaken, Happened, IngestEnded, Loaded, Looked, LookedAt, NotOpened, Opened

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


def attention(app: RagApp, answer: Answer, post: Post) -> None:
    """Work out what the reader looked at while it copied an answer.

    Args:
        app: Who answered.
        answer: The answer; one from the catalog no longer has its passages, and one of another reader no attention.
        post: Takes `Looked`, once, if there is something to tell.
    """
    from ragapp.readers.copy_fid.explain import copy_attention
    from ragapp.readers.copy_fid.reader import CopyFidReader

    reader, ids = app.reader, [scored.passage.id for scored in answer.passages]
    if not isinstance(reader, CopyFidReader) or not answer.citations or answer.citations[0].passage_id not in ids:
        return
    citation, at = answer.citations[0], ids.index(answer.citations[0].passage_id)
    begin = answer.passages[at].passage.span.start
    span = Span(citation.answer_start - begin, citation.answer_end - begin)
    passages = [as_read(scored) for scored in answer.passages]
    words = copy_attention(reader, answer.understood_as, passages, at, span)
    texts = [scored.passage.text for scored in answer.passages]
    looked = [
        LookedAt(i + 1, text[word.span.start : word.span.end], word.weight)
        for i, (text, of_passage) in enumerate(zip(texts, words, strict=True))
        for word in of_passage
    ]
    post(Looked(answer, tuple(looked)))


def _documents(app: RagApp) -> int:
    try:
        return app.index.stats(app.collection).documents
    except CollectionNotFound:
        return 0
