"""The ingest job: from folders to committed passages, doing only what has not been done before.

A file is unchanged if its size and modification time are, without being read; else if its content's hash is. Text whose
vector the index holds already is not encoded again. What is committed stays: a job that is killed at any instruction
loses at most the batch it was at, and the next run goes on from there.
"""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ragapp.errors import LoadError, RagappError
from ragapp.indexes.types import FileStamp, NewDocument, embedding_text, tag_names
from ragapp.ingest.chunking import Chunker
from ragapp.ingest.discovery import FoundFile, Unreadable, discover, document_name
from ragapp.ingest.events import (
    BatchCommitted,
    FileDone,
    FileStatus,
    JobDone,
    JobEvent,
    JobReport,
    JobStarted,
    JobStatus,
    PassagesEncoded,
)
from ragapp.ingest.limits import Limits
from ragapp.ingest.sandbox import LoaderPool, LoadRequest

if TYPE_CHECKING:
    from ragapp.indexes.encoder import Encoder
    from ragapp.indexes.index import Index
    from ragapp.indexes.records import Collection
    from ragapp.indexes.writer import Writer

BATCH_PASSAGES = 512
"""Passages that are encoded and committed together; bounds both memory and what a crash can lose."""
_ENCODED_TOGETHER = 1024
"""A batch that one huge document makes is encoded in parts, between which progress is told and Ctrl-C is heard."""


def ingest(
    index: Index,
    collection: str,
    roots: Sequence[Path],
    encoder: Encoder,
    *,
    chunker: Chunker | None = None,
    prune: bool = False,
    tags: Sequence[str] = (),
    limits: Limits | None = None,
    workers: int = 1,
    batch_passages: int = BATCH_PASSAGES,
    wait_s: float = 0,
    on_event: Callable[[JobEvent], None] | None = None,
) -> JobReport:
    """Take files into a collection.

    Ctrl-C ends the job cleanly: the batch it is at is dropped, all before it stays, and the report says so.

    Args:
        index: The index to write to.
        collection: Name of the collection; made if there is none.
        roots: Files and folders.
        encoder: What makes the vectors; used only when there is new text.
        chunker: What cuts documents; by default to the encoder's tokens.
        prune: Whether documents under the roots whose files vanished are removed.
        tags: What all documents met are tagged with, unchanged ones too; those of a failed file stay as they were.
        limits: What one file may cost.
        workers: Processes that parse files.
        batch_passages: How many passages, or a little more, are encoded and committed together.
        wait_s: How long to wait for another writer to finish.
        on_event: Called with each event, in this thread.

    Returns:
        What was done; a file that failed is in it and keeps its last good version in the index.

    Raises:
        ConfigError: Something cannot be a tag.
        CollectionMismatch: The collection was made by another encoder or chunker.
        IndexLocked: Another process is writing.
        StorageFull: The disk is full; what was committed stays.
        IngestError: The processes that parse files cannot run.
    """
    chunker, tags = chunker or Chunker(encoder.token_offsets), tag_names(tags)
    with index.write(wait_s=wait_s) as writer, LoaderPool(workers, limits) as pool:
        target = index.ensure_collection(collection, encoder.pin, chunker.version)
        job = _Job(target, index.files(target), writer, encoder, chunker, batch_passages, tags, on_event or _ignore)
        return job.run(roots, pool, prune=prune)


