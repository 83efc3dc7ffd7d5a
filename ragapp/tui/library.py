"""What the application looks up in the index: documents as they are now, and stored conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ragapp.app import RagApp
    from ragapp.indexes.records import DocumentInfo
    from ragapp.tui.draw import Evidence
    from ragapp.tui.state import ChatState

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
