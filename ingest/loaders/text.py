"""Plain text: kept as it is, each line a landmark, below the headings that its layout shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ragapp.indexes.types import Landmark, LoadedDocument, Locator
from ragapp.ingest.loaders.base import HeadingPath, Source, heading_text, line_stride
from ragapp.ingest.loaders.decoding import decode

_HEADING_CHARS = 80
_SENTENCE_ENDS = ".,;:?!…"
_UNDERLINE = re.compile(r"[^\S\n]*(?:(={3,})|-{3,}|~{3,})[^\S\n]*")


class _Heading(NamedTuple):
    line: int  # from 0
    level: int
    text: str


def load_text(source: Source) -> LoadedDocument:
    """Load a plain text file.

    A line counts as a heading if it is underlined, or stands alone, ends no sentence and is in capitals or the first of
    the document: without its headings, a passage of a long text often does not say what it is about.

    Args:
        source: The file.

    Returns:
        Its text, and for each place the line and the headings above; titled by its first line, if that is a heading.

    Raises:
        LoadError: It is empty, is not text, or its encoding cannot be told.
    """
    text = decode(source)
    lines = text.split("\n")
    headings = {heading.line: heading for heading in _headings(lines)}
    landmarks: list[Landmark] = []
    path, stride, start = HeadingPath(), line_stride(text), 0
    for number, line in enumerate(lines):
        heading = headings.get(number)
        if heading:
            path.enter(heading.level, heading.text)
        if heading or (number % stride == 0 and line.strip()):
            landmarks.append(Landmark(start if landmarks else 0, Locator(None, str(path) or None, number + 1)))
        start += len(line) + 1
    title = next((heading.text for heading in headings.values() if heading.level == 1), "")
    return LoadedDocument(text, tuple(landmarks), heading_text(title), "text")


def _headings(lines: Sequence[str]) -> Iterator[_Heading]:
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    has_more = any(line.strip() for line in lines[first + 1 :])
    for number, line in enumerate(lines):
        words = line.strip()
        if not words or len(words) > _HEADING_CHARS or (number and lines[number - 1].strip()):
            continue
        following = lines[number + 1] if number + 1 < len(lines) else ""
        underline = _UNDERLINE.fullmatch(following)
        if underline and not _UNDERLINE.fullmatch(line):
            yield _Heading(number, 1 if underline[1] or number == first else 2, words)
        elif not following.strip() and has_more and words[-1] not in _SENTENCE_ENDS and words[0].isalnum():
            if number == first and any(char.isalpha() for char in words):
                yield _Heading(number, 1, words)
            elif words.isupper() and len(words) > 1:
                yield _Heading(number, 2, words)
