"""Hybrid fusion: one ranking out of the dense and the lexical one.

A convex combination of scores (Bruch, Gai & Ingber 2023, arXiv:2210.11934), each scaled between its theoretical floor
and the best score of its own list. Ranks alone (reciprocal rank fusion) throw away how much better the best is, and so
let a search that is lost on a question outvote one that is sure of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ragapp.indexes.types import Hit

_DENSE_WEIGHT = 0.5


class FusedHit(NamedTuple):
    """A passage's id and its scores: of each search that found it, and fused, higher is better."""

    id: int
    dense: float | None
    lexical: float | None
    fused: float


def fuse(question: str, dense: Sequence[Hit], lexical: Sequence[Hit], k: int) -> list[FusedHit]:
    """Rank the passages that either search found.

    Args:
        question: The question as asked.
        dense: Passages by cosine, -1 to 1.
        lexical: Passages by BM25, 0 or more.
        k: How many to return.

    Returns:
        At most k distinct passages, best first, ties by id.
    """
    cosines, bm25 = dict(dense), dict(lexical)
    dense_top, lexical_top = max(cosines.values(), default=0.0), max(bm25.values(), default=0.0)
    dense_floor = min(cosines.values(), default=0.0)

    def fused(id: int) -> float:
        cosine = max(cosines.get(id, dense_floor), 0.0) / dense_top if dense_top > 0 else 0.0
        words = bm25.get(id, 0.0) / lexical_top if lexical_top > 0 else 0.0
        return _DENSE_WEIGHT * cosine + (1 - _DENSE_WEIGHT) * words

    hits = [FusedHit(id, cosines.get(id), bm25.get(id), fused(id)) for id in cosines.keys() | bm25.keys()]
    return sorted(hits, key=lambda hit: (-hit.fused, hit.id))[:k]
