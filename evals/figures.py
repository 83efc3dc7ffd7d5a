"""The figures of a run: what each is called, how it is computed from the items, and its interval.

Most are a sum over a sum, so that shares of claims or of given answers are resampled as they were measured: a question
at a time. The others look at all confidences together. Scores of answers, rankings, citations and confidence are
defined where they are computed. Of the others,

- ``hallucination`` is unsupported claims over claims, of all answers given; a sentence, or a question with its short
  answer, is a claim. It is what FActScore leaves of 1 (Min et al. 2023, arXiv:2305.14251), pooled over answers and with
  the passages that the answer cites as the source;
- ``answer_hallucination`` is the share of the answers given that hold an unsupported claim;
- ``wrong`` is the risk at the coverage ``answered`` (El-Yaniv & Wiener 2010): answers with a token F1 below
  `RIGHT_FROM`, or to a question that has none, over answers given;
- ``abstain_precision`` and ``abstain_recall`` take withholding for finding the unanswerable: withheld and unanswerable
  questions over withheld ones, and over unanswerable ones.

A withheld answer claims nothing, so it counts for or against neither grounding nor ``wrong``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ragapp.evals.metrics import certainty, ranking
from ragapp.evals.records import Item
from ragapp.evals.squad import exact_match, token_f1

Better = Literal["higher", "lower"]
RIGHT_FROM = 0.5
"""An answer counts as right from this token F1 on."""
RESAMPLES = 1000
Part = tuple[float, float] | None
"""What one item adds to numerator and denominator; ``None`` if the figure does not concern it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that is measured of a run.

    Attributes:
        name: What it is called in files and gates.
        title: What it is called in reports.
        better: Whether higher or lower is better.
        part: What an item adds to it, if it is a ratio of sums.
        of_all: What it is of all confidences (n,) and right answers (n,), if it is not.
    """

    name: str
    title: str
    better: Better
    part: Callable[[Item], Part] | None = None
    of_all: Callable[[np.ndarray, np.ndarray], float] | None = None


def is_right(item: Item) -> bool:
    """Tell whether the best candidate is right: F1 of at least 0.5, and the question is answerable."""
    return bool(item.answers) and token_f1(item.text, item.answers or ()) >= RIGHT_FROM


def _answer(score: Callable[[str, Sequence[str]], float], which: Callable[[Item], bool]) -> Callable[[Item], Part]:
    """Score what the person was told; nothing is the right answer to an unanswerable question."""

    def part(item: Item) -> Part:
        return (score(item.given, item.answers), 1.0) if item.answers is not None and which(item) else None

    return part


def _candidate_f1(item: Item) -> Part:
    return (token_f1(item.text, item.answers), 1.0) if item.answers else None


def _ranked(score: Callable[[Sequence[str], Mapping[str, int]], float]) -> Callable[[Item], Part]:
    return lambda item: (score(item.retrieved, item.gold), 1.0) if item.gold else None


def _kilt(item: Item) -> Part:
    if not item.answers or not item.gold:
        return None
    found = ranking.provenance(item.retrieved, item.evidence or [item.gold])
    return found * token_f1(item.given, item.answers), 1.0


def _of_given(share: Callable[[Item], tuple[float, float]]) -> Callable[[Item], Part]:
    """Count only answers that were given and claim something."""
    return lambda item: share(item) if item.given and item.claims else None


def _unsupported(item: Item) -> int:
    return sum(not claim.supported for claim in item.claims)


def _citation_recall(item: Item) -> tuple[float, float]:
    return 1 - _unsupported(item) / len(item.claims), 1.0


def _citation_precision(item: Item) -> tuple[float, float]:
    precise = [each for claim in item.claims for each in claim.precise]
    return (sum(precise) / len(precise) if precise else 0.0), 1.0


def _labelled(part: Callable[[Item], Part]) -> Callable[[Item], Part]:
    return lambda item: part(item) if item.answers is not None else None


FAMILIES: Mapping[str, tuple[Figure, ...]] = {
    "Answers": (
        Figure("em", "Exact match", "higher", _answer(exact_match, lambda item: True)),
        Figure("f1", "Token F1", "higher", _answer(token_f1, lambda item: True)),
        Figure(
            "has_ans_em", "Exact match, answerable", "higher", _answer(exact_match, lambda item: bool(item.answers))
        ),
        Figure("has_ans_f1", "Token F1, answerable", "higher", _answer(token_f1, lambda item: bool(item.answers))),
        Figure("no_ans_f1", "Token F1, unanswerable", "higher", _answer(token_f1, lambda item: not item.answers)),
        Figure("candidate_f1", "Token F1 of the best candidate, given or not", "higher", _candidate_f1),
    ),
    "Retrieval": (
        Figure("hit@1", "Hit@1", "higher", _ranked(lambda found, gold: ranking.hit(found, gold, 1))),
        Figure("hit@5", "Hit@5", "higher", _ranked(lambda found, gold: ranking.hit(found, gold, 5))),
        Figure("recall@5", "Recall@5", "higher", _ranked(lambda found, gold: ranking.recall(found, gold, 5))),
        Figure("mrr", "Mean reciprocal rank", "higher", _ranked(ranking.reciprocal_rank)),
        Figure("ndcg@10", "nDCG@10", "higher", _ranked(lambda found, gold: ranking.ndcg(found, gold, 10))),
        Figure("r_precision", "R-precision", "higher", _ranked(ranking.r_precision)),
    ),
    "Grounding": (
        Figure("kilt_f1", "KILT F1: F1 where the evidence is on top", "higher", _kilt),
        Figure("citation_recall", "Citation recall", "higher", _of_given(_citation_recall)),
        Figure("citation_precision", "Citation precision", "higher", _of_given(_citation_precision)),
        Figure(
            "hallucination",
            "Hallucination: unsupported claims",
            "lower",
            _of_given(lambda item: (float(_unsupported(item)), float(len(item.claims)))),
        ),
        Figure(
            "answer_hallucination",
            "Answers with an unsupported claim",
            "lower",
            _of_given(lambda item: (float(_unsupported(item) > 0), 1.0)),
        ),
    ),
    "Abstention": (
        Figure("answered", "Questions answered", "higher", lambda item: (float(not item.abstained), 1.0)),
        Figure(
            "wrong",
            "Wrong among the answers given",
            "lower",
            _labelled(lambda item: None if item.abstained else (float(not is_right(item)), 1.0)),
        ),
        Figure(
            "abstain_precision",
            "Abstention precision",
            "higher",
            _labelled(lambda item: (float(not item.answers), 1.0) if item.abstained else None),
        ),
        Figure(
            "abstain_recall",
            "Abstention recall",
            "higher",
            _labelled(lambda item: None if item.answers else (float(item.abstained), 1.0)),
        ),
    ),
    "Confidence": (
        Figure(
            "ece", f"Calibration error, {certainty.BINS} bins", "lower", of_all=certainty.expected_calibration_error
        ),
        Figure("brier", "Brier score", "lower", of_all=certainty.brier),
        Figure("auroc", "AUROC, right against wrong", "higher", of_all=certainty.area_under_roc),
        Figure("aurc", "AURC", "lower", of_all=certainty.area_under_risk_coverage),
    ),
}
"""Figures by what they tell of, in the order in which they are shown."""
FIGURES: tuple[Figure, ...] = tuple(figure for family in FAMILIES.values() for figure in family)
BY_NAME: Mapping[str, Figure] = {figure.name: figure for figure in FIGURES}


@dataclass(frozen=True, slots=True)
class Columns:
    """A figure's data: numerator and denominator of each item, or confidence and right answer of each, (2, n).

    What the figure does not concern is 0 over 0, or left out by ``concerned``, (n,).
    """

    figure: Figure
    values: np.ndarray
    concerned: np.ndarray

    def value(self, chosen: np.ndarray | None = None) -> float:
        """Compute the figure over items, some perhaps more than once.

        Args:
            chosen: Their indices; all items by default.

        Returns:
            The figure; NaN if none of them concerns it.
        """
        values = self.values if chosen is None else self.values[:, chosen]
        if self.figure.of_all is None:
            numerator, denominator = values.sum(1)
            return float(numerator / denominator) if denominator else math.nan
        kept = values[:, self.concerned if chosen is None else self.concerned[chosen]]
        return self.figure.of_all(*kept) if kept.shape[1] else math.nan


def columns(figure: Figure, items: Sequence[Item]) -> Columns:
    """Collect a figure's data.

    Args:
        figure: The figure.
        items: The items of a run.

    Returns:
        Its columns, in the order of the items.
    """
    if figure.part is not None:
        parts = [figure.part(item) for item in items]
    else:
        seen = (item if item.answers is not None and item.confidence is not None else None for item in items)
        parts = [(item.confidence or 0.0, float(is_right(item))) if item else None for item in seen]
    concerned = np.array([part is not None for part in parts], bool)
    return Columns(figure, np.array([part or (0.0, 0.0) for part in parts], np.float64).reshape(-1, 2).T, concerned)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Give the 2.5 and 97.5 percentiles of resampled values; NaN if there are none."""
    finite = [value for value in values if not math.isnan(value)]
    if not finite:
        return math.nan, math.nan
    low, high = np.percentile(finite, [2.5, 97.5])
    return float(low), float(high)


