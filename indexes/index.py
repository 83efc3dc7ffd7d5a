"""The index: one folder with a catalog and segments; many readers, one writer.

A reader's query runs on a snapshot of the catalog and is never blocked by a writer. Everything here may be called from
several threads.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from ragapp.errors import CollectionMismatch, CollectionNotFound, IndexError_, IndexNotFound
from ragapp.indexes import lexical, search, tags
from ragapp.indexes.conversations import Conversations
from ragapp.indexes.database import Database
from ragapp.indexes.evaluations import Evaluations
from ragapp.indexes.filters import live, removed
from ragapp.indexes.lock import writer_lock
from ragapp.indexes.models import CollectionRow, DocumentRow, JobRow, PassageRow
from ragapp.indexes.records import (
    Collection,
    DocumentInfo,
    JobInfo,
    Stats,
    in_parts,
    landmarks_of,
    passages_of,
    segment_files,
)
from ragapp.indexes.segments import SegmentStore
from ragapp.indexes.types import EncoderPin, FileStamp, Hit, Landmark, Passage, SearchFilter
from ragapp.indexes.verify import VerifyReport, verify
from ragapp.indexes.writer import Writer

_CATALOG = "catalog.sqlite3"


class Index:
    """An open index; made by `Index.open`.

    Attributes:
        home: Its folder.
        conversations: The conversations kept in its catalog.
        evaluations: The evaluations run in this home.

    Args:
        home: Its folder, which exists.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._database = Database(home / _CATALOG)
        self._segments = SegmentStore(home / "segments")
        self.conversations = Conversations(self._database)
        self.evaluations = Evaluations(self._database)

    @classmethod
    def open(cls, home: Path, *, make: bool = True) -> Self:
        """Open the index in a folder.

        Args:
            home: The folder.
            make: Make folder and index if they are missing.

        Returns:
            The index; close it, or use it in a ``with`` statement.

        Raises:
            IndexNotFound: If there is none, and none was to be made.
            IndexCorrupt: If its catalog is damaged.
            IndexVersionMismatch: If a newer ragapp wrote it.
            IndexError_: If the folder cannot be used.
        """
        try:
            if make:
                home.mkdir(parents=True, exist_ok=True)
            elif not (home / _CATALOG).exists():
                raise IndexNotFound(f"There is no index in {str(home)!r} yet.", "ragapp ingest FOLDER")
        except OSError as error:
            raise IndexError_(
                f"{str(home)!r} cannot be used: {error}.", "set RAGAPP_HOME to a folder of yours"
            ) from error
        return cls(home)

    def close(self) -> None:
        """Close the catalog; nothing can be read or written from here on."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def write(self, *, wait_s: float = 0) -> Generator[Writer]:
        """Become the writer.

        Args:
            wait_s: How long to wait for another writer, seconds.

        Yields:
            The writer; it is of no use after the ``with`` block.

        Raises:
            IndexLocked: If another process, or another thread of this one, is writing.
        """
        with writer_lock(self.home, wait_s):
            yield Writer(self._database, self._segments)

    def collections(self) -> list[Collection]:
        """List the collections by name."""
        query = sa.select(*CollectionRow.__table__.columns).order_by(CollectionRow.name)
        with self._database.read() as connection:
            return [_collection(row) for row in connection.execute(query)]

    def collection(self, name: str) -> Collection:
        """Find a collection.

        Args:
            name: Its name.

        Returns:
            The collection.

        Raises:
            CollectionNotFound: If there is none of that name.
        """
        for collection in self.collections():
            if collection.name == name:
                return collection
        raise CollectionNotFound(f"There is no collection {name!r} in {str(self.home)!r} yet.", "ragapp ingest FOLDER")

    def ensure_collection(self, name: str, encoder: EncoderPin, chunker: str) -> Collection:
        """Find a collection, or make it with this encoder and chunker.

        Args:
            name: Its name.
            encoder: What its vectors are made with.
            chunker: Version of what cuts its documents.

        Returns:
            The collection.

        Raises:
            CollectionMismatch: If it pins another encoder or chunker.
        """
        row = {
            "name": name,
            "encoder_id": encoder.id,
            "encoder_hash": encoder.hash,
            "dimension": encoder.dimension,
            "chunker": chunker,
            "created_at": time.time(),
        }
        with self._database.write() as connection:
            if not connection.scalar(sa.select(CollectionRow.id).where(CollectionRow.name == name)):
                connection.execute(sa.insert(CollectionRow), row)
        collection = self.collection(name)
        if collection.encoder != encoder:
            raise CollectionMismatch(
                f"The collection {name!r} was made with the encoder {collection.encoder.id!r}"
                f" ({collection.encoder.hash[:12]}), not with {encoder.id!r} ({encoder.hash[:12]}).",
                f"ragapp ingest … --collection NEW_NAME, or set RAGAPP_ENCODER={collection.encoder.id}",
            )
        if collection.chunker != chunker:
            raise CollectionMismatch(
                f"The collection {name!r} was cut by {collection.chunker!r}, not by {chunker!r}.",
                "ragapp ingest … --collection NEW_NAME, or set RAGAPP_CHUNK_TOKENS back",
            )
        return collection

    def files(self, collection: Collection) -> dict[str, FileStamp]:
        """Give the stamps of all live documents by name."""
        query = sa.select(DocumentRow.name, DocumentRow.size, DocumentRow.mtime_ns, DocumentRow.content_sha256)
        with self._database.read() as connection:
            rows = connection.execute(query.where(live(collection.id)))
            return {name: FileStamp(size, mtime_ns, sha256) for name, size, mtime_ns, sha256 in rows}

    def documents(self, collection: Collection, where: SearchFilter | None = None) -> list[DocumentInfo]:
        """List live documents by name.

        Args:
            collection: Where they are.
            where: Which ones.

        Returns:
            The documents without their text.
        """
        passages = (
            sa.select(sa.func.count(PassageRow.id)).where(PassageRow.document_id == DocumentRow.id).scalar_subquery()
        )
        query = sa.select(
            DocumentRow.id, DocumentRow.name, DocumentRow.version, DocumentRow.title, DocumentRow.media_type,
            DocumentRow.size, passages, DocumentRow.added_at, DocumentRow.mtime_ns / 1e9,
        )  # fmt: skip
        with self._database.read() as connection:
            rows = connection.execute(query.where(live(collection.id, where)).order_by(DocumentRow.name))
            tagged = tags.by_document(connection, collection.id)
            return [DocumentInfo(*row, tags=tagged.get(row.name, ())) for row in rows]

    def tags(self, collection: Collection) -> dict[str, int]:
        """Give how many documents each tag of a collection has, the most used first."""
        with self._database.read() as connection:
            return tags.counted(connection, collection.id)

    def document_text(self, document_id: int) -> str:
        """Read the text that a document's offsets index; also of a removed version that is not yet erased.

        Args:
            document_id: The catalog's id of the version.

        Returns:
            Its text.

        Raises:
            IndexError_: If there is no such document.
        """
        return self._read(DocumentRow.text, document_id)

    def landmarks(self, document_id: int) -> tuple[Landmark, ...]:
        """Read the landmarks of a document; see `document_text`."""
        name = self._read(DocumentRow.name, document_id)
        return landmarks_of(self._read(DocumentRow.landmarks, document_id), name)

    def stats(self, collection: Collection) -> Stats:
        """Measure a collection."""
        dead = sa.select(sa.func.count(DocumentRow.id)).where(DocumentRow.collection_id == collection.id, removed())
        sizes = sa.select(sa.func.count(DocumentRow.id), sa.func.coalesce(sa.func.sum(DocumentRow.size), 0))
        with self._database.read() as connection:
            documents, size = connection.execute(sizes.where(live(collection.id))).one()
            passages = sa.select(sa.func.count(PassageRow.id)).join(DocumentRow).where(live(collection.id))
            files = segment_files(connection, collection.id)
            return Stats(
                documents=documents,
                passages=connection.scalar(passages) or 0,
                segments=len(files),
                segment_bytes=sum(file.size for file in files),
                text_bytes=int(size),
                removed_documents=connection.scalar(dead) or 0,
            )

    def last_job(self, collection: Collection) -> JobInfo | None:
        """Tell of the newest ingest into a collection, if there was one."""
        query = (
            sa.select(JobRow.id, JobRow.status, JobRow.roots)
            .where(JobRow.collection_id == collection.id)
            .order_by(JobRow.id.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return JobInfo(row.id, row.status, tuple(json.loads(row.roots))) if row else None

    def passages(self, ids: list[int]) -> list[Passage]:
        """Read passages; those that were removed meanwhile are left out.

        Args:
            ids: Which ones.

        Returns:
            The passages in that order.
        """
        with self._database.read() as connection:
            return passages_of(connection, ids)

    def document_passages(self, collection: Collection, names: Sequence[str]) -> list[Passage]:
        """Read all passages of documents.

        Args:
            collection: Where they are.
            names: Names of the documents; those that are not there are left out.

        Returns:
            The passages, by document in the order named, then as they stand in it.
        """
        query = sa.select(DocumentRow.name, PassageRow.id).join(PassageRow, PassageRow.document_id == DocumentRow.id)
        order = {name: position for position, name in enumerate(names)}
        with self._database.read() as connection:
            found = [
                (order[name], passage)
                for part in in_parts(order)
                for name, passage in connection.execute(query.where(live(collection.id), DocumentRow.name.in_(part)))
            ]
            return passages_of(connection, [passage for _, passage in sorted(found)])

    def fingerprint(self, collection: Collection) -> str:
        """Give a SHA-256, hex, of what a collection's answers depend on: its documents, encoder and chunker.

        The documents count by their contents: moved to another folder, or ingested in another order, they are the same.
        """
        query = sa.select(DocumentRow.content_sha256).where(live(collection.id)).order_by(DocumentRow.content_sha256)
        digest = hashlib.sha256(f"{collection.encoder.hash} {collection.chunker}\n".encode())
        with self._database.read() as connection:
            for content in connection.scalars(query):
                digest.update(f"{content}\n".encode())
        return digest.hexdigest()

    def search_dense(
        self, collection: Collection, query: np.ndarray, k: int, where: SearchFilter | None = None
    ) -> list[Hit]:
        """Find the passages whose vectors are nearest.

        Args:
            collection: Where to search.
            query: float32 (D,), a unit vector of the collection's encoder.
            k: How many.
            where: Which documents may be found.

        Returns:
            At most k hits by inner product, best first, ties by id.

        Raises:
            IndexCorrupt: If a segment is damaged.
        """
        return search.dense(self._database, self._segments, collection.id, query, k, where or SearchFilter())

    def search_lexical(self, collection: Collection, text: str, k: int, where: SearchFilter | None = None) -> list[Hit]:
        """Find the passages whose words match best; see `ragapp.indexes.lexical.search`."""
        with self._database.read() as connection:
            return lexical.search(connection, collection.id, text, k, where or SearchFilter())

    def verify(self) -> VerifyReport:
        """Prove that catalog, segments and lexical index agree; see `ragapp.indexes.verify.verify`."""
        return verify(self._database, self._segments)

    def _read(self, column: InstrumentedAttribute[str], document_id: int) -> str:
        with self._database.read() as connection:
            value = connection.scalar(sa.select(column).where(DocumentRow.id == document_id))
        if value is None:
            raise IndexError_(f"The index has no document {document_id}.", "ragapp ls")
        return value


def _collection(row: sa.Row[tuple[object, ...]]) -> Collection:
    pin = EncoderPin(row.encoder_id, row.encoder_hash, row.dimension)
    return Collection(row.id, row.name, pin, row.chunker)
