"""Exact match and token F1 of short answers, as SQuAD 1.1 defines them (Rajpurkar et al. 2016, arXiv:1606.05250)."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize(text: str) -> str:
    """Lower-case, drop ASCII punctuation and English articles, fold white space.

    Args:
        text: An answer.

    Returns:
        What answers are compared by.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, references: Sequence[str]) -> float:
    """Tell whether an answer equals a reference after `normalize`.

    Args:
        answer: What was answered; empty for an abstention.
        references: Accepted answers; none for an unanswerable question.

    Returns:
        1.0 or 0.0.
    """
    return float(any(normalize(answer) == normalize(reference) for reference in references or [""]))


def token_f1(answer: str, references: Sequence[str]) -> float:
    """Measure the overlap in words with the closest reference.

    Args:
        answer: What was answered; empty for an abstention.
        references: Accepted answers; none for an unanswerable question.

    Returns:
        Harmonic mean of precision and recall over normalized words, 0 to 1; if either side has no word, 1.0 when
        neither has, else 0.0.
    """
    return max(_f1(normalize(answer).split(), normalize(reference).split()) for reference in references or [""])


def _f1(answer: list[str], reference: list[str]) -> float:
    if not answer or not reference:
        return float(answer == reference)
    common = (Counter(answer) & Counter(reference)).total()
    return 2 * common / (len(answer) + len(reference))
