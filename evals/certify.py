"""Calibration: confidence fitted to labelled answers, a threshold chosen on one half of them, certified on the other.

The choice looks at cross-fitted confidences only, and the certification at questions that had no part in fit or choice,
so the Clopper-Pearson bound (1934) holds as it stands: with at least the stated confidence the error rate on questions
of this sort is below it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import beta

from ragapp.calibration import Certificate, Pinned, features
from ragapp.confidence import ConfidenceModel, Signals
from ragapp.errors import EvalError
from ragapp.evals.confidence import fit_logistic
from ragapp.evals.figures import is_right
from ragapp.evals.records import Item
from ragapp.evals.stats import auroc
from ragapp.evals.systems import SUPPORT

FEWEST = 40
"""Labelled questions below which nothing is fitted."""
_FOLDS = 5
_STRICTER = 5
"""The choice is made at a fifth of the allowed doubt, so that the certification is likely to succeed."""
_MOST_NEEDED = 1_000_000


class Labelled(NamedTuple):
    """An answer's features by name and whether it was right."""

    features: Mapping[str, float]
    right: bool


class Operating(NamedTuple):
    """A threshold and what it did on some questions."""

    threshold: float
    answered: int
    wrong: int
    bound: float


class Calibrated(NamedTuple):
    """What calibration found.

    Attributes:
        threshold: The chosen threshold.
        bias: Of the model.
        weights: Of the model, by signal.
        auroc: Right against wrong or unanswerable, cross-fitted over all labelled questions.
        chosen: What the threshold did where it was chosen.
        certified: What it did on the other questions.
        asked: How many those are.
        more_labels: How many more labelled questions would probably do; 0 if it is certified, ``None`` if no number
            would.
    """

    threshold: float
    bias: float
    weights: Mapping[str, float]
    auroc: float
    chosen: Operating
    certified: Operating
    asked: int
    more_labels: int | None


def clopper_pearson(wrong: int, n: int, confidence: float) -> float:
    """Bound an error rate from above, exactly (Clopper & Pearson 1934, one-sided).

    Args:
        wrong: How many of them were wrong.
        n: How many there were.
        confidence: How often the bound must hold, 0 to 1.

    Returns:
        The bound; 1 without any. 59 without an error give 0.05 at 0.95, 299 give 0.01.
    """
    return 1.0 if wrong >= n else float(beta.ppf(confidence, wrong + 1, n - wrong))


def labelled_answers(items: Sequence[Item]) -> list[Labelled]:
    """Take what calibration needs of a run's items.

    Args:
        items: The items; those whose answer is not known are left out, those without a candidate are never answered.

    Returns:
        One a question that had a candidate.
    """
    found: list[Labelled] = []
    for item in items:
        if item.answers is not None and item.signals:
            signals = Signals(*(item.signals[name] for name in Signals._fields))
            found.append(Labelled(features(signals, item.signals.get(SUPPORT)), is_right(item)))
    return found


def calibrate(items: Sequence[Item], max_error: float, confidence: float, seed: int = 0) -> Calibrated:
    """Fit, choose and certify.

    Args:
        items: A run's items.
        max_error: Share of wrong answers among those given that is to be certified, above 0, below 1.
        confidence: How sure that is to be, above 0, below 1.
        seed: Seed of the split.

    Returns:
        What was found; it is certified if ``certified.bound`` is at most ``max_error``.

    Raises:
        EvalError: If there are too few labelled answers, or all are right or all wrong.
    """
    answers = labelled_answers(items)
    random.Random(seed).shuffle(answers)
    half = len(answers) // 2
    choosing, certifying = answers[:half], answers[half:]
    if len(answers) < FEWEST or len({answer.right for answer in choosing}) < 2:
        raise EvalError(
            f"{len(answers)} labelled answers, {sum(answer.right for answer in answers)} of them right, are too few.",
            f"label at least {FEWEST} questions, some of which are answered wrongly or not in the documents",
        )
    names = list(answers[0].features)
    cross_fitted, right = _cross_fit(choosing, names)
    strict = 1 - (1 - confidence) / _STRICTER
    threshold = _choose(cross_fitted, right, max_error, strict)
    bias, weights = fit_logistic(_matrix(choosing, names), right)
    scores = _score(_matrix(certifying, names), bias, weights)
    chosen = _operate(cross_fitted, right, threshold, confidence)
    certified = _operate(scores, _right(certifying), threshold, confidence)
    everywhere, all_right = _cross_fit(answers, names)
    unanswered = sum(item.answers is not None for item in items) - len(answers)
    asked = len(certifying) + unanswered // 2
    more = 0 if certified.bound <= max_error else _more(chosen, certified, asked, len(items), max_error, confidence)
    return Calibrated(
        threshold,
        round(bias, 6),
        {name: round(float(weight), 6) for name, weight in zip(names, weights, strict=True)},
        auroc([*everywhere[all_right]], [*everywhere[~all_right]]),
        chosen,
        certified,
        asked,
        more,
    )


