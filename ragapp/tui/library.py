"""What the application looks up in the index and keeps there: documents, conversations, judged questions."""

from __future__ import annotations

import csv
import hashlib
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ragapp.indexes.types import SearchFilter
from ragapp.settings import load_settings
from ragapp.text import is_unicode

if TYPE_CHECKING:
    from ragapp.answers import Answer
    from ragapp.app import RagApp
    from ragapp.indexes.records import DocumentInfo
    from ragapp.tui.draw import Evidence
    from ragapp.tui.scope import Scope
    from ragapp.tui.state import ChatState, Versions

_QUESTIONS = 500
"""So many past questions come back with ↑."""


def documents(app: RagApp) -> list[DocumentInfo]:
    """List the documents of the collection; none before anything was ingested."""
    names = {collection.name for collection in app.index.collections()}
    return app.index.documents(app.collection) if app.settings.collection in names else []


def text_of(app: RagApp, row: Evidence) -> str | None:
    """Give the text of the very version that a row of evidence is of, if the index still has it."""
    if not is_unicode(row.document):
        return None
    where = SearchFilter(documents=frozenset({row.document}))
    held = (document for each in app.index.collections() for document in app.index.documents(each, where))
    found = next((document for document in held if document.version == row.version), None)
    return app.index.document_text(found.id) if found else None


def past_questions(app: RagApp) -> list[str]:
    """Give what was asked in any conversation, oldest first."""
    return app.index.conversations.questions(_QUESTIONS)


def stored(app: RagApp, conversation: int) -> ChatState:
    """Give a stored conversation as it is shown, with the cited documents that have changed since.

    Args:
        app: Whose conversation it is.
        conversation: Its id.

    Returns:
        Its turns, all done.
    """
    from ragapp.serialization import from_json
    from ragapp.tui.state import restored

    answers = [from_json(turn.answer) for turn in app.index.conversations.turns(conversation)]
    asked = {answer.conditions.collection for answer in answers if answer.conditions}
    return restored(answers, versions(app, asked), app.settings.collection)


def versions(app: RagApp, collections: Iterable[str]) -> Versions:
    """Give the version that each document has now.

    Args:
        app: Whose documents.
        collections: Names of other collections than the one that was opened, whose documents are wanted, too.

    Returns:
        The versions by collection and name.
    """
    wanted = {app.settings.collection, *collections}
    return {
        each.name: {document.name: document.version for document in app.index.documents(each)}
        for each in app.index.collections()
        if each.name in wanted
    }


def outdated(app: RagApp, answer: Answer) -> bool:
    """Tell whether the collection that an answer was taken from holds other documents by now."""
    asked = answer.conditions
    now = (app.index.fingerprint(each) for each in app.index.collections() if asked and each.name == asked.collection)
    return asked is not None and next(now, "") != asked.documents


def copied(app: RagApp, title: str, answers: Sequence[Answer]) -> int:
    """Store answers as a conversation of their own.

    Args:
        app: Where.
        title: Its title.
        answers: The answers, oldest first.

    Returns:
        Its id.
    """
    from ragapp.turns import store_turn

    conversation = app.index.conversations.create(app.settings.collection, title)
    for answer in answers:
        store_turn(app.index.conversations, conversation, answer)
    return conversation


def names_within(app: RagApp, scope: Scope) -> list[str]:
    """List the documents that a scope lets through; none before anything was ingested.

    Raises:
        CollectionNotFound: If it names a collection that is not there.
    """
    collections = app.index.collections()
    if not scope.collection and app.settings.collection not in {each.name for each in collections}:
        return []
    collection = app.index.collection(scope.collection or app.settings.collection)
    return [document.name for document in app.index.documents(collection, scope.where)]


def mentions(app: RagApp, scope: Scope) -> list[str]:
    """List what ``@`` may name where one looks: other collections, tags, kinds and documents.

    Args:
        app: Whose.
        scope: Where one looks; only its collection counts.

    Returns:
        Terms as `Scope.looking_into` takes them.
    """
    asked, collections = scope.collection or app.settings.collection, app.index.collections()
    others = [f"collection:{each.name}" for each in collections if each.name != asked]
    collection = next((each for each in collections if each.name == asked), None)
    if collection is None:
        return others
    found = app.index.documents(collection)
    tags = [f"#{tag}" for tag in app.index.tags(collection)]
    kinds = [f"type:{kind}" for kind in dict.fromkeys(document.media_type for document in found)]
    return [*others, *tags, *kinds, *(document.name for document in found)]


def readers(app: RagApp) -> list[str]:
    """List the names of the readers there are; folders have none."""
    from ragapp.readers.registry import SHIPPED_NAME, reader_names

    return [SHIPPED_NAME, *reader_names(app.settings.home)]


def pasted(app: RagApp, text: str) -> Path:
    """Put a pasted text into a file of the index's folder, to be taken in.

    Args:
        app: Whose folder.
        text: The text.

    Returns:
        The file; the same text always goes into the same one.
    """
    folder = app.settings.home / "pasted"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"pasted-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}.txt"
    path.write_text(text, "utf-8", errors="replace")
    return path


def command_line(app: RagApp, words: str, *, asks: bool = False) -> str:
    """Write a command down so that it finds this index: with home and collection where they are not the usual ones.

    Args:
        app: Whose index.
        words: The command without them.
        asks: Whether it asks a collection, and not only the index.

    Returns:
        What to type.
    """
    usual, given = load_settings(), app.settings
    home = f" --home {shlex.quote(str(given.home))}" if given.home != usual.home else ""
    elsewhere = asks and given.collection != usual.collection
    return f"ragapp {words}{home}" + (f" --collection {shlex.quote(given.collection)}" if elsewhere else "")


def judged_file(app: RagApp) -> Path:
    """Name the file that judged questions are kept in."""
    return app.settings.home / "judged.csv"


def keep_case(app: RagApp, question: str, answer: str, document: str) -> Path:
    """Put a judged question at the end of the cases for ``ragapp eval run --data``.

    Args:
        app: Whose folder the file is in.
        question: The question.
        answer: The right answer; empty if the documents don't hold it.
        document: Name of the document that holds it; may be empty.

    Returns:
        The file, a table with a heading.
    """
    path = judged_file(app)
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8", errors="replace") as file:
        rows = csv.writer(file, lineterminator="\n")
        if new:
            rows.writerow(("question", "answer", "document"))
        rows.writerow((question, answer, document))
    return path
