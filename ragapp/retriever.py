"""Hybrid retrieval: dense and lexical search, fused, with the scores of each stage kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ragapp.indexes.encoder import Encoder
from ragapp.indexes.fusion import fuse
from ragapp.indexes.index import Collection, Index
from ragapp.indexes.types import Passage, ScoredPassage, SearchFilter, StageScores

_DEPTH = 50
"""How many passages each search contributes to the fusion."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """Passages, best first, and how long each stage took.

    Attributes:
        passages: At most k passages, no two with the same text.
        encode_ms: Milliseconds to encode the question.
        search_ms: Milliseconds of both searches and their fusion.
    """

    passages: tuple[ScoredPassage, ...]
    encode_ms: float
    search_ms: float


class Retriever:
    """Finds the passages that a question is about; may be used from several threads.

    Args:
        index: Where to search.
        encoder: The encoder that the collection pins.
        collection: What to search.

    Raises:
        CollectionMismatch: If the collection pins another encoder.
    """

    def __init__(self, index: Index, encoder: Encoder, collection: Collection) -> None:
        collection.require(encoder.pin)
        self._index, self._encoder, self._collection = index, encoder, collection

    def retrieve(self, question: str, k: int = 8, where: SearchFilter | None = None) -> Retrieved:
        """Find the k best passages.

        Args:
            question: The question as asked.
            k: How many passages.
            where: Which documents may be searched.

        Returns:
            The passages and the time each stage took.
        """
        where = where or SearchFilter()
        began = time.perf_counter()
        vector = self._encoder.encode_query(question)  # float32 (D,)
        encoded = time.perf_counter()
        dense = self._index.search_dense(self._collection, vector, _DEPTH, where)
        lexical = self._index.search_lexical(self._collection, question, _DEPTH, where)
        fused = fuse(dense, lexical, 2 * k)
        scores = {hit.id: StageScores(hit.dense, hit.lexical, hit.fused) for hit in fused}
        scored = [(passage, scores[passage.id]) for passage in self._index.passages(list(scores))]
        found = _ranked(_distinct(scored)[:k])
        return Retrieved(found, (encoded - began) * 1e3, (time.perf_counter() - encoded) * 1e3)


def pin(found: Sequence[ScoredPassage], pinned: Sequence[Passage]) -> tuple[ScoredPassage, ...]:
    """Put passages before those that were found, whatever the question.

    Args:
        found: What retrieval found, best first.
        pinned: The passages to read in any case.

    Returns:
        All of them, each once, ranked from 1; what was found keeps its scores.
    """
    scores = {scored.passage.id: scored.scores for scored in found}
    first = [(passage, scores.get(passage.id, StageScores(fused=0.0))) for passage in pinned]
    ids = {passage.id for passage in pinned}
    return _ranked([*first, *((scored.passage, scored.scores) for scored in found if scored.passage.id not in ids)])


def _distinct(scored: list[tuple[Passage, StageScores]]) -> list[tuple[Passage, StageScores]]:
    """Keep the best of passages with the same words: a copied file must not crowd out the second best passage."""
    first: dict[str, tuple[Passage, StageScores]] = {}
    for passage, scores in scored:
        first.setdefault(" ".join(passage.text.split()), (passage, scores))
    return list(first.values())


def _ranked(scored: list[tuple[Passage, StageScores]]) -> tuple[ScoredPassage, ...]:
    return tuple(ScoredPassage(passage, rank, scores) for rank, (passage, scores) in enumerate(scored, 1))
