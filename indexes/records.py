"""What the catalog tells of collections, documents and segments, as plain values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection

from ragapp.errors import CollectionMismatch, IndexCorrupt
from ragapp.indexes.models import DocumentRow, PassageRow, SegmentRow
from ragapp.indexes.segments import SegmentFile
from ragapp.indexes.types import EncoderPin, Landmark, Locator, MediaType, Passage, Span, landmarks_within

T = TypeVar("T")

_SQL_VARIABLES = 500
"""How many values one IN list takes."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A set of documents that one encoder and one chunker took in.

    Attributes:
        id: The catalog's id.
        name: Its name.
        encoder: The encoder it pins.
        chunker: Version of the chunker it pins.
    """

    id: int
    name: str
    encoder: EncoderPin
    chunker: str

    def require(self, encoder: EncoderPin) -> None:
        """Refuse to be searched with vectors of other weights: they would find anything.

        Args:
            encoder: What questions are encoded with.

        Raises:
            CollectionMismatch: If it is not what made the collection's vectors.
        """
        if encoder.hash != self.encoder.hash:
            raise CollectionMismatch(
                f"The collection {self.name!r} was made with the encoder {self.encoder.id!r}"
                f" ({self.encoder.hash[:12]}), and cannot be searched with {encoder.id!r} ({encoder.hash[:12]}).",
                f"set RAGAPP_ENCODER={self.encoder.id}, or ragapp ingest … --collection NEW_NAME",
            )


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """A live document, without its text.

    Attributes:
        id: The catalog's id of this version.
        name: Its name.
        version: From 1; a changed file gets the next one.
        title: Title from the document itself; may be empty.
        media_type: Its kind.
        size: Bytes of the file.
        passages: How many passages it was cut into.
        added_at: Seconds since the epoch.
        modified_at: When its file was last changed, seconds since the epoch.
        tags: Its tags, in alphabetical order.
    """

    id: int
    name: str
    version: int
    title: str
    media_type: MediaType
    size: int
    passages: int
    added_at: float
    modified_at: float
    tags: tuple[str, ...] = ()


class JobInfo(NamedTuple):
    """A run of ingest; one that is ``running`` with no writer at work was killed."""

    id: int
    status: str
    roots: tuple[str, ...]


class Stats(NamedTuple):
    """Sizes of a collection."""

    documents: int
    passages: int
    segments: int
    segment_bytes: int
    text_bytes: int
    """Bytes of the source files."""
    removed_documents: int
    """Removed and not yet erased by a compaction."""


def segment_files(connection: Connection, collection_id: int) -> list[SegmentFile]:
    """List the segments of a collection, oldest first."""
    query = sa.select(SegmentRow.id, SegmentRow.file, SegmentRow.sha256, SegmentRow.size, SegmentRow.vectors)
    rows = connection.execute(query.where(SegmentRow.collection_id == collection_id).order_by(SegmentRow.id))
    return [SegmentFile(*row) for row in rows]


def landmarks_of(stored: str, document: str) -> tuple[Landmark, ...]:
    """Read landmarks as the writer stores them.

    Args:
        stored: The column.
        document: Name of whose they are, for the error.

    Returns:
        The landmarks.

    Raises:
        IndexCorrupt: If they are damaged.
    """
    try:
        return tuple(Landmark(start, Locator(*locator)) for start, *locator in json.loads(stored))
    except (ValueError, TypeError) as error:
        raise IndexCorrupt(
            f"The catalog's pages, headings and lines of the document {document!r} are damaged.",
            "ragapp verify --repair",
        ) from error


def passages_of(connection: Connection, ids: Sequence[int]) -> list[Passage]:
    """Read passages.

    Args:
        connection: A snapshot of the catalog.
        ids: Which ones.

    Returns:
        The live ones among them, in the order of the ids.
    """
    found: dict[int, Passage] = {}
    for part in in_parts(ids):
        query = (
            sa.select(
                PassageRow.id, PassageRow.document_id, PassageRow.char_start, PassageRow.char_end, PassageRow.heading,
                PassageRow.text, DocumentRow.name, DocumentRow.version, DocumentRow.mtime_ns,
            )
            .join(DocumentRow)
            .where(PassageRow.id.in_(part), DocumentRow.removed_at.is_(None))
        )  # fmt: skip
        rows = connection.execute(query).all()
        # A large document has many landmarks: they are read once, not for each of its passages.
        names = {row.document_id: row.name for row in rows}
        of = sa.select(DocumentRow.id, DocumentRow.landmarks).where(DocumentRow.id.in_(names))
        landmarks = {document: landmarks_of(stored, names[document]) for document, stored in connection.execute(of)}
        for row in rows:
            found[row.id] = Passage(
                id=row.id,
                document_id=row.document_id,
                document=row.name,
                version=row.version,
                span=Span(row.char_start, row.char_end),
                text=row.text,
                heading=row.heading,
                landmarks=landmarks_within(landmarks[row.document_id], Span(row.char_start, row.char_end)),
                modified_at=row.mtime_ns / 1e9,
            )
    return [found[passage] for passage in ids if passage in found]


def in_parts(values: Iterable[T]) -> Iterator[list[T]]:
    """Cut values into lists that fit an SQL ``IN``."""
    rest = iter(values)
    while part := list(islice(rest, _SQL_VARIABLES)):
        yield part
