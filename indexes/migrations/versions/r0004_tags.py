"""Tags of documents.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "document_tags",
        sa.Column("collection_id", _ID, sa.ForeignKey("collections.id"), primary_key=True),
        sa.Column("tag", sa.String(50), primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
    )
