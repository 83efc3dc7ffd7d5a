"""Conversations and their turns, each stored as soon as it is there, and found by what was said in them."""

from __future__ import annotations

import time
from dataclasses import dataclass

import sqlalchemy as sa

from ragapp.errors import IndexError_
from ragapp.indexes.database import Database
from ragapp.indexes.models import ConversationRow, TurnRow


@dataclass(frozen=True, slots=True)
class Conversation:
    """Questions that belong together.

    Attributes:
        id: The catalog's id.
        collection: Name of the collection they were asked of.
        title: Its title.
        created_at: Seconds since the epoch.
    """

    id: int
    collection: str
    title: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer.

    Attributes:
        id: The catalog's id.
        question: The question.
        answer: The whole answer, as JSON.
        created_at: Seconds since the epoch.
    """

    id: int
    question: str
    answer: str
    created_at: float


class Conversations:
    """The conversations of an index.

    Args:
        database: The catalog.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, collection: str, title: str) -> int:
        """Begin a conversation.

        Args:
            collection: Name of the collection it is about.
            title: Its title.

        Returns:
            Its id.
        """
        row = {"collection": collection, "title": title, "created_at": time.time()}
        with self._database.write() as connection:
            return int(connection.execute(sa.insert(ConversationRow).returning(ConversationRow.id), row).scalar_one())

    def require(self, conversation: int) -> None:
        """See that there is a conversation.

        Args:
            conversation: Its id.

        Raises:
            IndexError_: If there is none.
        """
        with self._database.read() as connection:
            _require(connection, conversation)

    def add_turn(self, conversation: int, question: str, answer: str) -> int:
        """Store a turn.

        Args:
            conversation: Id of the conversation.
            question: The question.
            answer: The whole answer, as JSON.

        Returns:
            The turn's id.

        Raises:
            IndexError_: If there is no such conversation.
        """
        row = {"conversation_id": conversation, "question": question, "answer": answer, "created_at": time.time()}
        with self._database.write() as connection:
            _require(connection, conversation)
            turn = int(connection.execute(sa.insert(TurnRow).returning(TurnRow.id), row).scalar_one())
            connection.execute(_LEARN, {"turn": turn})
            return turn

    def all(self) -> list[Conversation]:
        """List the conversations, newest first."""
        query = sa.select(
            ConversationRow.id, ConversationRow.collection, ConversationRow.title, ConversationRow.created_at
        )
        with self._database.read() as connection:
            return [Conversation(*row) for row in connection.execute(query.order_by(ConversationRow.id.desc()))]

    def turns(self, conversation: int, last: int | None = None) -> list[Turn]:
        """List the turns of a conversation, oldest first.

        Args:
            conversation: Its id.
            last: How many of its last turns; ``None`` for all.

        Returns:
            Its turns; none for an unknown id.
        """
        query = sa.select(TurnRow.id, TurnRow.question, TurnRow.answer, TurnRow.created_at)
        query = query.where(TurnRow.conversation_id == conversation).order_by(TurnRow.id.desc()).limit(last)
        with self._database.read() as connection:
            return [Turn(*row) for row in connection.execute(query)][::-1]

    def questions(self, last: int) -> list[str]:
        """List what was asked in any conversation, oldest first.

        Args:
            last: How many of the last questions.
        """
        query = sa.select(TurnRow.question).order_by(TurnRow.id.desc()).limit(last)
        with self._database.read() as connection:
            return list(connection.scalars(query))[::-1]

    def search(self, words: str) -> list[Conversation]:
        """Find conversations by what was said in them.

        Args:
            words: Words or parts of words. Each must stand in the title or in one of the turns: its question, its
                answer or its quotes; in any order and case.

        Returns:
            Those in which they do, newest first.
        """
        query = sa.select(
            ConversationRow.id, ConversationRow.collection, ConversationRow.title, ConversationRow.created_at
        )
        for word in words.split():
            said = sa.select(TurnRow.conversation_id).where(TurnRow.id.in_(_turns_with(word)))
            titled = ConversationRow.title.icontains(word, autoescape=True)
            query = query.where(titled | ConversationRow.id.in_(said))
        with self._database.read() as connection:
            return [Conversation(*row) for row in connection.execute(query.order_by(ConversationRow.id.desc()))]

    def rename(self, conversation: int, title: str) -> None:
        """Give a conversation another title.

        Args:
            conversation: Its id.
            title: The title.
        """
        with self._database.write() as connection:
            connection.execute(sa.update(ConversationRow).where(ConversationRow.id == conversation).values(title=title))

    def delete(self, conversation: int) -> None:
        """Delete a conversation with its turns.

        Args:
            conversation: Its id.
        """
        turns = sa.select(TurnRow.id).where(TurnRow.conversation_id == conversation)
        with self._database.write() as connection:
            connection.execute(sa.delete(_SAID).where(_SAID.c.rowid.in_(turns)))
            connection.execute(sa.delete(TurnRow).where(TurnRow.conversation_id == conversation))
            connection.execute(sa.delete(ConversationRow).where(ConversationRow.id == conversation))


_SAID = sa.table("turns_fts", sa.column("rowid"), sa.column("said"))
"""What was said in each turn, indexed by runs of three characters: parts of words are found, and of Chinese as well."""

_RUN = 3

_LEARN = sa.text(
    "INSERT INTO turns_fts(rowid, said)"
    " SELECT id, question || char(10) || coalesce(json_extract(answer, '$.text'), '') || char(10) ||"
    " coalesce((SELECT group_concat(json_extract(value, '$.quote'), char(10))"
    " FROM json_each(answer, '$.citations')), '') FROM turns WHERE id = :turn"
)


def _turns_with(word: str) -> sa.Select[int]:
    """Select the turns that hold a word; one too short for the index is looked for in every turn."""
    found = sa.select(_SAID.c.rowid)
    if len(word) < _RUN:
        return found.where(_SAID.c.said.icontains(word, autoescape=True))
    quoted = '"' + word.replace('"', '""') + '"'
    return found.where(sa.literal_column("turns_fts").op("MATCH")(quoted))


def _require(connection: sa.Connection, conversation: int) -> None:
    if connection.scalar(sa.select(ConversationRow.id).where(ConversationRow.id == conversation)) is None:
        raise IndexError_(f"There is no conversation {conversation}.", "begin another one")
