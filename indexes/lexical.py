"""Lexical search: BM25 over the live passages, in the catalog's own database.

Being in the same database, it is committed with the passages and never disagrees with them. Words that nearly every
passage holds are dropped from the question: they cost most of the time and tell nothing (4 ms in place of 85 ms over
50,000 passages).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from ragapp.indexes.filters import searchable
from ragapp.indexes.models import DocumentRow, PassageRow
from ragapp.indexes.stopwords import STOPWORDS
from ragapp.indexes.types import Hit, SearchFilter

HEADING_WEIGHT = 1.0
"""A word in the heading counts as one in the text (docs/adr/0003-fusion.md has the figures)."""

_MAX_TERMS = 64
_WORD = re.compile(r"\w+")


def terms(question: str) -> list[str]:
    """Find the words of a question that a search is worth.

    Args:
        question: Any text.

    Returns:
        Distinct words in lower case, in order, without stopwords unless there is nothing else; at most 64.
    """
    # Composed: a combining accent is no word character here. Not case-folded: FTS5 keeps the ß of "Straße", too.
    words = list(dict.fromkeys(word.lower() for word in _WORD.findall(unicodedata.normalize("NFC", question))))
    telling = [word for word in words if word not in STOPWORDS]
    return (telling or words)[:_MAX_TERMS]


def search(connection: Connection, collection_id: int, question: str, k: int, where: SearchFilter) -> list[Hit]:
    """Find the passages whose words match best.

    Args:
        connection: A snapshot of the catalog.
        collection_id: Where to search.
        question: Any text; none of it is taken as query syntax.
        k: How many.
        where: Which documents may be found.

    Returns:
        At most k hits by BM25 (Robertson & Zaragoza 2009; k1 1.2, b 0.75), higher is better, best first, ties by id.
    """
    words = terms(question)
    if not words:
        return []
    # The words hold no quotes (\\w+ only), and in quotes FTS5 takes them as plain strings.
    match = " OR ".join(f'"{word}"' for word in words)
    hits = _best(connection, collection_id, match, k, where, among=k)
    # Few of the best may be let through: then, and only then, it is worth looking up whose every match is.
    return hits if len(hits) == k else _best(connection, collection_id, match, k, where, among=None)


def _best(
    connection: Connection, collection_id: int, match: str, k: int, where: SearchFilter, *, among: int | None
) -> list[Hit]:
    """Find the best k of a collection among so many matches, or all, of the whole index."""
    table = sa.table("passages_fts", sa.column("rowid"))
    score = sa.literal_column(f"bm25(passages_fts, 1.0, {HEADING_WEIGHT})").label("score")
    matches = (
        sa.select(table.c.rowid.label("id"), score)
        .where(sa.text("passages_fts MATCH :match").bindparams(match=match))
        .order_by("score", table.c.rowid)
        .limit(among)
        .subquery()
    )
    query = (
        sa.select(matches.c.id, matches.c.score)
        .join(PassageRow, PassageRow.id == matches.c.id)
        .join(DocumentRow, DocumentRow.id == PassageRow.document_id)
        .where(searchable(collection_id, where))
        .order_by(matches.c.score, matches.c.id)
        .limit(k)
    )
    return [Hit(row.id, -row.score) for row in connection.execute(query)]


def add(connection: Connection, first_id: int, last_id: int) -> None:
    """Index the passages of an id range, within the transaction that adds them."""
    connection.execute(
        sa.text(
            "INSERT INTO passages_fts(rowid, text, heading)"
            " SELECT id, text, heading FROM passages WHERE id BETWEEN :first AND :last"
        ),
        {"first": first_id, "last": last_id},
    )


def remove(connection: Connection, document_ids: Sequence[int]) -> None:
    """Drop the passages of documents, within the transaction that removes them."""
    statement = sa.text(
        "INSERT INTO passages_fts(passages_fts, rowid, text, heading)"
        " SELECT 'delete', id, text, heading FROM passages WHERE document_id IN :documents"
    ).bindparams(sa.bindparam("documents", expanding=True))
    connection.execute(statement, {"documents": list(document_ids)})


def check(connection: Connection) -> bool:
    """Compare the lexical index with the live passages, word for word.

    Args:
        connection: A transaction that may write (the check is an FTS5 command in the form of an insert).

    Returns:
        Whether they agree.
    """
    try:
        connection.execute(sa.text("INSERT INTO passages_fts(passages_fts, rank) VALUES ('integrity-check', 1)"))
    except DatabaseError:
        return False
    return True


def rebuild(connection: Connection) -> None:
    """Make the lexical index anew from the live passages; nothing of removed ones is left in it."""
    connection.execute(sa.text("INSERT INTO passages_fts(passages_fts) VALUES ('rebuild')"))
