"""Documents, passages and spans: what every layer speaks of.

Offsets are always in characters (Python ``str`` indices) of the text that the loader produced and the catalog keeps,
half-open ``[start, end)``. ``document.text[span.start:span.end]`` is what a person is shown, to the letter.
"""

from __future__ import annotations

import bisect
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple, cast, get_args

from ragapp.errors import ConfigError

MediaType = Literal["text", "markdown", "html", "pdf", "docx"]
"""The kinds of document that have a loader."""


class Span(NamedTuple):
    """A half-open range of characters, ``[start, end)``."""

    start: int
    end: int


class Locator(NamedTuple):
    """Where a person finds a place in the original document; what a format lacks is ``None``."""

    page: int | None = None
    """Page number, from 1 (PDF)."""
    heading: str | None = None
    """Path of headings above the place, outermost first, joined by `` › ``."""
    line: int | None = None
    """Line number in the source file, from 1 (text and Markdown)."""


class Landmark(NamedTuple):
    """From this character on, the place is at this locator, until the next landmark."""

    start: int
    locator: Locator


@dataclass(frozen=True, slots=True)
class LoadedDocument:
    """What a loader makes of one file.

    Attributes:
        text: The whole text; every offset indexes it.
        landmarks: Sorted by ``start``, the first at 0 (or empty for an empty text).
        title: Title from the document itself, else empty.
        media_type: Which loader read it.
    """

    text: str
    landmarks: tuple[Landmark, ...]
    title: str
    media_type: MediaType


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage before it is stored.

    Attributes:
        span: Where it stands in the document's text; ``text == document.text[span.start:span.end]``.
        text: Its words.
        heading: Title and headings above it, joined by `` › ``; encoded in front of the text, never shown as a quote.
    """

    span: Span
    text: str
    heading: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A stored passage with all that is needed to cite it.

    Attributes:
        id: The catalog's and FAISS's int64 id.
        document_id: The catalog's id of the document version it belongs to.
        document: The document's name as given at ingest: its path, POSIX style.
        version: Version of the document, from 1; a changed file gets the next one.
        span: Where it stands in the document's text.
        text: Its words, equal to the document's text at ``span``.
        heading: Title and headings above it, joined by `` › ``; may be empty.
        landmarks: The document's landmarks from its first character to its last.
        modified_at: When the document's file was last changed, seconds since the epoch; nothing if that is not known.
    """

    id: int
    document_id: int
    document: str
    version: int
    span: Span
    text: str
    heading: str
    landmarks: tuple[Landmark, ...]
    modified_at: float | None = None

    @property
    def locator(self) -> Locator:
        """Page, heading or line of its first character."""
        return locate(self.landmarks, self.span.start)


class StageScores(NamedTuple):
    """What each stage of retrieval thought of a passage; ``None`` where the stage did not see it."""

    dense: float | None = None
    """Inner product of unit vectors, -1 to 1."""
    lexical: float | None = None
    """BM25 score, 0 or more, higher is better."""
    fused: float = 0.0
    """What the hybrid ranking sorts by, higher is better."""
    rerank: float | None = None
    """The reader's answerability logit."""


@dataclass(frozen=True, slots=True)
class ScoredPassage:
    """A retrieved passage, its rank from 1 and the scores of each stage."""

    passage: Passage
    rank: int
    scores: StageScores


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """Which passages a search may return; the default lets everything through.

    Attributes:
        path_glob: Shell pattern over the document's name, for instance ``notes/**/*.md``.
        media_types: Only these kinds of document; empty means all.
        documents: Only documents of these names; empty means all.
        without: Ids of passages that are left out.
        tags: Only documents that have one of these tags, written as for `tag_name`; empty means all.
        after: Only documents whose files were last changed on this day or later, as days begin here.
        before: Only documents whose files were last changed before this day began.
    """

    path_glob: str | None = None
    media_types: frozenset[MediaType] = field(default_factory=frozenset)
    documents: frozenset[str] = field(default_factory=frozenset)
    without: frozenset[int] = field(default_factory=frozenset)
    tags: frozenset[str] = field(default_factory=frozenset)
    after: date | None = None
    before: date | None = None


