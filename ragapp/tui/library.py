"""What the application looks up in the index and keeps there: documents, conversations, judged questions."""

from __future__ import annotations

import csv
import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ragapp.settings import load_settings
from ragapp.tui.state import EVERYWHERE

if TYPE_CHECKING:
    from ragapp.answers import Answer
    from ragapp.app import RagApp
    from ragapp.indexes.records import DocumentInfo
    from ragapp.tui.draw import Evidence
    from ragapp.tui.state import ChatState, Scope

_QUESTIONS = 500
"""So many past questions come back with ↑."""


def documents(app: RagApp) -> list[DocumentInfo]:
    """List the documents of the collection; none before anything was ingested."""
    names = {collection.name for collection in app.index.collections()}
    return app.index.documents(app.collection) if app.settings.collection in names else []


def text_of(app: RagApp, row: Evidence) -> str | None:
    """Give the text of the very version that a row of evidence is of, if the index still has it."""
    found = next((d for d in documents(app) if (d.name, d.version) == (row.document, row.version)), None)
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
    return restored(answers, {document.name: document.version for document in documents(app)})


def copied(app: RagApp, title: str, answers: Sequence[Answer]) -> int:
    """Store answers as a conversation of their own.

    Args:
        app: Where.
        title: Its title.
        answers: The answers, oldest first.

    Returns:
        Its id.
    """
    from ragapp.serialization import to_json

    conversation = app.index.conversations.create(app.settings.collection, title)
    for answer in answers:
        app.index.conversations.add_turn(conversation, answer.question, to_json(replace(answer, passages=())))
    return conversation


def names_within(app: RagApp, scope: Scope) -> list[str]:
    """List the documents that a scope lets through."""
    names = {collection.name for collection in app.index.collections()}
    if app.settings.collection not in names:
        return []
    return [document.name for document in app.index.documents(app.collection, scope.where)]


def mentions(app: RagApp) -> list[str]:
    """List what ``@`` may name: tags with their ``#``, and documents."""
    names = names_within(app, EVERYWHERE)
    return [*(f"#{tag}" for tag in app.index.tags(app.collection)), *names] if names else []


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
