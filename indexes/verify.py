"""Proof that catalog, segments and lexical index agree, and that nothing of a removed document can be found."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from ragapp.errors import IndexCorrupt
from ragapp.indexes import lexical
from ragapp.indexes.database import Database
from ragapp.indexes.models import DocumentRow, PassageRow, SegmentRow
from ragapp.indexes.records import segment_files
from ragapp.indexes.segments import SegmentFile, SegmentStore
from ragapp.indexes.types import embedding_text

_REPAIR = "ragapp verify --repair"


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


@dataclass(slots=True)
class Findings:
    """What is wrong with segments and documents, for a report or a repair.

    Attributes:
        segments: Segments that are lost, damaged or do not hold the passages they should.
        documents: Names, by id, of live documents with a passage that is not their text.
        problems: One sentence each.
        checked: How many documents, passages and segments were looked at.
    """

    segments: list[SegmentFile] = field(default_factory=list[SegmentFile])
    documents: dict[int, str] = field(default_factory=dict[int, str])
    problems: list[str] = field(default_factory=list[str])
    checked: tuple[int, int, int] = (0, 0, 0)


def verify(database: Database, segments: SegmentStore) -> VerifyReport:
    """Check everything against everything.

    Args:
        database: The catalog.
        segments: The folder of segments.

    Returns:
        Counts and problems.

    Raises:
        IndexCorrupt: If the catalog is too damaged to be read.
    """
    with database.read() as connection:
        broken = _catalog_problems(connection)
    if broken:
        return VerifyReport(0, 0, 0, 0, (broken,))
    found = inspect(database, segments)
    problems = [f"{problem} Remedy: {_REPAIR}" for problem in found.problems]
    with database.read() as connection:
        removed = sa.select(sa.func.count(DocumentRow.id)).where(DocumentRow.removed_at.is_not(None))
        awaiting = connection.scalar(removed) or 0
    with database.write() as connection:
        if not lexical.check(connection):
            problems.append(f"The lexical index differs from the passages. Remedy: {_REPAIR}")
    return VerifyReport(*found.checked, awaiting, tuple(problems))


def inspect(database: Database, segments: SegmentStore) -> Findings:
    """Check segments against the catalog, and passages against their documents.

    Args:
        database: The catalog.
        segments: The folder of segments.

    Returns:
        What is wrong.
    """
    findings = Findings()
    with database.read() as connection:
        collections = connection.scalars(sa.select(SegmentRow.collection_id).distinct()).all()
        files = [file for collection in collections for file in segment_files(connection, collection)]
        for file in files:
            problem = _segment_problem(connection, segments, file)
            if problem and _is_named(database, file):
                findings.segments.append(file)
                findings.problems.append(problem)
        documents, passages = _check_passages(connection, findings)
    findings.checked = (documents, passages, len(files))
    return findings


def _segment_problem(connection: Connection, segments: SegmentStore, file: SegmentFile) -> str:
    try:
        held = segments.ids(file)  # int64 (N,)
    except IndexCorrupt as error:
        return error.message
    rows = connection.scalars(sa.select(PassageRow.id).where(PassageRow.segment_id == file.id))
    differ = np.setxor1d(np.fromiter(rows, np.int64), held).size
    return f"The segment {file.file!r} and the catalog differ in {differ} passages." if differ else ""


def _is_named(database: Database, file: SegmentFile) -> bool:
    """Tell whether the catalog still names a segment: a compaction may have replaced it since the snapshot."""
    with database.read() as connection:
        return connection.scalar(sa.select(SegmentRow.id).where(SegmentRow.file == file.file)) is not None


def _catalog_problems(connection: Connection) -> str:
    damage = str(connection.execute(sa.text("PRAGMA integrity_check(1)")).scalar())
    if damage == "ok":
        loose = connection.execute(sa.text("PRAGMA foreign_key_check")).all()
        damage = f"{len(loose)} rows point nowhere" if loose else ""
    return f"The catalog is damaged: {damage}. Remedy: move the home folder away and ingest again" if damage else ""


def _check_passages(connection: Connection, findings: Findings) -> tuple[int, int]:
    """Hold every live passage against its document's text and its own hash; one document in memory at a time."""
    live = DocumentRow.removed_at.is_(None)
    texts = sa.select(DocumentRow.id, DocumentRow.name, DocumentRow.text).where(live).order_by(DocumentRow.id)
    query = (
        sa.select(
            PassageRow.document_id, PassageRow.char_start, PassageRow.char_end, PassageRow.heading, PassageRow.text,
            PassageRow.embedding_sha256,
        )
        .join(DocumentRow)
        .where(live)
        .order_by(PassageRow.document_id)
    )  # fmt: skip
    by_document = groupby(connection.execute(query), key=lambda row: row.document_id)
    document_id, rows = next(by_document, (None, ()))
    documents = passages = 0
    for document in connection.execute(texts):
        documents += 1
        if document.id != document_id:
            continue  # it has no passages
        for row in rows:
            passages += 1
            encoded = embedding_text(row.heading, row.text)
            place = document.text[row.char_start : row.char_end]
            if place != row.text or hashlib.sha256(encoded.encode()).hexdigest() != row.embedding_sha256:
                findings.documents[document.id] = document.name
                findings.problems.append(
                    f"A passage of {document.name!r} is not its text at {row.char_start}–{row.char_end}."
                )
        document_id, rows = next(by_document, (None, ()))
    return documents, passages
