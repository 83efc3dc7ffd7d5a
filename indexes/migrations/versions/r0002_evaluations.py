"""Evaluations: runs and their items.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "eval_runs",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("name", sa.String(300), nullable=False, unique=True),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.Column("figures", sa.Text, nullable=False),
    )
    op.create_table(
        "eval_items",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("run_id", _ID, sa.ForeignKey("eval_runs.id"), nullable=False, index=True),
        sa.Column("question_id", sa.String, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
    )
