"""The first catalog.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_SHA256 = sa.String(64)


def upgrade() -> None:
    """Make the tables, and on SQLite the lexical index over the live passages."""
    op.create_table(
        "collections",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("name", sa.String(100), nullable=False, unique=True),
        sa.Column("encoder_id", sa.String, nullable=False),
        sa.Column("encoder_hash", _SHA256, nullable=False),
        sa.Column("dimension", sa.Integer, nullable=False),
        sa.Column("chunker", sa.String, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    op.create_table(
        "documents",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("collection_id", _ID, sa.ForeignKey("collections.id"), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("content_sha256", _SHA256, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger, nullable=False),
        sa.Column("media_type", sa.String(20), nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("added_at", sa.Double, nullable=False),
        sa.Column("removed_at", sa.Double),
        sa.Column("landmarks", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    live = sa.text("removed_at IS NULL")
    op.create_index(
        "documents_live_name",
        "documents",
        ["collection_id", "name"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )
    op.create_index("ix_documents_removed_at", "documents", ["removed_at"])
    op.create_table(
        "segments",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("collection_id", _ID, sa.ForeignKey("collections.id"), nullable=False, index=True),
        sa.Column("file", sa.String, nullable=False, unique=True),
        sa.Column("sha256", _SHA256, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("vectors", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    op.create_table(
        "passages",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("document_id", _ID, sa.ForeignKey("documents.id"), nullable=False, index=True),
        sa.Column("segment_id", _ID, sa.ForeignKey("segments.id"), nullable=False, index=True),
        sa.Column("identity_sha256", _SHA256, nullable=False),
        sa.Column("embedding_sha256", _SHA256, nullable=False, index=True),
        sa.Column("char_start", sa.Integer, nullable=False),
        sa.Column("char_end", sa.Integer, nullable=False),
        sa.Column("heading", sa.String, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "jobs",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("collection_id", _ID, sa.ForeignKey("collections.id"), nullable=False, index=True),
        sa.Column("roots", sa.Text, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
    )
    op.create_table(
        "job_items",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("job_id", _ID, sa.ForeignKey("jobs.id"), nullable=False, index=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_table(
        "conversations",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("collection", sa.String(100), nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    op.create_table(
        "turns",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("conversation_id", _ID, sa.ForeignKey("conversations.id"), nullable=False, index=True),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIEW live_passages AS SELECT p.id AS id, p.text AS text, p.heading AS heading"
            " FROM passages p JOIN documents d ON d.id = p.document_id WHERE d.removed_at IS NULL"
        )
        op.execute(
            "CREATE VIRTUAL TABLE passages_fts USING fts5(text, heading, content='live_passages', content_rowid='id',"
            " tokenize='porter unicode61 remove_diacritics 2')"
        )
