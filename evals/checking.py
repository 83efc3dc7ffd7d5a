"""How well a checker tells supported claims from others.

Balanced accuracy is the mean of the accuracies on supported and on unsupported claims (as in LLM-AggreFact, Tang et
al. 2024, arXiv:2404.10774): a checker that always says the same gets 0.5, whatever the share of labels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ragapp.evals.stats import Estimate, auroc
from ragapp.grounding.base import Checker, ClaimPair
from ragapp.grounding.evidence import telling_words
from ragapp.indexes.encoder import Encoder
from ragapp.ingest.sentences import split_sentences

ALL = "all"
"""Name of the row over all datasets."""
_BLOCK = 512
"""Pairs that are checked together: enough to sort them by length, few enough to show progress."""
_RESAMPLES = 2000


class LabelledPair(NamedTuple):
    """A pair, whether its source supports its claim, and the dataset it is from."""

    pair: ClaimPair
    supported: bool
    dataset: str


class ScoredClaim(NamedTuple):
    """A labelled claim and what a checker made of it."""

    dataset: str
    supported: bool
    """The label."""
    p_supported: float
    held_supported: bool
    """The checker's verdict."""


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


def judge_all(
    checker: Checker, labelled: Sequence[LabelledPair], on_done: Callable[[int], None] = lambda done: None
) -> list[ScoredClaim]:
    """Let a checker judge labelled pairs.

    Args:
        checker: The checker.
        labelled: The pairs.
        on_done: Called after each block with the number of its pairs.

    Returns:
        Its verdicts, in order.
    """
    scored: list[ScoredClaim] = []
    for start in range(0, len(labelled), _BLOCK):
        block = labelled[start : start + _BLOCK]
        for (_, supported, dataset), judged in zip(block, checker.check([each.pair for each in block]), strict=True):
            scored.append(ScoredClaim(dataset, supported, judged.p_supported, judged.verdict == "supported"))
        on_done(len(block))
    return scored


def score_claims(scored: Sequence[ScoredClaim], seed: int = 0) -> CheckingScores:
    """Score a checker.

    Args:
        scored: Claims of both labels.
        seed: Seed of the resampling.

    Returns:
        The scores.

    Raises:
        ValueError: If there is no claim of one of the labels.
    """
    yes = [claim for claim in scored if claim.supported]
    no = [claim for claim in scored if not claim.supported]
    if not yes or not no:
        raise ValueError(f"balanced accuracy needs claims of both labels, got {len(yes)} and {len(no)}")
    right_yes = np.array([claim.held_supported for claim in yes], float)  # (Y,)
    right_no = np.array([not claim.held_supported for claim in no], float)  # (N,)
    rng = np.random.default_rng(seed)
    resampled = [
        (
            right_yes[rng.integers(0, len(yes), len(yes))].mean()
            + right_no[rng.integers(0, len(no), len(no))].mean()
        ) / 2
        for _ in range(_RESAMPLES)
    ]  # fmt: skip
    low, high = np.percentile(resampled, [2.5, 97.5])
    mean = (right_yes.mean() + right_no.mean()) / 2
    ranked = auroc([claim.p_supported for claim in yes], [claim.p_supported for claim in no])
    return CheckingScores(Estimate(float(mean), float(low), float(high), len(scored)), ranked, len(scored), len(yes))


def score_by_dataset(scored: Sequence[ScoredClaim]) -> Mapping[str, CheckingScores]:
    """Score a checker on everything and on each dataset that has claims of both labels.

    Args:
        scored: Claims of both labels.

    Returns:
        Scores by dataset; `ALL` comes first.

    Raises:
        ValueError: If there is no claim of one of the labels at all.
    """
    groups = {name: claims for name, claims in _groups(scored).items() if len({c.supported for c in claims}) == 2}
    return {ALL: score_claims(scored), **{name: score_claims(claims) for name, claims in groups.items()}}


def best_threshold(scored: Sequence[ScoredClaim]) -> float:
    """Choose a threshold: the one with the best balanced accuracy, averaged over the datasets.

    A dataset weighs as the square root of the number of its rarer label: neither does a large one choose for all nor
    the chance of a dozen claims. Of equally good thresholds it is the middle one.

    Args:
        scored: Held-out claims; datasets with one label only are left out.

    Returns:
        The threshold, 0 to 1; 0.5 without a usable dataset.
    """
    grid = np.arange(1, 100) / 100  # (G,)
    curves: list[np.ndarray] = []
    weights: list[float] = []
    for claims in _groups(scored).values():
        sides = [np.array([c.p_supported for c in claims if c.supported is label]) for label in (True, False)]
        if all(side.size for side in sides):
            yes, no = sides  # (Y,) and (N,)
            curves.append(((yes[:, None] >= grid).mean(0) + (no[:, None] < grid).mean(0)) / 2)  # (G,)
            weights.append(min(yes.size, no.size) ** 0.5)
    if not curves:
        return 0.5
    mean = np.average(curves, axis=0, weights=weights)  # (G,)
    return float(np.median(grid[mean >= mean.max() - 1e-9]))


def at_threshold(scored: Sequence[ScoredClaim], threshold: float) -> list[ScoredClaim]:
    """Decide anew: a claim is held supported from this P(supported) on."""
    return [claim._replace(held_supported=claim.p_supported >= threshold) for claim in scored]


def lexical_overlap(pair: ClaimPair) -> float:
    """Baseline: share of the claim's telling words that its source has, 0 to 1."""
    claim = telling_words(pair.claim)
    return len(claim & telling_words(pair.source)) / max(1, len(claim))


def embedding_similarity(encoder: Encoder, pairs: Sequence[ClaimPair]) -> list[float]:
    """Baseline: cosine of the claim and the sentence of its source that is nearest to it, 0 to 1.

    Args:
        encoder: The encoder.
        pairs: The pairs.

    Returns:
        One similarity a pair; 0 for a blank source.
    """
    found: list[float] = []
    for start in range(0, len(pairs), _BLOCK):
        block = pairs[start : start + _BLOCK]
        split = [[p.source[span.start : span.end] for span in split_sentences(p.source)] for p in block]
        texts = list(dict.fromkeys([text for each in split for text in each] + [pair.claim for pair in block]))
        row = {text: number for number, text in enumerate(texts)}
        vectors = encoder.encode_passages(texts)  # float32 (N, D), unit rows
        for pair, each in zip(block, split, strict=True):
            near = vectors[[row[text] for text in each]] @ vectors[row[pair.claim]]  # (S, D) @ (D,) -> (S,)
            found.append(float(np.clip(near.max(initial=0.0), 0.0, 1.0)))
    return found


def _groups(scored: Sequence[ScoredClaim]) -> dict[str, list[ScoredClaim]]:
    groups: dict[str, list[ScoredClaim]] = defaultdict(list)
    for claim in scored:
        groups[claim.dataset].append(claim)
    return dict(sorted(groups.items()))
