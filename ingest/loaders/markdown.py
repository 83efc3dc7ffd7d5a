"""Markdown: kept as it is written, so that offsets are those of the source, with lines and heading paths."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

from ragapp.indexes.types import Landmark, LoadedDocument, Locator
from ragapp.ingest.loaders.base import HeadingPath, Source, heading_text, line_stride
from ragapp.ingest.loaders.decoding import decode

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title[ \t]*:[ \t]*(.+?)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_LINK = re.compile(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
_MARKUP = re.compile(r"[*_`~]+(?=\S)|(?<=\S)[*_`~]+")


class _Heading(NamedTuple):
    line: int  # from 0
    level: int
    text: str


def load_markdown(source: Source) -> LoadedDocument:
    """Load a Markdown file.

    Args:
        source: The file.

    Returns:
        Its source text, line by line with the headings above; titled by the front matter or a first-level heading.

    Raises:
        LoadError: It is empty, is not text, or its encoding cannot be told.
    """
    text = decode(source)
    front = _FRONT_MATTER.match(text)
    title = _TITLE.search(front[0]) if front else None
    # The parser would take front matter for a rule and a heading; its line breaks stay, and so the lines' numbers.
    body = "\n" * front[0].count("\n") + text[front.end() :] if front else text
    headings = list(_headings(body))
    landmarks: list[Landmark] = []
    path, upcoming, stride, start = HeadingPath(), iter(headings), line_stride(text), 0
    following = next(upcoming, None)
    for number, line in enumerate(text.split("\n")):
        is_heading = following is not None and number == following.line
        if following and is_heading:
            path.enter(following.level, following.text)
            following = next(upcoming, None)
        if is_heading or (number % stride == 0 and line.strip()):
            landmarks.append(Landmark(start if landmarks else 0, Locator(None, str(path) or None, number + 1)))
        start += len(line) + 1
    named = title[1].strip("\"'") if title else next((h.text for h in headings if h.level == 1), "")
    return LoadedDocument(text, tuple(landmarks), heading_text(named), "markdown")


def _headings(text: str) -> Iterator[_Heading]:
    """Find headings where CommonMark sees them: not in code, not in quotes, not in lists."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark")
    parser.core.ruler.disable(["inline", "text_join"])  # block structure is all that is needed, and half the time
    tokens = parser.parse(text)
    for opening, content in itertools.pairwise(tokens):
        if opening.type == "heading_open" and opening.level == 0 and opening.map:
            words = _MARKUP.sub("", _LINK.sub(r"\1", content.content))
            yield _Heading(opening.map[0], int(opening.tag[1:]), words)
