"""An answer and what it rests on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ragapp.calibration import Guarantee
from ragapp.confidence import Signals
from ragapp.grounding.answer_check import ClaimVerdict
from ragapp.indexes.types import Passage, ScoredPassage, SearchFilter, Span, locate
from ragapp.ingest.sentences import split_sentences
from ragapp.readers.base import Candidate

_MAX_CITATIONS = 3
_MIN_SHARE = 0.1
"""A further place is cited only if it has at least this share of the answer's probability."""
_LONG_SENTENCE_CHARS = 500
_HEADING = re.compile(r"^#{1,6} .*\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote and where it stands.

    Attributes:
        document: The document's name.
        version: Its version, from 1.
        char_start: First character of the quote in the document's text.
        char_end: End of the quote, exclusive: ``text[char_start:char_end] == quote``.
        quote: The sentence the answer stands in, to the letter.
        answer_start: First character of the answer in the document's text, inside the quote.
        answer_end: End of the answer, exclusive.
        page: Page number from 1, where the format has pages.
        heading: Path of headings above it, where there are any.
        line: Line number from 1, where the format has lines.
        passage_id: The passage it was read from.
        modified_at: When the document's file was last changed, seconds since the epoch; nothing if that is not known.
    """

    document: str
    version: int
    char_start: int
    char_end: int
    quote: str
    answer_start: int
    answer_end: int
    page: int | None
    heading: str | None
    line: int | None
    passage_id: int
    modified_at: float | None = None


class Alternative(NamedTuple):
    """Another answer that the passages may hold."""

    text: str
    probability: float


class ModelHashes(NamedTuple):
    """Which models answered, each as ``name@sha256``."""

    encoder: str
    reader: str
    checker: str = ""
    """Empty if answers are not checked."""


class Conditions(NamedTuple):
    """What a question of a conversation was answered under, kept with the turn."""

    collection: str
    documents: str
    """SHA-256 of what the collection held; see `Index.fingerprint`."""
    where: SearchFilter
    pinned: tuple[int, ...]
    """Ids of passages that were read whatever the question."""
    passages: int
    rerank: int
    abstain_below: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What the documents say to a question, or that they don't.

    Attributes:
        question: The question as asked.
        understood_as: The question as it was answered: with what a follow-up leaves out put in.
        text: The short answer, a slice of the first citation's document; the best candidate also when abstained, and
            empty only if nothing was found at all.
        abstained: Whether the documents are held not to answer the question; then ``text`` is a guess to be marked so.
        confidence: Estimated probability that ``text`` is right, 0 to 1.
        signals: What the confidence was made from; nothing without a candidate.
        citations: What the answer rests on, strongest first.
        alternatives: Other answers, likeliest first.
        passages: What was read, best first, with the scores of each stage.
        timings_ms: Milliseconds of each stage by name: ``encode``, ``search``, ``rank``, ``read``,
            ``check``, ``total``.
        models: Which models answered.
        grounding: What the checker holds of each claim of ``text``; nothing if answers are not checked.
        guarantee: What a certificate says of answers like this, and whether it still holds; nothing without one.
        conditions: What it was answered under; nothing outside a conversation.
    """

    question: str
    understood_as: str
    text: str
    abstained: bool
    confidence: float
    signals: Signals | None
    citations: tuple[Citation, ...]
    alternatives: tuple[Alternative, ...]
    passages: tuple[ScoredPassage, ...]
    timings_ms: Mapping[str, float]
    models: ModelHashes
    grounding: tuple[ClaimVerdict, ...] = ()
    guarantee: Guarantee | None = None
    conditions: Conditions | None = None


def cite(candidate: Candidate, passages: tuple[ScoredPassage, ...]) -> tuple[Citation, ...]:
    """Quote the sentences that an answer stands in.

    Args:
        candidate: The answer and its places; the places index ``passages``.
        passages: What was read.

    Returns:
        One citation a sentence, strongest first, at most three.
    """
    citations: dict[tuple[str, int], Citation] = {}
    for place in candidate.places:
        if place.probability < _MIN_SHARE * candidate.probability:
            break
        citation = _citation(passages[place.passage].passage, place.span)
        citations.setdefault((citation.document, citation.char_start), citation)
    return tuple(citations.values())[:_MAX_CITATIONS]


def cited_passages(citations: Sequence[Citation], passages: Sequence[ScoredPassage]) -> list[Passage]:
    """Give the passages that are cited, strongest first, each once.

    Args:
        citations: The citations, strongest first.
        passages: What was read, every cited passage among it.

    Returns:
        The passages.
    """
    by_id = {scored.passage.id: scored.passage for scored in passages}
    return [by_id[passage] for passage in dict.fromkeys(citation.passage_id for citation in citations)]


def sentence_around(text: str, answer: Span) -> Span:
    """Find the sentence that an answer stands in, or the sentences, if it runs over a boundary.

    Args:
        text: A passage's text.
        answer: Characters of it.

    Returns:
        A span around the answer; never across a blank line or a Markdown heading above it, and of a list or table
        without full stops only the lines that hold the answer.
    """
    paragraph_start = text.rfind("\n\n", 0, answer.start) + 1
    paragraph_end = text.find("\n\n", answer.end)
    sentences = split_sentences(text, paragraph_start, len(text) if paragraph_end < 0 else paragraph_end)
    touched = [sentence for sentence in sentences if sentence.end > answer.start and sentence.start < answer.end]
    if not touched:
        return answer
    start, end = min(touched[0].start, answer.start), max(touched[-1].end, answer.end)
    for heading in _HEADING.finditer(text, 0, answer.start):
        start = max(start, heading.end())
    if end - start > _LONG_SENTENCE_CHARS:
        line_end = text.find("\n", answer.end, end)
        start = max(start, text.rfind("\n", start, answer.start) + 1)
        end = end if line_end < 0 else line_end
    return Span(start, end)


def _citation(passage: Passage, answer: Span) -> Citation:
    """Cite the sentence of a passage around the answer, its offsets moved to the document's."""
    sentence = sentence_around(passage.text, answer)
    offset = passage.span.start
    locator = locate(passage.landmarks, offset + answer.start)
    return Citation(
        document=passage.document,
        version=passage.version,
        char_start=offset + sentence.start,
        char_end=offset + sentence.end,
        quote=passage.text[sentence.start : sentence.end],
        answer_start=offset + answer.start,
        answer_end=offset + answer.end,
        page=locator.page,
        heading=locator.heading,
        line=locator.line,
        passage_id=passage.id,
        modified_at=passage.modified_at,
    )
