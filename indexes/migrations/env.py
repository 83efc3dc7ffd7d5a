"""Run by alembic: applies the revisions on the connection that `ragapp.indexes.database` hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from ragapp.indexes.models import Base

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
