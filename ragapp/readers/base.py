"""What every reader does: read passages, give the best answers they hold, each as a source slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from ragapp.indexes.types import Span


class ReaderPassage(NamedTuple):
    """What a reader sees of a passage."""

    text: str
    heading: str = ""


class Place(NamedTuple):
    """Where an answer stands."""

    passage: int
    """Position of the passage in the sequence that was read, from 0."""
    span: Span
    """Characters of that passage's text."""
    probability: float
    """Share of the candidate's probability that this place has."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer that stands in the passages, perhaps in several places.

    Attributes:
        text: The answer as it stands in the first place, ``passages[p.passage].text[p.span.start:p.span.end]``.
        probability: Probability of this answer among all spans and "no answer": the sum over its places.
        expected_f1: Token F1 that it can be expected to have, 0 to 1, were each span right with its probability.
        places: Where it stands, likeliest first; never empty.
    """

    text: str
    probability: float
    expected_f1: float
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found.

    Attributes:
        candidates: By expected F1, best first, each standing apart from those before it; empty when the passages hold
            no words.
        null_probability: Probability that the passages do not answer the question, 0 to 1.
        answerability: One logit a passage, in the order given: above 0, the passage is held to answer the question.
    """

    candidates: tuple[Candidate, ...]
    null_probability: float
    answerability: tuple[float, ...]


class Reader(Protocol):
    """Reads passages and answers from them. The order of the passages never changes the answer."""

    @property
    def name(self) -> str:
        """Name of the reader, for instance ``copy-fid``."""
        ...

    @property
    def model_hash(self) -> str:
        """SHA-256 of the weights, hex."""
        ...

    def read(self, question: str, passages: Sequence[ReaderPassage]) -> Reading:
        """Find the best answers to a question in passages.

        Args:
            question: The question as asked.
            passages: What retrieval found, in any order.

        Returns:
            Candidates, the probability of "no answer" and each passage's answerability.
        """
        ...


class Examination(Protocol):
    """One question put to passages in rounds: scored first, and the best of them read.

    What was scored is not worked through again when it is read.
    """

    def score(self, passages: Sequence[ReaderPassage]) -> tuple[float, ...]:
        """Score how well each passage answers the question, without decoding.

        Args:
            passages: What retrieval found.

        Returns:
            One answerability logit a passage, in the order given.
        """
        ...

    def read(self, passages: Sequence[ReaderPassage]) -> Reading:
        """Find the best answers in passages.

        Args:
            passages: The best of those that were scored, or others, in any order.

        Returns:
            As `Reader.read`.
        """
        ...


@runtime_checkable
class RankingReader(Reader, Protocol):
    """A reader that can also tell which passages are worth reading."""

    def examine(self, question: str) -> Examination:
        """Begin with a question.

        Args:
            question: The question as asked.

        Returns:
            What scores and reads passages for it.
        """
        ...
