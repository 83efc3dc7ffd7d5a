"""Segments: immutable files of vectors, searched by FAISS.

A segment is written under a temporary name, flushed to the disk and renamed, and only then named in the catalog with
its SHA-256; a file that the catalog does not name is no part of the index. Up to `EXACT_LIMIT` vectors the search is
exact over half-precision vectors (recall 1.000 at half the memory); beyond, an inverted file over bytes.
"""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import faiss
import numpy as np

from ragapp.errors import IndexCorrupt, IndexError_, StorageFull
from ragapp.indexes.types import Hit

EXACT_LIMIT = 200_000
"""Vectors up to which a segment is searched exactly."""

_PROBES = 32
"""Lists of an inverted file that are searched: recall@10 is 0.95 there."""
_HASH_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """What the catalog knows of a segment.

    Attributes:
        id: The catalog's id.
        file: Name in the folder of segments.
        sha256: SHA-256 of the file, hex.
        size: Bytes.
        vectors: How many it holds.
    """

    id: int
    file: str
    sha256: str
    size: int
    vectors: int


class WrittenSegment(NamedTuple):
    """A segment that is on the disk and not yet in the catalog."""

    file: str
    sha256: str
    size: int


class SegmentVanished(IndexCorrupt):
    """The segment is not there: lost, or removed by a compaction after its name was read; a new snapshot tells."""


