"""Whether confidence means what it says: calibration error, Brier score, and the risk of answering.

All take ``confidence`` (n,) in 0 to 1 and ``right`` (n,) in {0, 1}, both float64.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ragapp.evals.curves import risk_coverage
from ragapp.evals.stats import auroc

BINS = 10
"""Bins of equal width that the expected calibration error is taken over, as every report states."""


class Bin(NamedTuple):
    """Answers of similar confidence."""

    low: float
    high: float
    confidence: float
    """Mean confidence."""
    accuracy: float
    """Share of right ones."""
    n: int


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> list[Bin]:
    """Sort answers into bins of equal width, (low, high], the first one closed (Guo et al. 2017, arXiv:1706.04599).

    Args:
        confidence: Confidence of each answer, (n,).
        right: Whether it was right, (n,).
        bins: How many bins.

    Returns:
        The bins that hold an answer, by confidence.
    """
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return [
        Bin(
            number / bins,
            (number + 1) / bins,
            float(confidence[place == number].mean()),
            float(right[place == number].mean()),
            int((place == number).sum()),
        )
        for number in range(bins)
        if (place == number).any()
    ]


def expected_calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Average the gap between confidence and accuracy over `BINS` bins, weighted by their sizes (Guo et al. 2017)."""
    return sum(each.n * abs(each.accuracy - each.confidence) for each in reliability(confidence, right)) / len(right)


def brier(confidence: np.ndarray, right: np.ndarray) -> float:
    """Average the squared error of confidence as a probability (Brier 1950)."""
    return float(np.mean((confidence - right) ** 2))


def area_under_roc(confidence: np.ndarray, right: np.ndarray) -> float:
    """Give the probability that a right answer is surer than a wrong one; NaN if there is none of a kind."""
    yes = right > 0.5
    return auroc([*confidence[yes]], [*confidence[~yes]])


def area_under_risk_coverage(confidence: np.ndarray, right: np.ndarray) -> float:
    """Average the risk over all coverages: AURC (Geifman & El-Yaniv 2017, arXiv:1705.08500), lower is better."""
    return risk_coverage([*confidence], [*(right > 0.5)]).area
