"""Proof that catalog, segments and lexical index agree, and that nothing of a removed document can be found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.orm import InstrumentedAttribute

from ragapp.errors import IndexCorrupt
from ragapp.indexes import lexical
from ragapp.indexes.database import Database
from ragapp.indexes.filters import removed
from ragapp.indexes.models import CollectionRow, DocumentRow, PassageRow, SegmentRow
from ragapp.indexes.records import landmarks_of, segment_files
from ragapp.indexes.rows import embedding_sha256, identity_sha256
from ragapp.indexes.segments import SegmentFile, SegmentStore
from ragapp.indexes.types import Span
from ragapp.text import counted

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
        documents: Names, by id, of live documents that are damaged or have a passage that is not their text.
        problems: One sentence each.
        checked: How many documents, passages and segments were looked at.
    """

    segments: list[SegmentFile] = field(default_factory=list[SegmentFile])
    documents: dict[int, str] = field(default_factory=dict[int, str])
    problems: list[str] = field(default_factory=list[str])
    checked: tuple[int, int, int] = (0, 0, 0)


class _Document(NamedTuple):
    """A live document as the catalog has it; bytes stand for text that may be damaged."""

    id: int
    name: bytes
    content_sha256: str
    title: bytes
    landmarks: bytes
    text: bytes
    chunker: str


class _Passage(NamedTuple):
    """A live passage as the catalog has it."""

    document_id: int
    start: int
    end: int
    heading: bytes
    text: bytes
    identity_sha256: str
    embedding_sha256: str


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
        awaiting = connection.scalar(sa.select(sa.func.count(DocumentRow.id)).where(removed())) or 0
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
    return f"The segment {file.file!r} and the catalog differ in {counted(int(differ), 'passage')}." if differ else ""


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
    """Hold every live document against what it must be, and its passages against it; one in memory at a time."""
    live = DocumentRow.removed_at.is_(None)
    documents = (
        sa.select(
            DocumentRow.id, _raw(DocumentRow.name), DocumentRow.content_sha256, _raw(DocumentRow.title),
            _raw(DocumentRow.landmarks), _raw(DocumentRow.text), CollectionRow.chunker,
        )
        .join(CollectionRow)
        .where(live)
        .order_by(DocumentRow.id)
    )  # fmt: skip
    passages = (
        sa.select(
            PassageRow.document_id, PassageRow.char_start, PassageRow.char_end, _raw(PassageRow.heading),
            _raw(PassageRow.text), PassageRow.identity_sha256, PassageRow.embedding_sha256,
        )
        .join(DocumentRow)
        .where(live)
        .order_by(PassageRow.document_id)
    )  # fmt: skip
    stored = (_Passage(*row) for row in connection.execute(passages))
    by_document = groupby(stored, key=lambda passage: passage.document_id)
    document_id, rows = next(by_document, (None, ()))
    checked = [0, 0]
    for document in (_Document(*row) for row in connection.execute(documents)):
        mine = list(rows) if document.id == document_id else []  # a document may have no passages
        if mine:
            document_id, rows = next(by_document, (None, ()))
        if problems := _document_problems(document, mine):
            findings.documents[document.id] = _decoded(document.name)
            findings.problems += problems
        checked[0] += 1
        checked[1] += len(mine)
    return checked[0], checked[1]


def _document_problems(document: _Document, passages: Sequence[_Passage]) -> list[str]:
    name, text = _decoded(document.name), _decoded(document.text)
    problems: list[str] = []
    if any(_decoded(column).encode() != column for column in (document.name, document.title, document.text)):
        problems.append(f"The name, title or text of the document {name!r} is damaged.")
    try:
        landmarks_of(_decoded(document.landmarks), name)
    except IndexCorrupt as error:
        problems.append(error.message)
    for passage in passages:
        span, words = Span(passage.start, passage.end), _decoded(passage.text)
        if (
            text[span.start : span.end] != words
            or embedding_sha256(_decoded(passage.heading), words) != passage.embedding_sha256
            or identity_sha256(document.content_sha256, span, document.chunker) != passage.identity_sha256
        ):
            problems.append(f"A passage of {name!r} is not its text at {span.start}–{span.end}.")
    return problems


def _raw(column: InstrumentedAttribute[str]) -> sa.ColumnElement[bytes]:
    """Read a column of text as its bytes: damaged ones are no text, and must not end the check."""
    return sa.cast(column, sa.LargeBinary).label(column.key)


def _decoded(column: bytes) -> str:
    return column.decode("utf-8", "replace")
