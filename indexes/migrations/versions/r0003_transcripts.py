"""Full-text search over what was asked and answered.

Revision ID: 0003
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the index, and fill it from the turns there are."""
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute("CREATE VIRTUAL TABLE turns_fts USING fts5(said, tokenize='trigram')")
    op.execute(
        "INSERT INTO turns_fts(rowid, said)"
        " SELECT id, question || char(10) || coalesce(json_extract(answer, '$.text'), '') || char(10) ||"
        " coalesce((SELECT group_concat(json_extract(value, '$.quote'), char(10))"
        " FROM json_each(answer, '$.citations')), '') FROM turns"
    )