class SegmentStore:
    """The folder of segments.

    Args:
        folder: Where they live; made if missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded: dict[str, faiss.Index] = {}
        self._lock = threading.Lock()

    def write(self, ids: np.ndarray, vectors: np.ndarray, *, exact_limit: int = EXACT_LIMIT) -> WrittenSegment:
        """Write a new segment.

        Args:
            ids: int64 (N,), passages.
            vectors: float32 (N, D), unit rows.
            exact_limit: Up to how many vectors it is searched exactly.

        Returns:
            The file, flushed to the disk.

        Raises:
            StorageFull: If it could not be written; nothing is left behind.
        """
        name = f"{uuid4().hex}.faiss"
        index = _build(ids, vectors, exact_limit)
        part = self._folder / f"{name}.part"
        digest, size = hashlib.sha256(), 0
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:

                def keep(block: bytes) -> None:
                    nonlocal size
                    digest.update(block)
                    size += file.write(block)

                faiss.write_index(index, faiss.PyCallbackIOWriter(keep))  # pyright: ignore[reportAttributeAccessIssue]
                file.flush()
                os.fsync(file.fileno())
            part.rename(self._folder / name)
            _sync_folder(self._folder)
        except OSError as error:
            part.unlink(missing_ok=True)
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise StorageFull(
                    f"A segment of {len(ids)} vectors does not fit {str(self._folder)!r}: {error.strerror}.",
                    "make room and run the same command again: what was committed stays",
                ) from error
            raise IndexError_(
                f"A segment could not be written to {str(self._folder)!r}: {error}.", "check its permissions"
            ) from error
        return WrittenSegment(name, digest.hexdigest(), size)

    def search(
        self,
        segment: SegmentFile,
        query: np.ndarray,
        k: int,
        selector: faiss.IDSelector | None = None,
        *,
        thorough: bool = False,
    ) -> list[Hit]:
        """Find the nearest passages in one segment.

        Args:
            segment: The segment.
            query: float32 (D,), a unit vector.
            k: How many.
            selector: Which passages may be found; all by default.
            thorough: Whether an inverted file is searched in all its lists. A selector that lets few passages through
                asks for it: they may be in none of the nearest lists, and those that it keeps out cost nearly nothing.

        Returns:
            At most k hits by inner product, best first.

        Raises:
            IndexCorrupt: If the file is not what its checksum says.
        """
        index = self.load(segment)
        inverted = faiss.try_extract_index_ivf(index)
        if inverted is None:
            parameters = faiss.SearchParameters()
        else:
            parameters = faiss.SearchParametersIVF()
            parameters.nprobe = inverted.nlist if thorough else _PROBES
        parameters.sel = selector
        with _one_thread():
            scores, found = index.search(query[None, :], min(k, segment.vectors), params=parameters)  # (1, k) each
        return [Hit(int(i), float(score)) for i, score in zip(found[0], scores[0], strict=True) if i >= 0]

    def vectors(self, segment: SegmentFile, ids: Sequence[int]) -> np.ndarray:
        """Read vectors back.

        Args:
            segment: The segment.
            ids: N passages that are in it.

        Returns:
            float32 (N, D); off by the rounding of half precision.
        """
        index = self.load(segment)
        rows = index.reconstruct_batch(np.asarray(ids, np.int64))  # float32 (N, D)
        return np.asarray(rows, np.float32)

    def ids(self, segment: SegmentFile) -> np.ndarray:
        """Read the ids of all passages in a segment, checked anew, from the disk; int64 (N,); raises as `load`."""
        with self._lock:
            self._loaded.pop(segment.file, None)
        index = faiss.downcast_index(self.load(segment))
        assert isinstance(index, faiss.IndexIDMap2)  # noqa: S101 - nothing else is written
        return faiss.vector_to_array(index.id_map)

    def check(self, segment: SegmentFile) -> None:
        """Compare a file with its checksum, from the disk.

        Args:
            segment: The segment.

        Raises:
            SegmentVanished: If there is no such file.
            IndexCorrupt: If its size or checksum differs.
        """
        path = self._folder / segment.file
        digest = hashlib.sha256()
        try:
            with path.open("rb") as file:
                while block := file.read(_HASH_BLOCK):
                    digest.update(block)
        except FileNotFoundError as error:
            raise SegmentVanished(f"The segment {str(path)!r} is missing.", "ragapp verify --repair") from error
        except OSError as error:
            raise IndexError_(f"The segment {str(path)!r} cannot be read: {error}.", "check its permissions") from error
        if digest.hexdigest() != segment.sha256:
            raise IndexCorrupt(
                f"The segment {str(path)!r} is damaged: its checksum is not the catalog's.", "ragapp verify --repair"
            )

    def load(self, segment: SegmentFile) -> faiss.Index:
        """Open a segment, checked once a process and kept.

        Args:
            segment: The segment.

        Returns:
            The FAISS index, its vectors mapped, not copied.

        Raises:
            SegmentVanished: If there is no such file.
            IndexCorrupt: If the file is not what its checksum says.
        """
        path = self._folder / segment.file
        with self._lock:
            if segment.file not in self._loaded:
                # A new segment often stands for others that a compaction, perhaps another process's, has removed.
                self._loaded = {name: index for name, index in self._loaded.items() if (self._folder / name).exists()}
                self.check(segment)
                try:
                    self._loaded[segment.file] = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
                except RuntimeError as error:
                    self.check(segment)  # it may have vanished since the first check
                    raise IndexCorrupt(
                        f"The segment {str(path)!r} cannot be read: {error}.", "ragapp verify --repair"
                    ) from error
            return self._loaded[segment.file]

    def remove(self, files: Sequence[str]) -> None:
        """Unlink segments that the catalog no longer names; whoever has one open keeps it until done."""
        for file in files:
            (self._folder / file).unlink(missing_ok=True)
            with self._lock:
                self._loaded.pop(file, None)

    def sweep(self, named: set[str]) -> int:
        """Remove what crashed writers left behind; only to be called with the writer lock held.

        Args:
            named: Files that the catalog names.

        Returns:
            How many files were removed.
        """
        if not self._folder.is_dir():
            return 0
        ours = [path for path in self._folder.iterdir() if path.suffix in (".faiss", ".part")]
        orphans = [path for path in ours if path.name not in named]
        for path in orphans:
            path.unlink(missing_ok=True)
        return len(orphans)


def selector(ids: np.ndarray, *, only: bool) -> faiss.IDSelector | None:
    """Say which passages a search may find.

    Args:
        ids: int64 (n,), passages.
        only: Whether just these may be found, or all but these.

    Returns:
        What to hand to `SegmentStore.search`; ``None`` lets everything through.
    """
    if not only and not ids.size:
        return None
    member = np.zeros(int(ids.max(initial=0)) + 1, bool)  # (highest id + 1,)
    member[ids] = True
    chosen = faiss.IDSelectorBitmap(np.packbits(member, bitorder="little"))  # pyright: ignore[reportCallIssue]
    return chosen if only else faiss.IDSelectorNot(chosen)


@contextmanager
def _one_thread() -> Generator[None]:
    """Search with this thread alone: one query keeps one busy, and others would only spin beside it."""
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def _build(ids: np.ndarray, vectors: np.ndarray, exact_limit: int) -> faiss.Index:
    count, dimension = vectors.shape
    if count <= exact_limit:
        inner = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    else:
        lists = int(4 * count**0.5)
        inner = faiss.index_factory(dimension, f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
        inner.train(vectors)
        faiss.extract_index_ivf(inner).make_direct_map()
    index = faiss.IndexIDMap2(inner)
    index.add_with_ids(np.ascontiguousarray(vectors, np.float32), np.asarray(ids, np.int64))
    return index


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