def resample(n: int, seed: int, times: int = RESAMPLES) -> np.ndarray:
    """Draw n of n items with replacement, again and again: indices (times, n)."""
    return np.random.default_rng(seed).integers(0, n, (times, n))


def measure(items: Sequence[Item], seed: int = 0) -> dict[str, object]:
    """Compute every figure that the items allow, with percentile bootstrap intervals over questions (Efron 1979).

    Args:
        items: The items of a run.
        seed: Seed of the resampling.

    Returns:
        ``figures`` by name: ``value``, ``low``, ``high`` (fractions, six decimals) and ``n``, the items it concerns;
        ``kinds``: the same for token F1 by sort of question; ``questions``, ``bins`` and ``resamples``.
    """
    found = {figure.name: _measured(figure, items, seed) for figure in FIGURES}
    kinds = sorted({item.kind for item in items if item.kind})
    by_kind = {kind: _measured(BY_NAME["f1"], [item for item in items if item.kind == kind], seed) for kind in kinds}
    return {
        "figures": {name: figure for name, figure in found.items() if figure},
        "kinds": {kind: figure for kind, figure in by_kind.items() if figure},
        "questions": len(items),
        "bins": certainty.BINS,
        "resamples": RESAMPLES,
    }


def _measured(figure: Figure, items: Sequence[Item], seed: int) -> dict[str, float | int] | None:
    data = columns(figure, items)
    n, value = int(data.concerned.sum()), data.value()
    if math.isnan(value):
        return None
    # Only items that it concerns are resampled: of a rare sort, no resample should be empty.
    kept = np.flatnonzero(data.concerned)
    low, high = interval([data.value(kept[chosen]) for chosen in resample(n, seed)])
    if figure.of_all in (None, certainty.area_under_roc) and low == high in (0, 1):
        low, high = _agreed(value, n if figure.part else _fewer(data.values[1, kept]))
    return {"value": round(value, 6), "low": round(low, 6), "high": round(high, 6), "n": n}


def _agreed(value: float, n: int) -> tuple[float, float]:
    """Give the exact bound (Clopper & Pearson 1934) of n cases that all agree; so do all resamples of them."""
    unseen = 1 - 0.025 ** (1 / n)
    return (0.0, unseen) if value == 0 else (1 - unseen, 1.0)


def _fewer(right: np.ndarray) -> int:
    """Count the rarer of right and wrong answers: so many pairs of the two have no answer in common."""
    return int(min(right.sum(), len(right) - right.sum()))
