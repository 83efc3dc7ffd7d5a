"""How sure an answer is: what was seen while it was found, and a logistic model over it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ragapp.errors import ModelCorrupt
from ragapp.indexes.stopwords import STOPWORDS
from ragapp.indexes.types import ScoredPassage
from ragapp.readers.base import Reading
from ragapp.readers.registry import SHIPPED

CONFIDENCE_FILE = "confidence.json"
_SMALLEST = 1e-6
_WORD = re.compile(r"\w+")
_STEM = 5
"""Words are compared by their first letters, so that an inflected form is found."""


class Signals(NamedTuple):
    """What speaks for and against the best candidate; every one grows with the odds that it is right.

    Attributes:
        some_answer: Log-odds of "some span answers" against "no answer".
        expected: Logarithm of the token F1 that the best candidate can be expected to have.
        margin: Logarithm of how many times that of the next candidate it is.
        answerability: The reader's logit that the passage it stands in answers the question.
        coverage: Share of the question's words, stopwords aside, that this passage or its heading has, 0 to 1.
        retrieval: Retrieval's fused score of this passage, 0 to 1.
    """

    some_answer: float
    expected: float
    margin: float
    answerability: float
    coverage: float
    retrieval: float


class ConfidenceModel(NamedTuple):
    """A logistic regression over `Signals`."""

    bias: float
    weights: Signals

    def __call__(self, signals: Signals) -> float:
        """Estimate the probability that the best candidate is right, 0 to 1."""
        z = self.bias + sum(weight * signal for weight, signal in zip(self.weights, signals, strict=True))
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, z))))


def load_confidence(folder: Path) -> ConfidenceModel:
    """Load the model that was fitted to a reader.

    Args:
        folder: The reader's folder; without a model of its own it gets that of the shipped reader, which it is likely
            to descend from.

    Returns:
        The model.

    Raises:
        ModelCorrupt: If its file is not what it should be.
    """
    path = folder / CONFIDENCE_FILE
    try:
        content = json.loads((path if path.is_file() else SHIPPED / CONFIDENCE_FILE).read_text("utf-8"))
        return ConfidenceModel(content["bias"], Signals(**content["weights"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelCorrupt(f"{str(path)!r} is damaged: {error}", "pip install --force-reinstall ragapp") from error


def save_confidence(model: ConfidenceModel, folder: Path) -> None:
    """Write a model beside its reader.

    Args:
        model: The model.
        folder: The reader's folder.
    """
    content = {"bias": model.bias, "weights": model.weights._asdict()}
    (folder / CONFIDENCE_FILE).write_text(json.dumps(content, indent=2) + "\n", "utf-8")


def signals(question: str, reading: Reading, passages: Sequence[ScoredPassage]) -> Signals | None:
    """Collect what speaks for and against the best candidate.

    Args:
        question: The question as asked.
        reading: What the reader found.
        passages: What was read, in the order the reader was given.

    Returns:
        The signals; nothing without a candidate.
    """
    if not reading.candidates:
        return None
    best, *others = reading.candidates
    null = min(max(reading.null_probability, _SMALLEST), 1 - _SMALLEST)
    expected = max(best.expected_f1, _SMALLEST)
    place = best.places[0].passage
    passage = passages[place].passage
    return Signals(
        some_answer=math.log((1 - null) / null),
        expected=math.log(expected),
        margin=math.log(expected / max(others[0].expected_f1 if others else 0.0, _SMALLEST)),
        answerability=reading.answerability[place],
        coverage=coverage(question, f"{passage.heading} {passage.text}"),
        retrieval=passages[place].scores.fused,
    )


def coverage(question: str, text: str) -> float:
    """Give the share of the question's words, stopwords aside, that a text has; 1 if there are no others."""
    asked = {word[:_STEM] for word in _WORD.findall(question.casefold()) if word not in STOPWORDS}
    there = {word[:_STEM] for word in _WORD.findall(text.casefold())}
    return len(asked & there) / len(asked) if asked else 1.0
