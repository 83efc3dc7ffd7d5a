"""Proof that catalog, segments and lexical index agree, and that nothing of a removed document can be found."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from ragapp.errors import IndexError_
from ragapp.indexes import lexical
from ragapp.indexes.database import Database
from ragapp.indexes.models import DocumentRow, PassageRow, SegmentRow
from ragapp.indexes.records import segment_files
from ragapp.indexes.segments import SegmentStore
from ragapp.indexes.types import embedding_text


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was checked and what is wrong.

    Attributes:
        documents: Live documents checked.
        passages: Their passages.
        segments: Segment files checked against their checksums.
        awaiting_compaction: Documents that are removed and whose text a compaction will erase.
        problems: One sentence each, with the remedy; none if all is well.
    """

    documents: int
    passages: int
    segments: int
    awaiting_compaction: int
    problems: tuple[str, ...]


def verify(database: Database, segments: SegmentStore) -> VerifyReport:
    """Check everything against everything.

    Args:
        database: The catalog.
        segments: The folder of segments.

    Returns:
        Counts and problems.
    """
    problems: list[str] = []
    with database.read() as connection:
        problems += _catalog_problems(connection)
        files = [
            file
            for collection in connection.scalars(sa.select(SegmentRow.collection_id).distinct()).all()
            for file in segment_files(connection, collection)
        ]
        for file in files:
            try:
                segments.check(file)
                held = segments.ids(file)  # int64 (N,)
            except IndexError_ as error:
                problems.append(f"{error.message} Remedy: {error.hint}")
                continue
            named = np.fromiter(
                connection.scalars(sa.select(PassageRow.id).where(PassageRow.segment_id == file.id)), np.int64
            )
            if missing := np.setdiff1d(named, held).size:
                problems.append(f"The segment {file.file!r} lacks {missing} vectors. Remedy: ragapp verify --repair")
        documents, passages = _check_passages(connection, problems)
        removed = sa.select(sa.func.count(DocumentRow.id)).where(DocumentRow.removed_at.is_not(None))
        awaiting = connection.scalar(removed) or 0
    with database.write() as connection:
        if not lexical.check(connection):
            problems.append("The lexical index differs from the passages. Remedy: ragapp verify --repair")
    return VerifyReport(documents, passages, len(files), awaiting, tuple(problems))


def _catalog_problems(connection: Connection) -> list[str]:
    result = str(connection.execute(sa.text("PRAGMA integrity_check(1)")).scalar())
    if result != "ok":
        return [f"The catalog is damaged: {result}. Remedy: move the home folder away and ingest again"]
    broken = connection.execute(sa.text("PRAGMA foreign_key_check")).all()
    return [f"The catalog has {len(broken)} rows that point nowhere. Remedy: ragapp verify --repair"] if broken else []


def _check_passages(connection: Connection, problems: list[str]) -> tuple[int, int]:
    """Hold every live passage against its document's text and its own hash; one document in memory at a time."""
    live = sa.select(DocumentRow.id, DocumentRow.name).where(DocumentRow.removed_at.is_(None))
    documents = passages = 0
    for document_id, name in connection.execute(live).all():
        documents += 1
        text = connection.scalar(sa.select(DocumentRow.text).where(DocumentRow.id == document_id)) or ""
        query = sa.select(
            PassageRow.char_start, PassageRow.char_end, PassageRow.heading, PassageRow.text, PassageRow.embedding_sha256
        ).where(PassageRow.document_id == document_id)
        for start, end, heading, words, sha256 in connection.execute(query):
            passages += 1
            encoded = embedding_text(heading, words)
            if text[start:end] != words or hashlib.sha256(encoded.encode()).hexdigest() != sha256:
                problems.append(
                    f"A passage of {name!r} is not its text at {start}–{end}. Remedy: ragapp rm it, ingest again"
                )
    return documents, passages
