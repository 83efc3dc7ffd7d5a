"""How well a checker tells supported claims from others.

Balanced accuracy is the mean of the accuracies on supported and on unsupported claims (as in LLM-AggreFact, Tang et
al. 2024, arXiv:2404.10774): a checker that always says the same gets 0.5, whatever the share of labels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ragapp.evals.stats import Estimate, auroc, bootstrap


class ScoredClaim(NamedTuple):
    """A labelled claim and what a checker made of it."""

    dataset: str
    supported: bool
    """The label."""
    p_supported: float


@dataclass(frozen=True, slots=True)
class CheckingScores:
    """Scores of a checker on one set.

    Attributes:
        balanced_accuracy: Mean of the accuracies on both labels, with a bootstrap interval within the labels.
        auroc: Probability that a supported claim scores above another, 0 to 1.
        claims: How many claims there are.
        supported: How many of them are supported.
    """

    balanced_accuracy: Estimate
    auroc: float
    claims: int
    supported: int


def score_claims(scored: Sequence[ScoredClaim], threshold: float, seed: int = 0) -> CheckingScores:
    """Score a checker.

    Args:
        scored: Claims of both labels.
        threshold: From this P(supported) on a claim counts as supported.
        seed: Seed of the resampling.

    Returns:
        The scores.

    Raises:
        ValueError: If there is no claim of one of the labels.
    """
    yes = [claim.p_supported for claim in scored if claim.supported]
    no = [claim.p_supported for claim in scored if not claim.supported]
    if not yes or not no:
        raise ValueError(f"balanced accuracy needs claims of both labels, got {len(yes)} and {len(no)}")
    right_yes = np.array([p >= threshold for p in yes], float)  # (Y,)
    right_no = np.array([p < threshold for p in no], float)  # (N,)
    rng = np.random.default_rng(seed)
    draws = 2000
    resampled = (
        right_yes[rng.integers(len(yes), size=(draws, len(yes)))].mean(1)
        + right_no[rng.integers(len(no), size=(draws, len(no)))].mean(1)
    ) / 2  # (draws,)
    low, high = np.quantile(resampled, (0.025, 0.975))
    mean = (right_yes.mean() + right_no.mean()) / 2
    return CheckingScores(Estimate(float(mean), float(low), float(high), len(scored)), auroc(yes, no), len(scored), len(yes))


def by_dataset(scored: Sequence[ScoredClaim], threshold: float) -> Mapping[str, CheckingScores]:
    """Score a checker on each dataset that has claims of both labels, by name."""
    groups: dict[str, list[ScoredClaim]] = defaultdict(list)
    for claim in scored:
        groups[claim.dataset].append(claim)
    return {
        name: score_claims(claims, threshold)
        for name, claims in sorted(groups.items())
        if len({claim.supported for claim in claims}) == 2
    }


def best_threshold(scored: Sequence[ScoredClaim]) -> float:
    """Choose a threshold: the one with the best balanced accuracy, averaged over the datasets.

    Averaging keeps a large set from choosing for all; of equally good thresholds it is the middle one.

    Args:
        scored: Held-out claims; datasets with one label only are left out.

    Returns:
        The threshold, 0 to 1; 0.5 without a usable dataset.
    """
    groups: dict[str, list[ScoredClaim]] = defaultdict(list)
    for claim in scored:
        groups[claim.dataset].append(claim)
    grid = np.arange(1, 100) / 100  # (G,)
    curves: list[np.ndarray] = []
    for claims in groups.values():
        accuracies = []
        for label in (True, False):
            p = np.array([claim.p_supported for claim in claims if claim.supported is label])  # (C,)
            if p.size:
                accuracies.append(((p[:, None] >= grid) == label).mean(0))  # (C, G) -> (G,)
        if len(accuracies) == 2:
            curves.append((accuracies[0] + accuracies[1]) / 2)
    if not curves:
        return 0.5
    mean = np.mean(curves, axis=0)  # (G,)
    return float(np.median(grid[mean >= mean.max() - 1e-9]))
