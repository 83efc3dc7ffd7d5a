"""The one writer of an index: commits, removals, compaction, repair.

A writer holds the lock for as long as it lives. Vectors go to the disk first; one SQL transaction then makes them part
of the index together with their documents, passages and words.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Literal, NamedTuple

import numpy as np
import sqlalchemy as sa
from sqlalchemy import Connection

from ragapp.errors import ConfigError, RagappError
from ragapp.indexes import lexical, tags
from ragapp.indexes.database import Database
from ragapp.indexes.filters import live, removed
from ragapp.indexes.models import DocumentRow, JobItemRow, JobRow, PassageRow, SegmentRow
from ragapp.indexes.records import Collection, in_parts, segment_files
from ragapp.indexes.rows import insert_document, insert_segment, mark_removed, passage_rows, tombstone
from ragapp.indexes.segments import SegmentFile, SegmentStore
from ragapp.indexes.types import FileStamp, NewDocument, tag_names
from ragapp.indexes.verify import inspect

_SMALL_SEGMENT = 20_000
"""Segments of fewer vectors are merged when there are many."""
_MANY_SEGMENTS = 8

JobStatus = Literal["running", "done", "interrupted", "failed"]


class CompactReport(NamedTuple):
    """What a compaction did."""

    segments_before: int
    segments_after: int
    documents_erased: int
    passages_erased: int


class RepairReport(NamedTuple):
    """What a repair took out of the index, to be ingested again."""

    segments_dropped: int
    documents_dropped: tuple[str, ...]


class Writer:
    """Writes to an index; made by `Index.write`, which holds the lock around it.

    Args:
        database: The catalog.
        segments: The folder of segments.
    """

    def __init__(self, database: Database, segments: SegmentStore) -> None:
        self._database, self._segments = database, segments
        self._sweep()

    def reuse_vectors(self, collection: Collection, hashes: Sequence[str]) -> dict[str, np.ndarray]:
        """Look up vectors of text that the collection holds already.

        Args:
            collection: Where to look.
            hashes: SHA-256 of what would be encoded, hex.

        Returns:
            Vector float32 (D,) by hash, for those that are known.
        """
        places: dict[int, dict[str, int]] = {}
        with self._database.read() as connection:
            for part in in_parts(hashes):
                newest = (
                    sa.select(sa.func.max(PassageRow.id))
                    .join(DocumentRow)
                    .where(PassageRow.embedding_sha256.in_(part), DocumentRow.collection_id == collection.id)
                    .group_by(PassageRow.embedding_sha256)
                )
                query = sa.select(PassageRow.embedding_sha256, PassageRow.id, PassageRow.segment_id)
                for sha256, passage, segment in connection.execute(query.where(PassageRow.id.in_(newest))):
                    places.setdefault(segment, {})[sha256] = passage
            files = {file.id: file for file in segment_files(connection, collection.id)} if places else {}
        known: dict[str, np.ndarray] = {}
        for segment, passages in places.items():
            rows = self._segments.vectors(files[segment], list(passages.values()))  # (N, D)
            known.update(zip(passages, rows, strict=True))
        return known

    def commit(self, collection: Collection, documents: Sequence[NewDocument], vectors: np.ndarray) -> None:
        """Add documents, each in place of the live one of its name.

        Args:
            collection: Where to.
            documents: The documents with their chunks; no two of one name.
            vectors: float32 (N, D), one unit row a chunk, in order.

        Raises:
            StorageFull: If the disk is full; the index stays as it was.
            ValueError: If two documents share a name, or the vectors are not as many or as long as they must be.
        """
        names = [document.name for document in documents]
        total = sum(len(document.chunks) for document in documents)
        if len(set(names)) < len(names):
            raise ValueError(f"Two documents of one name: {max(names, key=names.count)!r}.")
        if vectors.shape != (total, collection.encoder.dimension):
            raise ValueError(f"{vectors.shape} vectors for {(total, collection.encoder.dimension)}.")
        first = self._next_passage()
        written = self._segments.write(np.arange(first, first + total), vectors) if total else None
        with self._transaction() as connection:
            segment = insert_segment(connection, collection.id, written, total) if written else None
            replaced = tombstone(connection, collection.id, names)
            start = first
            for document in documents:
                version = replaced.get(document.name, 0) + 1
                document_id = insert_document(connection, collection, document, version)
                if segment is not None and document.chunks:
                    rows = passage_rows(document, document_id, segment, start, collection.chunker)
                    connection.execute(sa.insert(PassageRow), rows)
                start += len(document.chunks)
            lexical.add(connection, first, start - 1)

    def touch(self, collection: Collection, stamps: Mapping[str, FileStamp]) -> None:
        """Note that files have a new size or time and the same content.

        Args:
            collection: Where they are.
            stamps: New stamps by document name.
        """
        if not stamps:
            return
        statement = (
            sa.update(DocumentRow)
            .where(DocumentRow.name == sa.bindparam("of"), live(collection.id))
            .values(size=sa.bindparam("new_size"), mtime_ns=sa.bindparam("new_mtime"))
        )
        rows = [{"of": name, "new_size": s.size, "new_mtime": s.mtime_ns} for name, s in stamps.items()]
        with self._database.write() as connection:
            connection.execute(statement, rows)

    def remove(self, collection: Collection, names: Sequence[str]) -> int:
        """Remove documents: from here on no search finds them; `compact` erases their text.

        Args:
            collection: Where they are.
            names: Their names; unknown ones are passed over.

        Returns:
            How many there were.
        """
        with self._database.write() as connection:
            tags.forget(connection, collection.id, names)
            return len(tombstone(connection, collection.id, names))

    def tag(
        self, collection: Collection, names: Sequence[str], *, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> int:
        """Give tags to documents and take tags from them.

        Args:
            collection: Where they are.
            names: Their names; unknown ones are passed over.
            add: Tags that they get.
            remove: Tags that they lose.

        Returns:
            How many documents there were.

        Raises:
            ConfigError: If something cannot be a tag, or a tag is both to be given and to be taken.
        """
        given, taken = set(tag_names(add)), set(tag_names(remove))
        if both := sorted(given & taken):
            raise ConfigError(f"{both[0]!r} is both to be given and to be taken.", "leave one of the two out")
        with self._database.write() as connection:
            return tags.change(connection, collection.id, names, given, taken)

    def compact(self) -> CompactReport:
        """Rewrite segments without removed passages and erase all that is left of removed documents.

        Returns:
            What was done.

        Raises:
            IndexCorrupt: If a segment is damaged.
            IndexLocked: If a reader kept the last traces from being erased.
            StorageFull: If there is no room for what is rewritten; the index holds what it held.
        """
        with self._database.read() as connection:
            before = connection.scalar(sa.select(sa.func.count(SegmentRow.id))) or 0
            passages = (
                connection.scalar(sa.select(sa.func.count(PassageRow.id)).join(DocumentRow).where(removed())) or 0
            )
            collections = list(connection.scalars(sa.select(SegmentRow.collection_id).distinct()))
            with_dead = set(
                connection.scalars(sa.select(PassageRow.segment_id).join(DocumentRow).where(removed()).distinct())
            )
        for collection in collections:
            with self._database.read() as connection:
                files = segment_files(connection, collection)
            small = [file for file in files if file.vectors < _SMALL_SEGMENT]
            chosen = {file.id for file in files if file.id in with_dead} | (
                {f.id for f in small} if len(small) > 1 else set()
            )
            self._rewrite(collection, [file for file in files if file.id in chosen])
        documents = self._erase()
        self._database.vacuum()
        with self._database.read() as connection:
            after = connection.scalar(sa.select(sa.func.count(SegmentRow.id))) or 0
        return CompactReport(before, after, documents, passages)

    def merge_small(self) -> None:
        """Merge small segments where a collection has many of them: a search opens each."""
        with self._database.read() as connection:
            collections = list(connection.scalars(sa.select(SegmentRow.collection_id).distinct()))
            files = {collection: segment_files(connection, collection) for collection in collections}
        for collection, segments in files.items():
            small = [segment for segment in segments if segment.vectors < _SMALL_SEGMENT]
            if len(small) > _MANY_SEGMENTS:
                self._rewrite(collection, small)

    def repair(self) -> RepairReport:
        """Take documents that are damaged or whose vectors are out of the index, so that the next ingest restores them.

        Returns:
            What was taken out.
        """
        found = inspect(self._database, self._segments)
        dropped = dict(found.documents)  # name by id
        with self._database.write() as connection:
            for part in in_parts(file.id for file in found.segments):
                held = sa.select(PassageRow.document_id).where(PassageRow.segment_id.in_(part))
                lost = sa.select(DocumentRow.id, DocumentRow.name).where(
                    DocumentRow.id.in_(held), DocumentRow.removed_at.is_(None)
                )
                dropped |= {row.id: row.name for row in connection.execute(lost)}
                connection.execute(sa.delete(PassageRow).where(PassageRow.segment_id.in_(part)))
                connection.execute(sa.delete(SegmentRow).where(SegmentRow.id.in_(part)))
            for part in in_parts(dropped):
                mark_removed(connection, part)
            lexical.rebuild(connection)
        self._sweep()
        return RepairReport(len(found.segments), tuple(sorted(dropped.values())))

    def start_job(self, collection: Collection, roots: Sequence[str]) -> int:
        """Note that an ingest began.

        Args:
            collection: Where to.
            roots: What it was pointed at.

        Returns:
            The job's id.
        """
        row = {
            "collection_id": collection.id,
            "roots": json.dumps(list(roots)),
            "status": "running",
            "started_at": time.time(),
        }
        with self._database.write() as connection:
            return int(connection.execute(sa.insert(JobRow).returning(JobRow.id), row).scalar_one())

    def job_item(self, job: int, name: str, status: Literal["failed", "removed"], detail: str) -> None:
        """Note what became of a file.

        Args:
            job: The job.
            name: The document's name.
            status: What became of it.
            detail: Why.
        """
        row = {"job_id": job, "name": name, "status": status, "detail": detail}
        with self._database.write() as connection:
            connection.execute(sa.insert(JobItemRow), row)

    def finish_job(self, job: int, status: JobStatus) -> None:
        """Note that an ingest ended.

        Args:
            job: The job.
            status: How.
        """
        statement = sa.update(JobRow).where(JobRow.id == job).values(status=status, ended_at=time.time())
        with self._database.write() as connection:
            connection.execute(statement)

    def _rewrite(self, collection_id: int, files: Sequence[SegmentFile]) -> None:
        """Write one segment of the live passages of several, and put it in their place."""
        if not files:
            return
        alive: dict[SegmentFile, list[int]] = {}
        with self._database.read() as connection:
            for file in files:
                query = (
                    sa.select(PassageRow.id)
                    .join(DocumentRow)
                    .where(PassageRow.segment_id == file.id, DocumentRow.removed_at.is_(None))
                )
                if passages := list(connection.scalars(query)):
                    alive[file] = passages
        ids = [passage for passages in alive.values() for passage in passages]
        written = self._segments.write(np.asarray(ids, np.int64), self._gathered(alive)) if ids else None
        old = [file.id for file in files]
        with self._transaction() as connection:
            dead = sa.select(DocumentRow.id).where(removed())
            connection.execute(
                sa.delete(PassageRow).where(PassageRow.segment_id.in_(old), PassageRow.document_id.in_(dead))
            )
            if written:
                new = insert_segment(connection, collection_id, written, len(ids))
                connection.execute(sa.update(PassageRow).where(PassageRow.segment_id.in_(old)).values(segment_id=new))
            connection.execute(sa.delete(SegmentRow).where(SegmentRow.id.in_(old)))
        self._segments.remove([file.file for file in files])

    def _gathered(self, alive: Mapping[SegmentFile, Sequence[int]]) -> np.ndarray:
        """Read the vectors of passages of several segments into one array, float32 (N, D), in that order."""
        total, start = sum(map(len, alive.values())), 0
        vectors = np.empty((0, 0), np.float32)
        for file, passages in alive.items():
            rows = self._segments.vectors(file, passages)  # (n, D)
            if not start:
                vectors = np.empty((total, rows.shape[1]), np.float32)  # (N, D)
            vectors[start : start + len(rows)] = rows
            start += len(rows)
        return vectors

    def _next_passage(self) -> int:
        """Give the id of the next passage; none is ever given twice, also when the passage is erased."""
        with self._database.read() as connection:
            return (connection.scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'passages'")) or 0) + 1

    @contextmanager
    def _transaction(self) -> Generator[Connection]:
        """Open a transaction that names a new segment; if it fails, the segment is removed."""
        try:
            with self._database.write() as connection:
                yield connection
        except BaseException:
            # By what the catalog names, not by the exception: Ctrl-C may come when the transaction is through.
            with suppress(RagappError):
                self._sweep()
            raise

    def _sweep(self) -> None:
        with self._database.read() as connection:
            named = set(connection.scalars(sa.select(SegmentRow.file)))
        self._segments.sweep(named)

    def _erase(self) -> int:
        """Delete removed documents with whatever passages they still have; returns how many documents."""
        dead = sa.select(DocumentRow.id).where(removed())
        with self._database.write() as connection:
            connection.execute(sa.delete(PassageRow).where(PassageRow.document_id.in_(dead)))
            documents = connection.execute(sa.delete(DocumentRow).where(removed())).rowcount
            lexical.rebuild(connection)
        return documents
