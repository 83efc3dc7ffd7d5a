"""Two runs over the same questions: what differs, whether by more than chance, and which questions made it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ragapp.errors import EvalError
from ragapp.evals.figures import FIGURES, Better, Columns, columns, interval, resample
from ragapp.evals.records import Item, Manifest
from ragapp.evals.squad import token_f1

_PERMUTATIONS = 2000
LEVEL = 0.05
"""Differences count from this p-value down, after Holm's correction over all figures."""


class Difference(NamedTuple):
    """How a figure differs between two runs.

    Attributes:
        name: The figure.
        title: What it is called in reports.
        better: Whether higher or lower is better.
        before: Its value in the first run.
        after: Its value in the second.
        low: 2.5 percentile of the difference under the paired bootstrap.
        high: 97.5 percentile.
        p: Two-sided p-value of the paired permutation test, Holm-corrected over all figures.
    """

    name: str
    title: str
    better: Better
    before: float
    after: float
    low: float
    high: float
    p: float

    @property
    def worse(self) -> bool:
        """Whether the second run is worse by more than chance."""
        lost = self.after < self.before if self.better == "higher" else self.after > self.before
        return lost and self.p <= LEVEL


class Change(NamedTuple):
    """A question on which the runs' answers score differently."""

    id: str
    question: str
    before: str
    after: str
    gain: float
    """Token F1 of the second less that of the first."""


class Comparison(NamedTuple):
    """Two runs side by side."""

    differences: tuple[Difference, ...]
    wins: tuple[Change, ...]
    """Questions that the second answers better, most first."""
    losses: tuple[Change, ...]
    """Questions that it answers worse, most first."""
    questions: int
    """Questions that both asked, which all of the above is about."""
    only_before: int
    """Questions that only the first asked."""
    only_after: int
    """Questions that only the second asked."""


def compare(before: Sequence[Item], after: Sequence[Item], seed: int = 0) -> Comparison:
    """Compare two runs question by question.

    Intervals: paired percentile bootstrap over questions. Tests: paired permutation, which swaps the runs' answers to
    a question (Noreen 1989; Smucker et al. 2007), corrected by Holm (1979).

    Args:
        before: Items of the first run.
        after: Items of the second.
        seed: Seed of resampling and swapping.

    Returns:
        What differs, over the questions that both runs asked.

    Raises:
        EvalError: If they share no question, or a shared one has other accepted answers.
    """
    first = {item.id: item for item in before}
    pairs = [(first[item.id], item) for item in after if item.id in first]
    if not pairs:
        raise EvalError("The runs have no question in common.", "compare runs over the same dataset")
    for one, other in pairs:
        if (one.question, one.answers) != (other.question, other.answers):
            raise EvalError(f"The question {one.id!r} is not the same in both runs.", "run both over the same dataset")
    old, new = [one for one, _ in pairs], [other for _, other in pairs]
    differences = [
        each for figure in FIGURES if (each := _difference(columns(figure, old), columns(figure, new), seed))
    ]
    gains = [Change(b.id, b.question, b.given, a.given, _f1(a) - _f1(b)) for b, a in pairs if b.answers is not None]
    return Comparison(
        tuple(holm(differences)),
        tuple(sorted((each for each in gains if each.gain > 0), key=lambda each: (-each.gain, each.id))),
        tuple(sorted((each for each in gains if each.gain < 0), key=lambda each: (each.gain, each.id))),
        len(pairs),
        len(before) - len(pairs),
        len(after) - len(pairs),
    )


def caveats(before: Manifest, after: Manifest) -> list[str]:
    """Tell what else differs between two runs, so that it is not put down to their readers.

    Args:
        before: Manifest of the first run.
        after: Manifest of the second.

    Returns:
        A sentence for each such thing.
    """
    differs = {
        "They were asked of different files of questions.": before.dataset_sha256 != after.dataset_sha256,
        "They were asked of different documents.": before.collection_sha256 != after.collection_sha256,
        "Their claims were judged by different models.": before.models.get("judge") != after.models.get("judge"),
    }
    return [sentence for sentence, holds in differs.items() if holds]


def holm(differences: Sequence[Difference]) -> list[Difference]:
    """Correct p-values for their number: the i-th smallest of m is multiplied by m − i + 1 (Holm 1979).

    Args:
        differences: With raw p-values.

    Returns:
        The same, in order, with corrected ones.
    """
    order = sorted(range(len(differences)), key=lambda index: differences[index].p)
    corrected, largest = [0.0] * len(differences), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, differences[index].p * (len(differences) - rank)))
        corrected[index] = largest
    return [each._replace(p=p) for each, p in zip(differences, corrected, strict=True)]


def _difference(before: Columns, after: Columns, seed: int) -> Difference | None:
    was, now = before.value(), after.value()
    if math.isnan(was) or math.isnan(now):
        return None
    drawn = resample(before.values.shape[1], seed)
    low, high = interval([after.value(chosen) - before.value(chosen) for chosen in drawn])
    figure = before.figure
    p = _permuted(before, after, abs(now - was), seed)
    return Difference(figure.name, figure.title, figure.better, was, now, low, high, p)


def _permuted(before: Columns, after: Columns, observed: float, seed: int) -> float:
    """Count how often swapping answers at random makes as large a difference as was observed."""
    if observed == 0:
        return 1.0
    rng = np.random.default_rng(seed)
    as_large = 0
    for _ in range(_PERMUTATIONS):
        swap = rng.random(before.values.shape[1]) < 0.5  # (n,)
        one = Columns(
            before.figure,
            np.where(swap, after.values, before.values),
            np.where(swap, after.concerned, before.concerned),
        )
        other = Columns(
            before.figure,
            np.where(swap, before.values, after.values),
            np.where(swap, before.concerned, after.concerned),
        )
        difference = abs(one.value() - other.value())
        as_large += math.isnan(difference) or difference >= observed - 1e-12
    return (1 + as_large) / (1 + _PERMUTATIONS)


def _f1(item: Item) -> float:
    return token_f1(item.given, item.answers or ())
