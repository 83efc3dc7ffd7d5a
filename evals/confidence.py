"""Fitting confidence: the signals of many answers, whether they were right, and the logistic model between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from ragapp.app import RagApp
from ragapp.confidence import ConfidenceModel, Signals
from ragapp.errors import EvalError
from ragapp.evals.reading import write_corpus
from ragapp.evals.squad import token_f1
from ragapp.evals.stats import auroc
from ragapp.readers.copy_fid.training.data import QaExample

_RIDGE = 1e-3
_FOLDS = 5


class SeenAnswer(NamedTuple):
    """What was seen while a question was answered, and whether the answer was right.

    An answer is right if its token F1 is at least 0.5; no answer to an unanswerable question is.
    """

    signals: Signals
    right: bool
    answerable: bool


class FittedConfidence(NamedTuple):
    """A confidence model and how well it tells right from wrong on answers it was not fitted to.

    Attributes:
        model: Fitted to all answers.
        auroc_right: Right against wrong or unanswerable, cross-fitted.
        auroc_answerable: Answerable against unanswerable, cross-fitted.
        n: How many answers.
    """

    model: ConfidenceModel
    auroc_right: float
    auroc_answerable: float
    n: int


def see_answers(
    app: RagApp, corpus: Path, examples: Sequence[QaExample], on_done: Callable[[], None] = lambda: None
) -> list[SeenAnswer]:
    """Ingest the examples' contexts and distractors and ask every question of all of them.

    Args:
        app: An app with an empty home.
        corpus: An empty folder, where the texts are written.
        examples: Questions, answerable and not.
        on_done: Called after each question.

    Returns:
        One for each question for which there was any candidate.
    """
    texts = ((example.context, *(passage.text for passage in example.negatives)) for example in examples)
    write_corpus(corpus, chain.from_iterable(texts))
    app.ingest(corpus)
    seen: list[SeenAnswer] = []
    for example in examples:
        answer = app.ask(example.question)
        if answer.signals:
            right = example.answer is not None and token_f1(answer.text, example.references) >= 0.5
            seen.append(SeenAnswer(answer.signals, right, example.answer is not None))
        on_done()
    return seen


def fit_confidence(seen: Sequence[SeenAnswer]) -> FittedConfidence:
    """Fit a logistic regression whose weights are not negative, so that no signal can speak against itself.

    Args:
        seen: Answers, in an order that does not depend on them.

    Returns:
        The model, and its cross-fitted scores over five folds.

    Raises:
        EvalError: If there are fewer than 50 answers, or all are right or all wrong.
    """
    right = np.array([answer.right for answer in seen])
    if len(seen) < 50 or right.all() or not right.any():
        raise EvalError(
            f"{len(seen)} answers, {int(right.sum())} of them right, are too few to fit confidence to.",
            "give at least 50 questions, some of which are answered wrongly",
        )
    signals = np.array([answer.signals for answer in seen], np.float64)  # (n, 6)
    fold = np.arange(len(seen)) % _FOLDS
    scores = np.empty(len(seen))
    for held_out in range(_FOLDS):
        model = _fit(signals[fold != held_out], right[fold != held_out])
        scores[fold == held_out] = [model(Signals(*row)) for row in signals[fold == held_out]]
    answerable = np.array([answer.answerable for answer in seen])
    return FittedConfidence(
        _fit(signals, right),
        auroc([*scores[right]], [*scores[~right]]),
        auroc([*scores[answerable]], [*scores[~answerable]]),
        len(seen),
    )


def _fit(signals: np.ndarray, right: np.ndarray) -> ConfidenceModel:
    bias, weights = fit_logistic(signals, right)
    return ConfidenceModel(bias, Signals(*(float(weight) for weight in weights)))


def fit_logistic(signals: np.ndarray, right: np.ndarray) -> tuple[float, np.ndarray]:
    """Minimise the cross-entropy over standardised signals, then undo the standardisation.

    Args:
        signals: What was seen, (n, F).
        right: Whether the answer was right, (n,).

    Returns:
        The bias, and the weights (F,), none of them negative.
    """
    mean, scale = signals.mean(0), signals.std(0) + 1e-9
    x, sign = (signals - mean) / scale, np.where(right, 1.0, -1.0)

    def objective(weights: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (x @ weights[1:] + weights[0])  # (n,)
        slope = -sign / (1 + np.exp(np.clip(margin, -50, 50))) / len(sign)
        gradient = np.concatenate([[slope.sum()], slope @ x + 2 * _RIDGE * weights[1:]])
        return float(np.logaddexp(0, -margin).mean() + _RIDGE * (weights[1:] ** 2).sum()), gradient

    bounds = [(None, None), *[(0, None)] * x.shape[1]]
    found = minimize(objective, np.zeros(x.shape[1] + 1), jac=True, bounds=bounds, method="L-BFGS-B").x
    weights = found[1:] / scale
    return float(found[0] - (weights * mean).sum()), weights
