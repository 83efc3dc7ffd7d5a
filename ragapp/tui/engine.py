"""What the application does off its own thread: open the index, load models, answer, take documents in.

What it needs for that is imported on that thread, too: the first picture does not wait for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from ragapp.errors import RagappError
from ragapp.settings import Settings
from ragapp.tui.messages import (
    Checked,
    Compared,
    Happened,
    IngestEnded,
    Ingesting,
    Loaded,
    Looked,
    LookedAt,
    NotOpened,
    Opened,
    ReaderChanged,
)

if TYPE_CHECKING:
    from ragapp.answers import Answer
    from ragapp.app import RagApp
    from ragapp.ingest.events import JobEvent
    from ragapp.readers.base import Reader
    from ragapp.tui.scope import Scope

Post = Callable[[Message], object]
"""Hands a message to the application; may be called from any thread."""


def open_and_load(settings: Settings, reader: Reader | None, post: Post) -> None:
    """Open the index, then load the models, telling of each.

    Args:
        settings: The settings.
        reader: A reader to use in place of the one that the settings name.
        post: Takes `Opened` and `Loaded`, or `NotOpened`.
    """
    from ragapp.app import RagApp
    from ragapp.tui.library import documents

    try:
        app = RagApp(settings, reader)
        post(Opened(app))
        app.models()
        post(Loaded(len(documents(app))))
    except RagappError as error:
        post(NotOpened(error.message, error.hint))


def answer(
    app: RagApp,
    question: str,
    scope: Scope,
    conversation: int,
    number: int,
    cancelled: threading.Event,
    post: Post,
) -> None:
    """Answer a question, unless it is cancelled on the way.

    Args:
        app: Who answers.
        question: The question as typed.
        scope: Where the answer may come from.
        conversation: Where the turn is stored.
        number: Number of the question, to tell its events from those of another.
        cancelled: Set to stop; what the models are doing at the moment is finished and dropped.
        post: Takes `Happened`.
    """
    with _over(app, scope) as asked:
        for event in asked.stream(question, where=scope.where, pinned=scope.pinned, conversation=conversation):
            if cancelled.is_set():
                return
            post(Happened(number, event))


def _over(app: RagApp, scope: Scope) -> AbstractContextManager[RagApp]:
    """Give the app over the collection that a scope names; it has the same models."""
    return app.varied({"collection": scope.collection}) if scope.collection else nullcontext(app)


def take_in(app: RagApp, paths: Sequence[Path], cancelled: threading.Event, post: Post) -> None:
    """Take files and folders in, unless it is cancelled on the way; what was committed stays.

    Args:
        app: Whose documents they become.
        paths: The files and folders.
        cancelled: Set to stop.
        post: Takes `Ingesting` and, once, `IngestEnded`.
    """
    from ragapp.ingest.events import FileDone, JobStarted, PassagesEncoded

    files = done = done_bytes = all_bytes = passages = 0

    def tell(event: JobEvent) -> None:
        nonlocal files, done, done_bytes, all_bytes, passages
        if cancelled.is_set():
            raise KeyboardInterrupt  # what Ctrl-C is to the command line; the job ends with what is committed
        if isinstance(event, JobStarted):
            files, all_bytes = event.files, event.size_bytes
        elif isinstance(event, FileDone):
            done, done_bytes = done + 1, done_bytes + event.size_bytes
        elif isinstance(event, PassagesEncoded):
            passages += event.passages
        taken = event if isinstance(event, FileDone) else None
        post(Ingesting(done, files, done_bytes, all_bytes, passages, taken))

    try:
        post(IngestEnded(app.ingest(paths, on_event=tell)))
    except RagappError as error:
        post(IngestEnded(None, error.message, error.hint))
    except KeyboardInterrupt:
        post(IngestEnded(None, "The job was stopped; what was committed stays."))


def look_over(settings: Settings, asked: bool, post: Post) -> None:
    """Check what works here.

    Args:
        settings: The settings.
        asked: Whether someone asked for it.
        post: Takes `Checked`, once.
    """
    from ragapp.doctor import checks

    post(Checked(tuple(checks(settings)), asked))


def compare(app: RagApp, question: str, scope: Scope, changes: str, post: Post) -> None:
    """Answer a question under other settings; nothing is stored.

    Args:
        app: Whose documents, models and other settings.
        question: The question.
        scope: Where the answer may come from.
        changes: Settings as ``name=value``, separated by spaces.
        post: Takes `Compared`, once.
    """
    try:
        named = [change.partition("=") for change in changes.split()]
        elsewhere = {"collection": scope.collection} if scope.collection else {}
        with app.varied({name: value for name, _, value in named} | elsewhere) as other:
            post(Compared(changes, other.ask(question, where=scope.where, pinned=scope.pinned)))
    except RagappError as error:
        post(Compared(changes, None, error.message, error.hint))


def change_reader(app: RagApp, name: str, post: Post) -> None:
    """Open the same index with another reader.

    Args:
        app: Whose documents, settings and other models.
        name: The reader's name or folder.
        post: Takes `ReaderChanged`, once.
    """
    try:
        other = app.varied({"reader": name})
        try:
            other.models()
        except RagappError:
            other.close()
            raise
        post(ReaderChanged(name, other))
    except RagappError as error:
        post(ReaderChanged(name, None, error.message, error.hint))


def attention(app: RagApp, answer: Answer, post: Post) -> None:
    """Work out what the reader looked at while it copied an answer.

    Args:
        app: Who answered.
        answer: The answer; one from the catalog no longer has its passages, and one of another reader no attention.
        post: Takes `Looked`, once, if there is something to tell.
    """
    from ragapp.indexes.types import Span
    from ragapp.readers.copy_fid.explain import copy_attention
    from ragapp.readers.copy_fid.reader import CopyFidReader
    from ragapp.reranker import as_read

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
