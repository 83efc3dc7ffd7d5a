"""Re-ranking: what retrieval found, sorted again by a reader that has looked at each passage with the question."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from ragapp.indexes.types import ScoredPassage
from ragapp.readers.base import Examination, RankingReader, Reader, ReaderPassage, Reading

_BLOCK = 8
"""Passages are looked at in rounds of this many."""
_CLEAR = 3.0
"""Looking further stops when the best passage's logit is above this: what follows was ranked lower by retrieval too."""
_FUSED_WEIGHT = 2.0
"""Weight of the logarithm of retrieval's score beside the reader's logit."""
_SMALLEST = 1e-3


class Chosen(NamedTuple):
    """What is to be read.

    Attributes:
        passages: The passages, best first.
        read: Reads passages with the question; what the ranking has seen of them is not looked at twice.
    """

    passages: tuple[ScoredPassage, ...]
    read: Callable[[Sequence[ReaderPassage]], Reading]


def rerank(
    found: Sequence[ScoredPassage], examination: Examination, keep: int, pinned: Collection[int] = ()
) -> tuple[ScoredPassage, ...]:
    """Keep the passages that answer the question best.

    They are looked at in the order of retrieval, and no further once one of them clearly answers. A passage's score is
    the reader's answerability logit plus a multiple of the logarithm of retrieval's score: two estimates of the same
    odds, added up.

    Args:
        found: What retrieval found, best first.
        examination: The question, put to the reader.
        keep: How many to keep.
        pinned: Ids of passages to keep in any case; they come first in ``found``.

    Returns:
        At most ``keep`` passages, best first, ranked from 1, with ``scores.rerank`` set.
    """
    looked: list[tuple[float, ScoredPassage]] = []
    for begin in range(0, len(found), _BLOCK):
        block = found[begin : begin + _BLOCK]
        logits = examination.score([as_read(scored) for scored in block])
        for scored, logit in zip(block, logits, strict=True):
            total = logit + _FUSED_WEIGHT * math.log(max(scored.scores.fused, _SMALLEST))
            looked.append((total, replace(scored, scores=scored.scores._replace(rerank=logit))))
        if len(looked) >= keep and max(logits) > _CLEAR:
            break
    looked.sort(key=lambda pair: -pair[0])
    kept = sorted(looked, key=lambda pair: pair[1].passage.id not in pinned)[:keep]
    kept.sort(key=lambda pair: -pair[0])
    return tuple(replace(scored, rank=rank) for rank, (_, scored) in enumerate(kept, 1))


def choose(
    reader: Reader,
    question: str,
    found: Sequence[ScoredPassage],
    keep: int,
    *,
    ranked: bool,
    pinned: Collection[int] = (),
) -> Chosen:
    """Choose the passages to read, sorted again by a reader that can.

    Args:
        reader: The reader.
        question: The question.
        found: What retrieval found, best first.
        keep: How many to keep.
        ranked: Whether to sort again at all.
        pinned: As for `rerank`.

    Returns:
        The passages and what reads them.
    """
    if not ranked or not isinstance(reader, RankingReader):
        return Chosen(tuple(found[:keep]), partial(reader.read, question))
    examination = reader.examine(question)
    return Chosen(rerank(found, examination, keep, pinned), examination.read)


def as_read(scored: ScoredPassage) -> ReaderPassage:
    """Give a passage as a reader sees it."""
    return ReaderPassage(scored.passage.text, scored.passage.heading)
