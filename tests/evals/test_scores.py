"""Scores agree with their definitions, and intervals hold what they should."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragapp.evals.squad import exact_match, normalize, token_f1
from ragapp.evals.stats import auroc, bootstrap


@pytest.mark.parametrize(
    ("answer", "references", "em", "f1"),
    [
        ("The Eiffel Tower!", ["eiffel tower"], 1, 1),
        ("in 1890", ["1890"], 0, 2 / 3),
        ("a red fox", ["the fox", "red"], 0, 2 / 3),
        ("", [], 1, 1),
        ("something", [], 0, 0),
        ("", ["something"], 0, 0),
        ("the the a", ["an"], 1, 1),
        ("cat cat dog", ["cat dog dog"], 0, 2 / 3),
    ],
)
def test_squad_scores_by_hand(answer: str, references: list[str], em: float, f1: float) -> None:
    assert exact_match(answer, references) == em
    assert token_f1(answer, references) == pytest.approx(f1)


@given(st.text(max_size=40), st.lists(st.text(max_size=40), max_size=3))
def test_an_exact_match_has_full_f1_and_scores_are_bounded(answer: str, references: list[str]) -> None:
    em, f1 = exact_match(answer, references), token_f1(answer, references)
    assert 0 <= f1 <= 1
    if em:
        assert f1 == 1
    assert normalize(normalize(answer)) == normalize(answer)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_interval_holds_the_mean_and_repeats_to_the_bit(values: list[float]) -> None:
    estimate = bootstrap(values, resamples=200)
    assert estimate.low - 1e-9 <= estimate.mean <= estimate.high + 1e-9 or len(set(values)) > 1
    assert estimate == bootstrap(values, resamples=200)
    assert estimate.n == len(values)


def test_no_cases_have_no_mean() -> None:
    assert math.isnan(bootstrap([]).mean)
    assert math.isnan(auroc([], [1.0]))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.lists(st.integers(0, 5), min_size=1, max_size=12))
def test_auroc_is_the_share_of_pairs_in_order(positive: list[int], negative: list[int]) -> None:
    wins = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    assert auroc([float(p) for p in positive], [float(n) for n in negative]) == pytest.approx(
        wins / (len(positive) * len(negative))
    )