_LONGEST_TAG = 50


def media_type(text: str) -> MediaType:
    """Read a kind of document.

    Args:
        text: As it was typed.

    Returns:
        The kind.

    Raises:
        ConfigError: If there is no such kind.
    """
    kinds = get_args(MediaType)
    if text not in kinds:
        raise ConfigError(f"There is no kind of document {text!r}.", f"one of {', '.join(kinds)}")
    return cast("MediaType", text)


def day(text: str) -> date:
    """Read a day.

    Args:
        text: As it was typed: year, month and day.

    Returns:
        The day.

    Raises:
        ConfigError: If it is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no day.", "write year-month-day, for instance 2026-01-31") from error


def tag_name(text: str) -> str:
    """Give a tag as it is stored and looked for, the same whatever its case and however its accents are encoded.

    Args:
        text: As it was typed; space around it and ``#`` in front of it are no part of it.

    Returns:
        The tag, of which it is true that ``tag_name(tag) == tag``.

    Raises:
        ConfigError: If it is empty, longer than 50 characters, or has white space, a comma or a character that cannot
            be shown.
    """
    folded = unicodedata.normalize("NFD", text).casefold()  # as Unicode 15, 3.13, D145 compares without case
    tag = re.sub(r"^[\s#]+|\s+$", "", unicodedata.normalize("NFC", folded))
    if not 0 < len(tag) <= _LONGEST_TAG or "," in tag or not tag.isprintable() or any(char.isspace() for char in tag):
        raise ConfigError(
            f"{text!r} cannot be a tag: it needs 1 to {_LONGEST_TAG} characters, no white space and no comma.",
            "--tag contracts",
        )
    return tag


def tag_names(given: Iterable[str]) -> list[str]:
    """Give several tags as they are stored, each once and sorted; a single string is one tag, not its letters.

    Args:
        given: As they were typed.

    Returns:
        The tags.

    Raises:
        ConfigError: If one of them cannot be a tag.
    """
    return sorted({tag_name(tag) for tag in ([given] if isinstance(given, str) else given)})


class EncoderPin(NamedTuple):
    """Which encoder made a collection's vectors; another one is refused."""

    id: str
    hash: str
    """SHA-256 of the weights, hex."""
    dimension: int


class FileStamp(NamedTuple):
    """What tells an unchanged file from a changed one."""

    size: int
    """Bytes."""
    mtime_ns: int
    """Modification time, nanoseconds since the epoch."""
    content_sha256: str
    """SHA-256 of the file's bytes, hex."""


class Hit(NamedTuple):
    """A passage's id and the score one search gave it, higher is better."""

    id: int
    score: float


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document ready to be stored: its name, its file's stamp, its text and its chunks in order."""

    name: str
    stamp: FileStamp
    loaded: LoadedDocument
    chunks: tuple[Chunk, ...]


def embedding_text(heading: str, text: str) -> str:
    """Give the text that the encoder sees of a passage.

    Args:
        heading: Title and headings above the passage; may be empty.
        text: The passage's words.

    Returns:
        The heading on a line of its own in front of the text, or the text alone.
    """
    return f"{heading}\n{text}" if heading else text


def locate(landmarks: tuple[Landmark, ...], offset: int) -> Locator:
    """Find the place of a character.

    Args:
        landmarks: The document's landmarks, sorted by ``start``.
        offset: A character of its text.

    Returns:
        The locator of the last landmark at or before it; an empty one before the first.
    """
    position = bisect.bisect_right(landmarks, offset, key=lambda landmark: landmark.start)
    return landmarks[position - 1].locator if position else Locator()


def landmarks_within(landmarks: tuple[Landmark, ...], span: Span) -> tuple[Landmark, ...]:
    """Choose the landmarks that say where the characters of a span are.

    Args:
        landmarks: The document's landmarks, sorted by ``start``.
        span: Characters of its text.

    Returns:
        The last one at or before the start, and all inside.
    """
    first = bisect.bisect_right(landmarks, span.start, key=lambda landmark: landmark.start)
    last = bisect.bisect_left(landmarks, span.end, key=lambda landmark: landmark.start)
    return landmarks[max(first - 1, 0) : last]
