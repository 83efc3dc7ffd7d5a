"""What a run leaves behind: its manifest, one item a question, and their timings. All of it as JSON, with a schema.

Nothing in manifest and items depends on when or how fast the run went, so the same inputs give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeVar, cast

from pydantic import TypeAdapter

from ragapp.evals.metrics.citations import JudgedClaim

SCHEMA_VERSION = 1
"""Raised when a field changes its meaning or goes; what is newer than the program is refused."""

Retrieval = Literal["reranked", "hybrid", "dense", "lexical", "gold", "none"]
"""How passages are chosen: by the app as it ships, without its re-ranking, by one search alone, as the dataset gives
them, or not at all (closed book)."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a run depends on; its digest is the run's name.

    Attributes:
        schema_version: `SCHEMA_VERSION` of what wrote it.
        dataset: Name of the dataset.
        dataset_format: What it was read as.
        dataset_sha256: Of its bytes, hex.
        collection_sha256: Of the documents that were asked, hex; of their names and contents.
        questions: How many questions are asked.
        reader: Name of the reader.
        retrieval: How passages are chosen.
        judge: Name of what judges claims.
        models: Hashes by role: ``encoder``, ``reader``, ``judge``.
        settings: Settings that change answers, by name.
        seed: Seed of the choice of questions and of the resampling.
        revision: Git revision of the code, with ``-dirty`` and a digest of the changes if there are any; empty where
            there is no checkout.
        packages: Versions of the packages that compute.
    """

    schema_version: int
    dataset: str
    dataset_format: str
    dataset_sha256: str
    collection_sha256: str
    questions: int
    reader: str
    retrieval: Retrieval
    judge: str
    models: Mapping[str, str]
    settings: Mapping[str, float | int | str]
    seed: int
    revision: str
    packages: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cited:
    """A place that an answer cites."""

    document: str
    char_start: int
    char_end: int
    quote: str


@dataclass(frozen=True, slots=True)
class Item:
    """A question, what was answered, and what the judge held of it.

    Attributes:
        id: The question's id.
        kind: Its sort.
        question: As asked.
        answers: Accepted answers; none if it is unanswerable, ``None`` if unknown.
        gold: Relevance grade by document.
        text: What was answered; the best candidate also if withheld.
        abstained: Whether the answer was withheld.
        confidence: Estimated probability that ``text`` is right; ``None`` from a reader that gives none.
        signals: What the confidence was made from, by name.
        citations: What the answer cites.
        retrieved: Documents of the passages that were read, best first, each once.
        claims: The answer's claims, judged by what it cites.
        evidence: Sets of documents of which each is enough to answer; none if all that are relevant are needed.
    """

    id: str
    kind: str
    question: str
    answers: tuple[str, ...] | None
    gold: Mapping[str, int]
    text: str
    abstained: bool
    confidence: float | None
    signals: Mapping[str, float]
    citations: tuple[Cited, ...]
    retrieved: tuple[str, ...]
    claims: tuple[JudgedClaim, ...]
    evidence: tuple[tuple[str, ...], ...] = ()

    @property
    def given(self) -> str:
        """What a person was told: the answer, or nothing if it was withheld."""
        return "" if self.abstained else self.text


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one question took; kept apart from the items, as it is never twice the same.

    Attributes:
        id: The question's id.
        stages_ms: Milliseconds by stage, ``total`` among them.
        tokens: Tokens of the passages that were read, as the encoder counts them.
        peak_rss_mb: Largest resident memory of the process so far, megabytes.
    """

    id: str
    stages_ms: Mapping[str, float]
    tokens: int
    peak_rss_mb: float


@cache
def _adapter(kind: type[T]) -> TypeAdapter[T]:
    return TypeAdapter(kind)


def plain(value: object) -> object:
    """Give a record as plain JSON types, numbers cut to six decimals: what is beyond is noise of the hardware."""
    return _rounded(_adapter(type(value)).dump_python(value, mode="json"))


def restore(kind: type[T], content: object) -> T:
    """Read what `plain` gave.

    Args:
        kind: Which record it is.
        content: Plain JSON types.

    Returns:
        The record.

    Raises:
        pydantic.ValidationError: If it is not one.
    """
    return _adapter(kind).validate_python(content)


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in cast("dict[str, object]", value).items()}
    return [_rounded(each) for each in cast("list[object]", value)] if isinstance(value, list) else value
