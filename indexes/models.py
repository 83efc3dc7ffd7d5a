"""The catalog's tables.

A document row is one version of a document; a changed file gets a new row and the old one a ``removed_at``. Passages
point at their document and at the segment that holds their vector. Large columns come last, so that listing documents
does not read their text.
"""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import BigInteger, Double, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_Id = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """Root of the tables."""

    type_annotation_map: ClassVar = {float: Double()}


class CollectionRow(Base):
    """A set of documents that one encoder and one chunker took in."""

    __tablename__ = "collections"

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    encoder_id: Mapped[str]
    encoder_hash: Mapped[str] = mapped_column(String(64))
    dimension: Mapped[int]
    chunker: Mapped[str]
    created_at: Mapped[float]
    """Seconds since the epoch, as all times here."""


class DocumentRow(Base):
    """One version of a document."""

    __tablename__ = "documents"
    __table_args__ = (
        Index(
            "documents_live_name",
            "collection_id",
            "name",
            unique=True,
            sqlite_where=text("removed_at IS NULL"),
            postgresql_where=text("removed_at IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    collection_id: Mapped[int] = mapped_column(ForeignKey("collections.id"))
    name: Mapped[str]
    version: Mapped[int]
    content_sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    mtime_ns: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(20))
    title: Mapped[str]
    added_at: Mapped[float]
    removed_at: Mapped[float | None] = mapped_column(index=True)
    landmarks: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)


class TagRow(Base):
    """A tag of a document, whatever its version."""

    __tablename__ = "document_tags"

    collection_id: Mapped[int] = mapped_column(ForeignKey("collections.id"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(50), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)


class SegmentRow(Base):
    """An immutable file of vectors."""

    __tablename__ = "segments"

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    collection_id: Mapped[int] = mapped_column(ForeignKey("collections.id"), index=True)
    file: Mapped[str] = mapped_column(unique=True)
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    vectors: Mapped[int]
    created_at: Mapped[float]


class PassageRow(Base):
    """A passage; its id is also its vector's id in the segment and its row in the lexical index."""

    __tablename__ = "passages"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - as SQLAlchemy asks for it

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"), index=True)
    segment_id: Mapped[int] = mapped_column(ForeignKey("segments.id"), index=True)
    identity_sha256: Mapped[str] = mapped_column(String(64))
    """SHA-256 of document content, offsets and chunker: the same passage of the same document, whenever ingested."""
    embedding_sha256: Mapped[str] = mapped_column(String(64), index=True)
    """SHA-256 of what was encoded: passages that share it share their vector."""
    char_start: Mapped[int]
    char_end: Mapped[int]
    heading: Mapped[str]
    text: Mapped[str] = mapped_column(Text)


class JobRow(Base):
    """A run of ingest."""

    __tablename__ = "jobs"

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    collection_id: Mapped[int] = mapped_column(ForeignKey("collections.id"), index=True)
    roots: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20))
    started_at: Mapped[float]
    ended_at: Mapped[float | None]


class JobItemRow(Base):
    """A file that a job could not take in, or removed."""

    __tablename__ = "job_items"

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id"), index=True)
    name: Mapped[str]
    status: Mapped[str] = mapped_column(String(20))
    detail: Mapped[str] = mapped_column(Text)


class ConversationRow(Base):
    """Questions that belong together."""

    __tablename__ = "conversations"

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    collection: Mapped[str] = mapped_column(String(100))
    title: Mapped[str]
    created_at: Mapped[float]


class TurnRow(Base):
    """A question and its whole answer: citations, scores, timings and model hashes, as JSON."""

    __tablename__ = "turns"

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    question: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)
    created_at: Mapped[float]


class EvalRunRow(Base):
    """A run of an evaluation; its folder holds the same, as files."""

    __tablename__ = "eval_runs"

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(300), unique=True)
    status: Mapped[str] = mapped_column(String(20))
    """``running``, which a killed run stays, or ``done``."""
    started_at: Mapped[float]
    manifest: Mapped[str] = mapped_column(Text)
    """JSON, as is what follows."""
    figures: Mapped[str] = mapped_column(Text)


class EvalItemRow(Base):
    """A question of a run and what was answered, as JSON."""

    __tablename__ = "eval_items"

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("eval_runs.id"), index=True)
    question_id: Mapped[str]
    item: Mapped[str] = mapped_column(Text)