def certify_kept(items: Sequence[Item], model: ConfidenceModel, threshold: float, confidence: float) -> Calibrated:
    """Certify what is in use as it is: nothing is fitted or chosen, so every question counts.

    Args:
        items: A run's items.
        model: Gives the confidence of an answer.
        threshold: Answers of lower confidence are withheld.
        confidence: How sure the bound is to be, above 0, below 1.

    Returns:
        What was found; ``certified.bound`` is what can be certified.

    Raises:
        EvalError: If there are too few labelled answers.
    """
    answers = labelled_answers(items)
    if len(answers) < FEWEST:
        raise EvalError(f"{len(answers)} labelled answers are too few.", f"label at least {FEWEST} questions")
    weights = {**model.weights._asdict(), SUPPORT: 0.0}
    right = _right(answers)
    scores = _score(_matrix(answers, [*weights]), model.bias, np.array([*weights.values()]))
    done = _operate(scores, right, threshold, confidence)
    asked = sum(item.answers is not None for item in items)
    auroc_right = auroc([*scores[right]], [*scores[~right]])
    return Calibrated(threshold, model.bias, weights, auroc_right, done, done, asked, more_labels=0)


def certificate(
    found: Calibrated,
    max_error: float,
    confidence: float,
    documents: str,
    collection_sha256: str,
    dataset_sha256: str,
    pinned: Pinned,
) -> Certificate:
    """Write out a calibration that succeeded; the arguments are the fields of `Certificate`."""
    return Certificate(
        max_error=max_error,
        confidence=confidence,
        threshold=found.threshold,
        bias=found.bias,
        weights=found.weights,
        documents=documents,
        collection_sha256=collection_sha256,
        dataset_sha256=dataset_sha256,
        pinned=pinned,
        asked=found.asked,
        answered=found.certified.answered,
        wrong=found.certified.wrong,
        bound=found.certified.bound,
    )


def _cross_fit(answers: Sequence[Labelled], names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Score every answer by a model that was fitted without it: confidences (n,) and right ones (n,)."""
    matrix, right = _matrix(answers, names), _right(answers)
    fold, scores = np.arange(len(answers)) % _FOLDS, np.empty(len(answers))
    for held_out in range(_FOLDS):
        kept = fold != held_out
        scores[~kept] = _score(matrix[~kept], *fit_logistic(matrix[kept], right[kept]))
    return scores, right


def _choose(scores: np.ndarray, right: np.ndarray, max_error: float, confidence: float) -> float:
    """Choose the threshold that answers most within the bound; where none is, the one whose bound is lowest."""
    operated = [_operate(scores, right, float(threshold), confidence) for threshold in np.unique(scores)]
    within = [each for each in operated if each.bound <= max_error]
    best = max(within, key=lambda each: each.answered) if within else min(operated, key=lambda each: each.bound)
    return best.threshold


def _operate(scores: np.ndarray, right: np.ndarray, threshold: float, confidence: float) -> Operating:
    given = scores >= threshold
    answered, wrong = int(given.sum()), int((given & ~right).sum())
    return Operating(threshold, answered, wrong, clopper_pearson(wrong, answered, confidence))


def _more(
    chosen: Operating, certified: Operating, asked: int, labelled: int, max_error: float, confidence: float
) -> int | None:
    """Guess how many more labels would certify, if errors and coverage stay what they were on both halves."""
    answered = chosen.answered + certified.answered
    risk = (chosen.wrong + certified.wrong) / max(1, answered)
    if risk >= max_error:
        return None
    low, high = 1, 2
    while clopper_pearson(round(risk * high), high, confidence) > max_error:
        low, high = high, 2 * high
        if high > _MOST_NEEDED:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (low, middle) if clopper_pearson(round(risk * middle), middle, confidence) <= max_error else (middle, high)
        )
    coverage = max(certified.answered / max(1, asked), 1 / max(1, asked))
    return max(1, round(2 * high / coverage) - labelled)


def _matrix(answers: Sequence[Labelled], names: Sequence[str]) -> np.ndarray:
    return np.array([[answer.features[name] for name in names] for answer in answers], np.float64)  # (n, F)


def _right(answers: Sequence[Labelled]) -> np.ndarray:
    return np.array([answer.right for answer in answers], bool)  # (n,)


def _score(matrix: np.ndarray, bias: float, weights: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(matrix @ weights + bias, -50, 50)))
