"""A document's structure as the chunker sees it: sections by headings, paragraphs, and pieces that stay whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ragapp.indexes.types import LoadedDocument
from ragapp.ingest.loaders.base import HEADING_SEPARATOR
from ragapp.ingest.sentences import split_sentences

Joint = Literal["section", "paragraph", "sentence", "heading", "word", "letter"]
"""What ends before a piece: a section, a paragraph, a sentence or line, a heading line, only a word, not even that."""

# Lines that are not blank, one after another.
_PARAGRAPH = re.compile(r"\S[^\n]*+(?:\n[^\S\n]*+\S[^\n]*+)*+")
_ITEM = re.compile(r"[^\S\n]*(?:[-*+•‣▪–]|\(?\d{1,3}[.)]|\|)\s?")
_FENCE = re.compile(r"^[^\S\n]*(?:```|~~~)", re.MULTILINE)
_LINE = re.compile(r"\S[^\n]*+")
_SHORT_LINE_CHARS = 45
"""Lines shorter than this on average are verse, code, an address or a log, not wrapped prose."""

_TINY_CHARS = 24
"""A file of a million numbers has a million lines; by themselves they would cost far more than their text."""


class Piece(NamedTuple):
    """A run of text that a chunk takes whole, without white space at its ends."""

    start: int
    end: int
    joint: Joint


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document under one heading.

    Attributes:
        start: Where it begins.
        end: Where it ends.
        path: Headings above it, outermost first.
        top: Number of the top section it is in; no chunk holds text of two.
    """

    start: int
    end: int
    path: tuple[str, ...]
    top: int


def sections(document: LoadedDocument) -> list[Section]:
    """Cut a document where its heading path changes.

    The top sections are those of the outermost headings that differ: a single heading above all else divides nothing.
    A heading with no text of its own goes with the section after it.

    Args:
        document: The document.

    Returns:
        The sections in order; together they hold the whole text.
    """
    starts: list[tuple[int, tuple[str, ...]]] = []
    for start, locator in document.landmarks:
        path = tuple(locator.heading.split(HEADING_SEPARATOR)) if locator.heading else ()
        if not starts or starts[-1][1] != path:
            starts.append((start if starts else 0, path))
    starts = starts or [(0, ())]
    ends = [start for start, _ in starts[1:]] + [len(document.text)]
    shared = len(common([path for _, path in starts]))
    found: list[Section] = []
    top, begin = 0, 0
    for (start, path), end in zip(starts, ends, strict=True):
        heading_alone = path and _bare(document.text[start:end]) == _bare(path[-1])
        if heading_alone and end < len(document.text):
            continue
        if found and path[: shared + 1] != found[-1].path[: shared + 1]:
            top += 1
        found.append(Section(begin, end, path, top))
        begin = end
    return found


def common(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Give the headings that stand above all of several places.

    Args:
        paths: Heading paths, at least one.

    Returns:
        Their longest common beginning.
    """
    shortest = min(paths, key=len)
    depth = next((i for i, name in enumerate(shortest) if any(path[i] != name for path in paths)), len(shortest))
    return shortest[:depth]


def pieces(text: str, section: Section) -> Iterator[Piece]:
    """Cut a section into sentences, list items and lines; a tiny one takes the next along.

    Args:
        text: The document's text.
        section: The section.

    Yields:
        The pieces in order; together they hold all that is not white space.
    """
    held: Piece | None = None
    for piece in _smallest_pieces(text, section):
        if held and held.end - held.start < _TINY_CHARS and piece.joint in {"sentence", "paragraph"}:
            held = Piece(held.start, piece.end, held.joint)
            continue
        if held:
            yield held
        held = piece
    if held:
        yield held


def _smallest_pieces(text: str, section: Section) -> Iterator[Piece]:
    joint: Joint = "section"
    start = section.start
    if heading := _heading_line(text, section):
        yield Piece(*heading, joint)
        joint, start = "heading", heading[1]
    fenced = False
    for match in _PARAGRAPH.finditer(text, start, section.end):
        fences = len(_FENCE.findall(match[0]))
        by_line = fenced or fences > 0 or _is_linewise(match[0])
        fenced ^= fences % 2 == 1
        split = _lines if by_line else split_sentences
        for begin, end in split(text, match.start(), match.end()):
            yield Piece(begin, end, joint)
            joint = "sentence"
        joint = "paragraph"


def _heading_line(text: str, section: Section) -> tuple[int, int] | None:
    """Find the line that is the section's heading, if the text holds it."""
    line = _LINE.search(text, section.start, section.end)
    if section.path and line and _bare(line[0]) == _bare(section.path[-1]):
        return line.start(), _trimmed(text, line.start(), line.end())
    return None


def _is_linewise(paragraph: str) -> bool:
    """Tell a list, a table or other text whose lines mean something from prose that is merely wrapped."""
    lines = paragraph.split("\n")
    if len(lines) == 1:
        return False
    items = sum(1 for line in lines if _ITEM.match(line) or " | " in line or "\t" in line.strip())
    return items * 2 >= len(lines) or (len(lines) > 2 and len(paragraph) < _SHORT_LINE_CHARS * len(lines))


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Give lines; one that goes on a list item belongs to it."""
    begin = position = start
    has_items = _ITEM.match(text, start, end) is not None
    while position < end:
        stop = text.find("\n", position, end)
        stop = end if stop < 0 else stop
        following = stop + 1
        if following >= end or not has_items or _ITEM.match(text, following, end):
            while begin < stop and text[begin].isspace():
                begin += 1
            yield begin, _trimmed(text, begin, stop)
            begin = following
        position = following


def _trimmed(text: str, start: int, end: int) -> int:
    while end > start and text[end - 1].isspace():
        end -= 1
    return end


def _bare(text: str) -> str:
    """Give the letters and digits alone: a heading's markup and spacing differ between the text and the path."""
    return "".join(char for char in text[:400] if char.isalnum())
