"""Balanced accuracy, its interval, thresholds and the two baselines."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from ragapp.evals.checking import (
    ALL,
    LabelledPair,
    ScoredClaim,
    at_threshold,
    best_threshold,
    embedding_similarity,
    judge_all,
    lexical_overlap,
    score_by_dataset,
    score_claims,
)
from ragapp.grounding.base import ClaimPair, Judgement
from ragapp.indexes.encoder import load_encoder
from ragapp.indexes.types import Span


def scored(dataset: str, supported: bool, *ps: float) -> list[ScoredClaim]:
    return [ScoredClaim(dataset, supported, p, p >= 0.5) for p in ps]


def test_balanced_accuracy_is_the_mean_of_both_labels() -> None:
    found = score_claims([*scored("x", True, 0.9, 0.8, 0.7, 0.1), *scored("x", False, 0.9, 0.2)])
    assert found.balanced_accuracy.mean == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert found.balanced_accuracy.low < found.balanced_accuracy.mean < found.balanced_accuracy.high
    assert (found.claims, found.supported) == (6, 4)
    assert found.auroc == pytest.approx((0.5 + 1 + 0 + 1 + 0 + 1 + 0 + 0) / 8)


def test_saying_always_the_same_is_worth_a_half() -> None:
    found = score_claims([*scored("x", True, *[0.9] * 99), *scored("x", False, 0.9)])
    assert found.balanced_accuracy[:3] == (0.5, 0.5, 0.5)


def test_one_label_has_no_balanced_accuracy() -> None:
    with pytest.raises(ValueError, match="got 1 and 0"):
        score_claims(scored("x", True, 0.9))


def test_datasets_are_scored_apart_and_together() -> None:
    claims = [*scored("b", True, 0.9), *scored("b", False, 0.9), *scored("a", True, 0.9), *scored("a", False, 0.1)]
    found = score_by_dataset([*claims, *scored("one label", True, 0.9)])
    assert list(found) == [ALL, "a", "b"]
    assert found["a"].balanced_accuracy.mean == 1
    assert found["b"].balanced_accuracy.mean == 0.5


def test_the_threshold_separates_and_no_large_set_chooses_for_all() -> None:
    small = [*scored("small", True, 0.3, 0.35), *scored("small", False, 0.1, 0.12)]
    assert 0.12 < best_threshold(small) <= 0.3
    large = [*scored("large", True, *[0.9] * 50), *scored("large", False, *[0.05] * 50)]
    threshold = best_threshold([*small, *large])
    assert 0.12 < threshold <= 0.3
    assert [claim.held_supported for claim in at_threshold(small, threshold)] == [True, True, False, False]
    assert best_threshold(scored("x", True, 0.3)) == 0.5


def test_overlap_is_a_share_of_the_claims_words() -> None:
    assert lexical_overlap(ClaimPair("The bridge opened.", "A bridge opened in March")) == pytest.approx(2 / 3)
    assert lexical_overlap(ClaimPair("Rain.", "of the")) == 0


def test_similarity_is_of_the_nearest_sentence() -> None:
    pairs = [
        ClaimPair("Cats purr when they are content. Iron rusts in wet air.", "Iron rusts in wet air."),
        ClaimPair("Cats purr when they are content.", "Iron rusts in wet air."),
        ClaimPair("", "Iron rusts in wet air."),
    ]
    same, other, blank = embedding_similarity(load_encoder(), pairs)
    assert same == pytest.approx(1, abs=0.02)
    assert other < 0.5
    assert blank == 0


class Halves:
    """Supports every other pair."""

    name, model_hash = "halves", "0" * 64

    def check(self, pairs: Sequence[ClaimPair]) -> tuple[Judgement, ...]:
        odd, even = Judgement(1.0, "supported", Span(0, 1)), Judgement(0.0, "not_supported", Span(0, 1))
        return tuple(odd if i % 2 else even for i in range(len(pairs)))


def test_all_pairs_are_judged_in_order() -> None:
    labelled = [LabelledPair(ClaimPair("s", str(i)), bool(i % 2), "x") for i in range(1100)]
    done: list[int] = []
    found = judge_all(Halves(), labelled, done.append)
    assert sum(done) == 1100
    assert len(done) == math.ceil(1100 / 512)
    assert np.mean([each.held_supported == each.supported for each in found]) == 1