class _Job:
    """One run; its counters and the batch it is at."""

    def __init__(
        self,
        collection: Collection,
        known: Mapping[str, FileStamp],
        writer: Writer,
        encoder: Encoder,
        chunker: Chunker,
        batch_passages: int,
        tags: Sequence[str],
        emit: Callable[[JobEvent], None],
    ) -> None:
        self._collection = collection
        self._known = known
        self._writer = writer
        self._encoder = encoder
        self._chunker = chunker
        self._most_passages = batch_passages
        self._tags = tags
        self._untagged: list[str] = []
        self._emit = emit
        self._counts: Counter[FileStatus] = Counter()
        self._passages = self._encoded = self._size_bytes = 0
        self._failures: list[FileDone] = []
        self._batch: list[NewDocument] = []
        self._batch_passages = 0
        self._touched: dict[str, FileStamp] = {}
        self._started = time.monotonic()
        self._id = 0

    def run(self, roots: Sequence[Path], pool: LoaderPool, *, prune: bool) -> JobReport:
        """Do it all; see :func:`ingest`."""
        self._id = self._writer.start_job(self._collection, [document_name(os.path.realpath(root)) for root in roots])
        status: JobStatus = "interrupted"
        try:
            self._work(roots, pool, prune=prune)
            status = "done"
        except KeyboardInterrupt:
            pass  # the report says so
        except BaseException:
            with suppress(RagappError):  # the first error is the one to tell
                self._writer.finish_job(self._id, "failed")
            raise
        self._writer.finish_job(self._id, status)
        report = self._report(status)
        self._emit(JobDone(report))
        return report

    def _work(self, roots: Sequence[Path], pool: LoaderPool, *, prune: bool) -> None:
        met = list(discover(roots))
        found = [file for file in met if isinstance(file, FoundFile)]
        unreadable = [item for item in met if isinstance(item, Unreadable)]
        self._emit(JobStarted(len(found), sum(file.size for file in found)))
        for item in unreadable:
            self._failed(item.name, 0, item.error)
        for loaded in pool.load(self._requests(found)):
            file = loaded.file
            stamp = FileStamp(file.size, file.mtime_ns, loaded.sha256)
            if loaded.error:
                self._failed(file.name, file.size, loaded.error)
            elif loaded.document is None:
                self._touched[file.name] = stamp
                self._done(FileDone(file.name, "unchanged", size_bytes=file.size))
            else:
                chunks = self._chunker.chunk(loaded.document)
                self._batch.append(NewDocument(file.name, stamp, loaded.document, chunks))
                self._batch_passages += len(chunks)
            if self._batch_passages >= self._most_passages:
                self._commit()
        self._commit()
        if prune:
            self._prune(roots, found, unreadable)

    def _requests(self, found: Sequence[FoundFile]) -> Iterator[LoadRequest]:
        """Give the files that must be read; those with the stamp the index knows are done."""
        for file in found:
            stamp = self._known.get(file.name)
            if stamp and (stamp.size, stamp.mtime_ns) == (file.size, file.mtime_ns):
                self._done(FileDone(file.name, "unchanged", size_bytes=file.size))
            else:
                yield LoadRequest(file, stamp.content_sha256 if stamp else "")

    def _commit(self) -> None:
        """Encode and commit the batch."""
        if self._touched:
            with _shielded():
                self._writer.touch(self._collection, self._touched)
            self._touched = {}
        if self._batch:
            self._commit_batch()
        if self._untagged:
            with _shielded():
                self._writer.tag(self._collection, self._untagged, add=self._tags)
            self._untagged = []

    def _commit_batch(self) -> None:
        texts = [embedding_text(chunk.heading, chunk.text) for document in self._batch for chunk in document.chunks]
        vectors, encoded = self._vectors(texts)
        with _shielded():
            self._writer.commit(self._collection, self._batch, vectors)
            self._writer.merge_small()  # now: at the end of a long job there would be thousands to merge at once
        self._encoded += encoded
        self._passages += len(texts)
        for document in self._batch:
            self._size_bytes += document.stamp.size
            status: FileStatus = "changed" if document.name in self._known else "added"
            self._done(FileDone(document.name, status, len(document.chunks), document.stamp.size))
        self._emit(BatchCommitted(len(self._batch), len(texts), encoded))
        self._batch, self._batch_passages = [], 0

    def _vectors(self, texts: Sequence[str]) -> tuple[np.ndarray, int]:
        """Give the vectors of texts, float32 (N, D), encoding each text that the index lacks once."""
        hashes = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        vectors = np.empty((len(texts), self._encoder.pin.dimension), np.float32)  # (N, D)
        known = self._writer.reuse_vectors(self._collection, list(dict.fromkeys(hashes)))
        missing = {sha256: text for sha256, text in zip(hashes, texts, strict=True) if sha256 not in known}
        rows = {sha256: row for row, sha256 in enumerate(missing)}
        fresh = np.empty((len(missing), vectors.shape[1]), np.float32)  # (M, D), M <= N
        waiting = list(missing.values())
        for start in range(0, len(waiting), _ENCODED_TOGETHER):
            part = waiting[start : start + _ENCODED_TOGETHER]
            fresh[start : start + len(part)] = self._encoder.encode_passages(part)
            self._emit(PassagesEncoded(len(part)))
        for position, sha256 in enumerate(hashes):
            vectors[position] = fresh[rows[sha256]] if sha256 in rows else known[sha256]
        return vectors, len(missing)

    def _prune(self, roots: Sequence[Path], found: Sequence[FoundFile], unreadable: Sequence[Unreadable]) -> None:
        """Remove documents under the roots whose files are gone; what could not be looked at may still be there."""
        there = {file.name for file in found}
        unseen = [item.name for item in unreadable]
        folders = [document_name(os.path.realpath(root)) for root in roots]
        vanished = [
            name
            for name in self._known
            if name not in there
            and any(_is_under(name, folder) for folder in folders)
            and not any(_is_under(name, folder) for folder in unseen)
            and not os.path.lexists(name)
        ]
        if vanished:
            with _shielded():
                self._writer.remove(self._collection, vanished)
        for name in vanished:
            self._writer.job_item(self._id, name, "removed", "")
            self._done(FileDone(name, "removed"))

    def _failed(self, name: str, size_bytes: int, error: LoadError) -> None:
        failure = FileDone(name, "failed", 0, size_bytes, error.message, error.hint)
        self._failures.append(failure)
        self._writer.job_item(self._id, name, "failed", error.message)
        self._done(failure)

    def _done(self, event: FileDone) -> None:
        self._counts[event.status] += 1
        if self._tags and event.status in ("added", "changed", "unchanged"):
            self._untagged.append(event.name)
        self._emit(event)

    def _report(self, status: JobStatus) -> JobReport:
        return JobReport(
            status=status,
            added=self._counts["added"],
            changed=self._counts["changed"],
            unchanged=self._counts["unchanged"],
            failed=self._counts["failed"],
            removed=self._counts["removed"],
            passages=self._passages,
            encoded=self._encoded,
            size_bytes=self._size_bytes,
            seconds=time.monotonic() - self._started,
            failures=tuple(self._failures),
        )


def _ignore(event: JobEvent) -> None:
    """Tell nobody."""


@contextmanager
def _shielded() -> Generator[None]:
    """Hold Ctrl-C back until a step that must be whole is done; other threads than the main one never hear it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[int] = []
    previous = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous or signal.SIG_DFL)
    if pressed:
        raise KeyboardInterrupt


def _is_under(name: str, folder: str) -> bool:
    return name == folder or name.startswith(folder.rstrip("/") + "/")
