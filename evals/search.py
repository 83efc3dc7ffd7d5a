"""Exact span search against beam and greedy: what is lost, and what is saved."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

from ragapp.evals.squad import exact_match, token_f1
from ragapp.evals.stats import Estimate, bootstrap
from ragapp.readers.base import ReaderPassage
from ragapp.readers.copy_fid.reader import CopyFidReader
from ragapp.readers.copy_fid.search import Strategy
from ragapp.readers.copy_fid.training.data import QaExample


@dataclass(frozen=True, slots=True)
class SearchScores:
    """What one strategy finds.

    Attributes:
        exact_match: Share of best spans equal to a reference.
        f1: Their mean token F1.
        certain: Share of questions on which no other span can be likelier.
        ms: Milliseconds of decoding, without the encoder's.
    """

    exact_match: Estimate
    f1: Estimate
    certain: Estimate
    ms: Estimate


def compare_strategies(
    reader: CopyFidReader,
    examples: Sequence[QaExample],
    passages: int = 8,
    seed: int = 0,
    on_done: Callable[[], None] = lambda: None,
) -> dict[Strategy, SearchScores]:
    """Search the same encoded passages with every strategy.

    Args:
        reader: The reader.
        examples: Answerable questions.
        passages: How many passages to read: the one that answers and others of the examples.
        seed: Seed of the choice of the others.
        on_done: Called after each question.

    Returns:
        Scores of each strategy.
    """
    rng = random.Random(seed)
    found: dict[Strategy, list[tuple[float, float, float, float]]] = {strategy: [] for strategy in get_args(Strategy)}
    for example in examples:
        others = rng.sample(examples, min(len(examples), passages - 1))
        texts = dict.fromkeys([example.context, *(other.context for other in others)])
        pairs = reader.featurizer.pairs(example.question, [ReaderPassage(text) for text in texts])
        encoded = reader.encode(pairs)
        for strategy, scores in found.items():
            began = time.perf_counter()
            search = reader.search(encoded, strategy)
            ms = (time.perf_counter() - began) * 1e3
            answer = ""
            if search.spans:
                best = search.spans[0]
                offsets = pairs[best.passage].offsets
                answer = [*texts][best.passage][offsets[best.start].start : offsets[best.end - 1].end]
            references = example.references
            scores.append((exact_match(answer, references), token_f1(answer, references), float(search.exact), ms))
        on_done()
    return {
        strategy: SearchScores(*(bootstrap(column) for column in zip(*scores, strict=True)))
        for strategy, scores in found.items()
    }
