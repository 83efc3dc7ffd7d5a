"""The catalog's database: connections, transactions, migrations, and what its errors mean to a person."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, event
from sqlalchemy.exc import DatabaseError

from ragapp.errors import IndexCorrupt, IndexError_, IndexLocked, IndexVersionMismatch, StorageFull
from ragapp.indexes.lock import writer_lock

HEAD = "0004"
"""The revision that this code reads and writes; a test holds it to the newest migration."""

_BUSY_MS = 30_000


class Database:
    """The catalog file; safe to use from several threads and processes.

    Args:
        path: The SQLite file; made with its tables if missing.

    Raises:
        IndexCorrupt: If it is not a database.
        IndexVersionMismatch: If another version of ragapp wrote it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._closed = False
        self._engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)))
        event.listen(self._engine, "connect", _configure)
        event.listen(self._engine, "begin", _begin)
        event.listen(self._engine, "close", _roll_back)
        self._migrate()

    def close(self) -> None:
        """Close every connection; from here on there are none to be had."""
        self._closed = True
        self._engine.dispose()

    @contextmanager
    def read(self) -> Generator[Connection]:
        """Open a snapshot: everything read through it is of one moment."""
        with self._errors(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Generator[Connection]:
        """Open a transaction that writes: all of it happens, or nothing."""
        with self._errors(), self._engine.execution_options(immediate=True).connect() as connection:
            raw = connection.connection.driver_connection
            try:
                with connection.begin():
                    yield connection
            except KeyboardInterrupt:
                # A statement cut short stays open while the traceback lives, and its connection cannot commit again.
                if raw:
                    _roll_back(raw)
                connection.invalidate()
                raise
            finally:
                if raw:
                    _roll_back(raw)

    def vacuum(self) -> None:
        """Rewrite the file without its free pages and empty the write-ahead log, so that nothing deleted lingers.

        Raises:
            IndexLocked: If a reader kept the log from being emptied.
            StorageFull: If there is no room for the new file.
        """
        with self._errors():
            connection = self._engine.raw_connection()
            try:
                cursor = connection.cursor()
                cursor.execute("VACUUM")
                busy: int = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
                cursor.close()
            finally:
                connection.close()
        if busy:
            raise IndexLocked(
                f"Another process is reading {str(self.path)!r}: what was removed is not wholly erased yet.",
                "close other ragapp programs and run ragapp compact again",
            )

    def _migrate(self) -> None:
        revisions = self._revisions()
        if revisions == [HEAD]:
            return
        import alembic.command
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if revisions == []:
            raise IndexCorrupt(
                f"{str(self.path)!r} is a database, and no catalog of ragapp's: it has tables and no version.",
                "set RAGAPP_HOME to a folder of its own, or move that file away and ingest again",
            )
        if revisions and not known.issuperset(revisions):
            raise IndexVersionMismatch(
                f"The index {str(self.path.parent)!r} was written by a newer ragapp, or another one"
                f" (version {', '.join(revisions)!r}; this one knows up to {HEAD!r}).",
                "pip install --upgrade ragapp",
            )
        with writer_lock(self.path.parent, _BUSY_MS / 1000):
            if self._revisions() == [HEAD]:
                return  # another process was at it, too
            self._log_ahead()
            with self.write() as connection:
                config.attributes["connection"] = connection
                alembic.command.upgrade(config, "head")

    def _revisions(self) -> list[str] | None:
        """Read which migrations the tables are of: ``None`` if there are no tables, empty if they are not ragapp's."""
        with self.read() as connection:
            tables = connection.scalars(sa.text("SELECT name FROM sqlite_master WHERE type = 'table'")).all()
            if "alembic_version" not in tables:
                return [] if tables else None
            return list(connection.scalars(sa.text("SELECT version_num FROM alembic_version")))

    def _log_ahead(self) -> None:
        """Have the file written through a log, so that readers and a writer do not wait for each other.

        The file remembers it. It is not asked for on every connection: SQLite refuses it at once, without waiting, when
        two connections to a new file ask for it together.
        """
        with self._errors(), closing(self._engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA journal_mode = WAL")

    @contextmanager
    def _errors(self) -> Generator[None]:
        """Turn what goes wrong into an error that a person understands, also that it was closed: SQLAlchemy reopens."""
        if self._closed:
            raise IndexError_(f"The index {str(self.path.parent)!r} was closed.", "open it again")
        try:
            yield
        except DatabaseError as error:
            raise self._explained(str(error.orig)) from error
        except sqlite3.DatabaseError as error:  # outside SQLAlchemy: while a connection is set up or vacuumed
            raise self._explained(str(error)) from error
        except UnicodeEncodeError as error:  # a lone surrogate: Python's stand-in for a byte that is no text
            raise IndexError_(
                f"Text that is not Unicode cannot be stored or looked up: {error.object[error.start : error.end]!r}.",
                r"write such a byte as \xNN, as ragapp ls shows it",
            ) from error

    def _explained(self, reason: str) -> IndexError_:
        if "disk is full" in reason or "disk I/O error" in reason:
            return StorageFull(
                f"The disk of {str(self.path)!r} is full or failing ({reason}); the index stayed as it was.",
                "make room and run the same command again",
            )
        if "locked" in reason:
            return IndexLocked(f"Another process keeps {str(self.path)!r} busy.", "run the same command again")
        if "readonly" in reason or "unable to open" in reason:
            return IndexError_(
                f"{str(self.path)!r} cannot be written: {reason}.", "check its permissions, or set RAGAPP_HOME"
            )
        if "decode to UTF-8" in reason:  # the rest of the reason is the text itself
            return IndexCorrupt(
                f"The catalog {str(self.path)!r} is damaged: what should be text is none.", "ragapp verify --repair"
            )
        if "malformed" in reason or "not a database" in reason:
            return IndexCorrupt(
                f"The catalog {str(self.path)!r} is damaged: {reason}.",
                f"move {str(self.path.parent)!r} away and ingest again",
            )
        return IndexError_(f"The catalog {str(self.path)!r} refused a statement: {reason}.", "ragapp doctor")


def _configure(connection: sqlite3.Connection, _: object) -> None:
    # sqlite3 must not open transactions by itself: reads would not be snapshots (see SQLAlchemy's pysqlite notes).
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {_BUSY_MS}",
        "synchronous = FULL",  # what was reported as committed survives a power cut too
        "foreign_keys = ON",
        "secure_delete = ON",  # a removed document's words are overwritten, not just unlinked
    ):
        connection.execute(f"PRAGMA {pragma}")


def _roll_back(connection: sqlite3.Connection, _: object = None) -> None:
    """End a transaction that Ctrl-C broke off; nothing happens after a commit.

    SQLAlchemy closes such a connection without a rollback, and SQLite then keeps it, and its lock, for as long as
    anything refers to a statement of it: a traceback does.
    """
    with suppress(sqlite3.ProgrammingError):  # it is closed already
        connection.rollback()


def _begin(connection: Connection) -> None:
    options: dict[str, Any] = dict(connection.get_execution_options())
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("immediate") else "BEGIN")
