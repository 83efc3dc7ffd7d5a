"""Evaluations in the catalog: which runs there were, with their figures and items."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from ragapp.indexes.database import Database
from ragapp.indexes.models import EvalItemRow, EvalRunRow


class StoredRun(NamedTuple):
    """A run: ``running``, which a killed one stays, or ``done``; manifest and figures as JSON."""

    name: str
    status: str
    started_at: float
    manifest: str
    figures: str


class Evaluations:
    """The evaluations of an index.

    Args:
        database: The catalog.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, name: str, manifest: str) -> None:
        """Tell that a run began; one that goes on keeps its first start.

        Args:
            name: Its name.
            manifest: What it depends on, as JSON.
        """
        row = {"name": name, "status": "running", "started_at": time.time(), "manifest": manifest, "figures": "{}"}
        with self._database.write() as connection:
            if not connection.scalar(sa.select(EvalRunRow.id).where(EvalRunRow.name == name)):
                connection.execute(sa.insert(EvalRunRow), row)

    def finish(self, name: str, figures: str, items: Sequence[tuple[str, str]]) -> None:
        """Store what a run found, in place of what was there of it.

        Args:
            name: Its name.
            figures: Its figures, as JSON.
            items: Question ids and items, as JSON.
        """
        with self._database.write() as connection:
            run = connection.execute(sa.select(EvalRunRow.id).where(EvalRunRow.name == name)).scalar_one()
            connection.execute(sa.delete(EvalItemRow).where(EvalItemRow.run_id == run))
            update = sa.update(EvalRunRow).where(EvalRunRow.id == run)
            connection.execute(update.values(status="done", figures=figures))
            rows = [{"run_id": run, "question_id": question, "item": item} for question, item in items]
            if rows:
                connection.execute(sa.insert(EvalItemRow), rows)

    def all(self) -> list[StoredRun]:
        """List the runs, newest first."""
        columns = EvalRunRow.name, EvalRunRow.status, EvalRunRow.started_at, EvalRunRow.manifest, EvalRunRow.figures
        with self._database.read() as connection:
            return [StoredRun(*row) for row in connection.execute(sa.select(*columns).order_by(EvalRunRow.id.desc()))]

    def items(self, name: str) -> list[str]:
        """Give the items of a finished run as JSON, in the order asked; none of an unknown run."""
        query = sa.select(EvalItemRow.item).join(EvalRunRow).where(EvalRunRow.name == name).order_by(EvalItemRow.id)
        with self._database.read() as connection:
            return [*connection.scalars(query)]
