"""Rows that the writer puts into the catalog, within the transaction it is in."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from ragapp.indexes import lexical
from ragapp.indexes.filters import live
from ragapp.indexes.models import DocumentRow, SegmentRow
from ragapp.indexes.records import Collection, in_parts
from ragapp.indexes.segments import WrittenSegment
from ragapp.indexes.types import NewDocument, Span, embedding_text


def insert_segment(connection: Connection, collection_id: int, written: WrittenSegment, vectors: int) -> int:
    """Name a segment in the catalog; returns its id."""
    row = {"collection_id": collection_id, **written._asdict(), "vectors": vectors, "created_at": time.time()}
    return int(connection.execute(sa.insert(SegmentRow).returning(SegmentRow.id), row).scalar_one())


def insert_document(connection: Connection, collection: Collection, document: NewDocument, version: int) -> int:
    """Add a version of a document; returns its id."""
    loaded, stamp = document.loaded, document.stamp
    row = {
        "collection_id": collection.id,
        "name": document.name,
        "version": version,
        "content_sha256": stamp.content_sha256,
        "size": stamp.size,
        "mtime_ns": stamp.mtime_ns,
        "media_type": loaded.media_type,
        "title": loaded.title,
        "added_at": time.time(),
        "landmarks": json.dumps([[mark.start, *mark.locator] for mark in loaded.landmarks]),
        "text": loaded.text,
    }
    return int(connection.execute(sa.insert(DocumentRow).returning(DocumentRow.id), row).scalar_one())


def passage_rows(
    document: NewDocument, document_id: int, segment: int, first: int, chunker: str
) -> list[dict[str, object]]:
    """Give the rows of a document's passages, whose ids count up from ``first``."""
    return [
        {
            "id": passage_id,
            "document_id": document_id,
            "segment_id": segment,
            "identity_sha256": identity_sha256(document.stamp.content_sha256, chunk.span, chunker),
            "embedding_sha256": embedding_sha256(chunk.heading, chunk.text),
            "char_start": chunk.span.start,
            "char_end": chunk.span.end,
            "heading": chunk.heading,
            "text": chunk.text,
        }
        for passage_id, chunk in enumerate(document.chunks, first)
    ]


def identity_sha256(content_sha256: str, span: Span, chunker: str) -> str:
    """Tell a passage from all others by its document's content, its place and its chunker; hex."""
    return _sha256(f"{content_sha256}/{span.start}/{span.end}/{chunker}")


def embedding_sha256(heading: str, text: str) -> str:
    """Tell what the encoder sees of a passage; hex."""
    return _sha256(embedding_text(heading, text))


def tombstone(connection: Connection, collection_id: int, names: Iterable[str]) -> dict[str, int]:
    """Remove the live documents of these names; returns their versions by name."""
    versions: dict[str, int] = {}
    for part in in_parts(names):
        query = sa.select(DocumentRow.id, DocumentRow.name, DocumentRow.version)
        rows = connection.execute(query.where(live(collection_id), DocumentRow.name.in_(part))).all()
        documents = [row.id for row in rows]
        lexical.remove(connection, documents)
        mark_removed(connection, documents)
        versions.update({row.name: row.version for row in rows})
    return versions


def mark_removed(connection: Connection, document_ids: Sequence[int]) -> None:
    """Set ``removed_at`` of documents."""
    connection.execute(sa.update(DocumentRow).where(DocumentRow.id.in_(document_ids)).values(removed_at=time.time()))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
