"""Hybrid fusion: one ranking out of the dense and the lexical one.

A convex combination of scores (Bruch, Gai & Ingber 2023, arXiv:2210.11934), each divided by the best of its own list.
Ranks alone (reciprocal rank fusion) throw away how far apart the scores are, and so let a search that is lost on a
question outvote one that is sure of it: an English encoder finds all Italian passages about equally near. Here such a
list adds about the same to every passage and so decides nothing. docs/adr/0003-fusion.md has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ragapp.indexes.types import Hit

DENSE_WEIGHT = 0.55
"""Share of the dense score; recall on the training corpora is flat from 0.5 to 0.65."""


class FusedHit(NamedTuple):
    """A passage's id and its scores, higher is better."""

    id: int
    dense: float | None
    """Cosine, -1 to 1; ``None`` where the dense search did not return the passage."""
    lexical: float | None
    """BM25, 0 or more; ``None`` where the lexical search did not return the passage."""
    fused: float
    """0 to 1."""


def fuse(dense: Sequence[Hit], lexical: Sequence[Hit], k: int) -> list[FusedHit]:
    """Rank the passages that either search found.

    Both searches must have been asked for the same number of passages. Of a passage that one of them left out, no more
    is known than that it scores no better than that list's last, and that is what it is taken to score.

    Args:
        dense: Passages by cosine, -1 to 1.
        lexical: Passages by BM25, 0 or more.
        k: How many to return.

    Returns:
        At most k distinct passages, best first, ties by id.
    """
    cosines, words = dict(dense), dict(lexical)
    near, match = _relative(cosines), _relative(words)
    unseen_near = min(near.values(), default=0.0)
    # The dense search ranks every passage; a shorter lexical list holds all that share a word with the question.
    unseen_match = min(match.values(), default=0.0) if len(match) >= len(near) else 0.0

    def score(id: int) -> float:
        return DENSE_WEIGHT * near.get(id, unseen_near) + (1 - DENSE_WEIGHT) * match.get(id, unseen_match)

    hits = [FusedHit(id, cosines.get(id), words.get(id), score(id)) for id in cosines.keys() | words.keys()]
    return sorted(hits, key=lambda hit: (-hit.fused, hit.id))[: max(k, 0)]


def _relative(scores: dict[int, float]) -> dict[int, float]:
    """Scale scores to [0, 1]: what is below 0 counts as 0, the best is 1 unless it is 0 too."""
    best = max(scores.values(), default=0.0)
    return {id: max(score, 0.0) / best if best > 0 else 0.0 for id, score in scores.items()}
