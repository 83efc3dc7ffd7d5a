"""Intervals for measured means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import beta


class Estimate(NamedTuple):
    """A mean with its 95 % interval and the number of cases it was taken over."""

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}] n={self.n}"


def bootstrap(values: Sequence[float], resamples: int = 2000, seed: int = 0) -> Estimate:
    """Estimate a mean with a percentile bootstrap interval (Efron 1979).

    Args:
        values: One value a case.
        resamples: How many resamples.
        seed: Seed of the resampling.

    Returns:
        Mean and 2.5 and 97.5 percentiles of the resampled means; NaN without values.
    """
    cases = np.asarray(values, dtype=np.float64)  # (n,)
    if cases.size == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    rng = np.random.default_rng(seed)
    means = [cases[rng.integers(0, cases.size, cases.size)].mean() for _ in range(resamples)]
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(cases.mean()), float(low), float(high), int(cases.size))


def binomial_interval(successes: int, n: int) -> tuple[float, float]:
    """Give the exact 95 % interval of a share (Clopper & Pearson 1934).

    Args:
        successes: How many of them.
        n: Of how many, at least 1.

    Returns:
        Lower and upper bound, 0 to 1.
    """
    low = float(beta.ppf(0.025, successes, n - successes + 1)) if successes else 0.0
    high = float(beta.ppf(0.975, successes + 1, n - successes)) if successes < n else 1.0
    return low, high


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Probability that a random positive scores above a random negative, ties counting half (Hanley & McNeil 1982).

    Args:
        positive: Scores of the cases that should score high.
        negative: Scores of the cases that should score low.

    Returns:
        Area under the ROC curve, 0 to 1; NaN if a side is empty.
    """
    if not positive or not negative:
        return float("nan")
    scores = np.concatenate([np.asarray(positive, np.float64), np.asarray(negative, np.float64)])  # (p + n,)
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    midranks = np.cumsum(counts) - (counts - 1) / 2  # rank of each distinct score, from 1, ties averaged
    rank_sum = midranks[inverse[: len(positive)]].sum()
    return float((rank_sum - len(positive) * (len(positive) + 1) / 2) / (len(positive) * len(negative)))
