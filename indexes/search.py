"""Dense search over the segments of a collection, on one snapshot of the catalog."""

from __future__ import annotations

import heapq

import numpy as np
import sqlalchemy as sa

from ragapp.indexes.database import Database
from ragapp.indexes.filters import removed, searchable
from ragapp.indexes.models import DocumentRow, PassageRow
from ragapp.indexes.records import segment_files
from ragapp.indexes.segments import SegmentFile, SegmentStore, SegmentVanished, selector
from ragapp.indexes.types import Hit, SearchFilter

_ATTEMPTS = 5


def dense(
    database: Database, segments: SegmentStore, collection_id: int, query: np.ndarray, k: int, where: SearchFilter
) -> list[Hit]:
    """Find the nearest passages; arguments and result as for `Index.search_dense`."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return _search(database, segments, collection_id, query, k, where)
        except SegmentVanished:
            continue  # a compaction came between the snapshot and the file: look again
    return _search(database, segments, collection_id, query, k, where)


def _search(
    database: Database, segments: SegmentStore, collection_id: int, query: np.ndarray, k: int, where: SearchFilter
) -> list[Hit]:
    filtered = where != SearchFilter()
    files, ids = _snapshot(database, collection_id, where if filtered else None)
    chosen = selector(ids, only=filtered)
    found = [hit for file in files for hit in segments.search(file, query, k, chosen, thorough=filtered)]
    return heapq.nsmallest(k, found, key=lambda hit: (-hit.score, hit.id))


def _snapshot(
    database: Database, collection_id: int, where: SearchFilter | None
) -> tuple[list[SegmentFile], np.ndarray]:
    """Read which segments there are, and which passages the filter lets through, or without one which are removed."""
    passages = sa.select(PassageRow.id).join(DocumentRow)
    if where:
        chosen = passages.where(searchable(collection_id, where))
    else:
        chosen = passages.where(DocumentRow.collection_id == collection_id, removed())
    with database.read() as connection:
        files = segment_files(connection, collection_id)
        ids = np.fromiter(connection.scalars(chosen), np.int64)  # (n,)
    return files, ids
