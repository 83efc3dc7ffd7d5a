"""Chunking: whole sentences to a token budget, never across a top section, each chunk an exact slice of the text."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import NamedTuple

import numpy as np

from ragapp.indexes.types import Chunk, LoadedDocument, Span
from ragapp.ingest.loaders.base import HEADING_SEPARATOR
from ragapp.ingest.structure import Joint, Piece, Section, common, pieces, sections

_TOKENIZED_CHARS = 4096
"""Text is tokenised in blocks of about this size: faster than whole, and a book's tokens need not fit in memory."""
_CHARS_A_TOKEN = 10
"""A budget of n tokens is also one of 10 n characters: tokenizers give a word of any length as one unknown token."""
_HEADING_SHARE = 4
"""Headings take at most a quarter of the budget."""
_MOST_PIECES = 64
"""A chunk holds at most this many sentences or lines, which bounds the search for the best cuts."""
_CUT_COST: dict[Joint, float] = {
    "section": -0.3,
    "paragraph": 0.0,
    "sentence": 0.25,
    "heading": 1.0,
    "word": 1.0,
    "letter": 1.0,
}
"""What a cut before a piece costs, in chunks: sections part willingly, sentences of a paragraph less so."""
_LAST_SPACE = re.compile(r"\s(?=\S*+\Z)")
_SPACE = re.compile(r"\s*")


class _Unit(NamedTuple):
    start: int
    end: int
    tokens: int
    joint: Joint
    path: tuple[str, ...]


class Chunker:
    """Cuts documents into passages for an encoder.

    Args:
        token_offsets: Gives the span of every token of a text, as ``Encoder.token_offsets`` does.
        max_tokens: Budget of a passage, its heading included, in tokens without special ones.
    """

    def __init__(self, token_offsets: Callable[[str], list[Span]], max_tokens: int = 190) -> None:
        if max_tokens < 8:
            raise ValueError(f"max_tokens must be at least 8, not {max_tokens!r}")
        self._token_offsets = token_offsets
        self._max_tokens = max_tokens

    @property
    def version(self) -> str:
        """What a collection pins: chunks of another version are not the same passages."""
        return f"sentences-1/{self._max_tokens}"

    def chunk(self, document: LoadedDocument) -> tuple[Chunk, ...]:
        """Cut a document into chunks.

        Args:
            document: The document.

        Returns:
            The chunks in order: slices of the text that do not overlap and together hold all but white space.
        """
        starts = self._token_starts(document.text)
        chunks: list[Chunk] = []
        for _, group in groupby(sections(document), key=lambda section: section.top):
            part = list(group)
            paths = {section.path[:depth] for section in part for depth in range(len(section.path) + 1)}
            headings = {path: self._heading(document.title, path) for path in paths}
            budget = self._max_tokens - max(self._count(heading) for heading in headings.values())
            units = self._units(document.text, part, starts, budget)
            for first, last in _best_cuts(units, budget, self._max_tokens * _CHARS_A_TOKEN):
                span = Span(units[first].start, units[last].end)
                path = common([unit.path for unit in units[first : last + 1]])
                chunks.append(Chunk(span, document.text[span.start : span.end], headings[path]))
        return tuple(chunks)

    def _count(self, text: str) -> int:
        return len(self._token_offsets(text)) if text else 0

    def _heading(self, title: str, path: tuple[str, ...]) -> str:
        """Join title and headings; outer ones give way when they take too much of the budget."""
        names = list(path if not title or (path and path[0] == title) else (title, *path))
        limit = self._max_tokens // _HEADING_SHARE
        while names and self._count(joined := HEADING_SEPARATOR.join(names)) > limit:
            if len(names) == 1:
                return joined[: self._token_offsets(joined)[limit].start].rstrip()
            del names[0 if len(names) == 2 else 1]
        return HEADING_SEPARATOR.join(names)

    def _token_starts(self, text: str) -> np.ndarray:
        """Give where each token of the text begins, int64 (T,), ascending."""
        blocks: list[np.ndarray] = []
        start = 0
        while start < len(text):
            end = start + _TOKENIZED_CHARS
            if end < len(text):
                space = _LAST_SPACE.search(text, start, end)
                end = space.end() if space else end
            offsets = self._token_offsets(text[start:end])
            blocks.append(np.fromiter((span[0] for span in offsets), np.int64, len(offsets)) + start)
            start = end
        return np.concatenate(blocks) if blocks else np.empty(0, np.int64)

    def _units(self, text: str, part: list[Section], starts: np.ndarray, budget: int) -> list[_Unit]:
        """Give a top section's pieces with their tokens, those over the budget cut between words."""
        found = [(piece, section.path) for section in part for piece in pieces(text, section)]
        bounds = np.array([(piece.start, piece.end) for piece, _ in found], np.int64).reshape(-1, 2)
        counts = np.diff(np.searchsorted(starts, bounds), axis=1)[:, 0]  # (P,)
        units: list[_Unit] = []
        for (piece, path), tokens in zip(found, counts.tolist(), strict=True):
            if tokens <= budget and piece.end - piece.start <= self._max_tokens * _CHARS_A_TOKEN:
                units.append(_Unit(piece.start, piece.end, tokens, piece.joint, path))
            else:
                units += [_Unit(*cut, path) for cut in self._cut(text, piece, starts, budget)]
        return units

    def _cut(self, text: str, piece: Piece, starts: np.ndarray, budget: int) -> Iterator[tuple[int, int, int, Joint]]:
        """Cut a piece that is over the budget between words, within one where there is no other way."""
        start, joint = piece.start, piece.joint
        while start < piece.end:
            position = bisect_left(starts, start) + budget
            end = int(starts[position]) if position < len(starts) else piece.end
            end = min(end, start + self._max_tokens * _CHARS_A_TOKEN, piece.end)
            if end < piece.end and not text[end].isspace() and (space := _LAST_SPACE.search(text, start + 1, end)):
                end = space.start()
            # Half a word need not have the tokens it had in the whole one: count anew.
            while (tokens := self._count(text[start:end])) > budget:
                end = start + max(1, (end - start) * budget // tokens)
            yield start, start + len(text[start:end].rstrip()), tokens, joint
            joint = "word" if text[end - 1].isspace() or text[end : end + 1].isspace() else "letter"
            start = _end_of_space(text, end, piece.end)


def _end_of_space(text: str, start: int, end: int) -> int:
    space = _SPACE.match(text, start, end)
    return space.end() if space else start


def _best_cuts(units: list[_Unit], budget: int, max_chars: int) -> list[tuple[int, int]]:
    """Partition units into chunks at the least total cost, as Knuth and Plass (1981) break a paragraph into lines.

    A chunk costs 1, the square of the share of the budget it leaves empty, and what the cut before it costs: few
    chunks, none of them a stub, cut where the text has a joint.

    Args:
        units: What the chunks are made of; each fits the budget alone.
        budget: Tokens that a chunk may have.
        max_chars: Characters that it may have.

    Returns:
        First and last unit of each chunk.
    """
    cost, begin = [0.0], [0]  # of the best partition of the first i units, and where its last chunk begins
    for stop in range(1, len(units) + 1):
        best, best_first, tokens = float("inf"), stop - 1, 0
        for first in range(stop - 1, max(-1, stop - 1 - _MOST_PIECES), -1):
            tokens += units[first].tokens
            too_long = tokens > budget or units[stop - 1].end - units[first].start > max_chars
            if too_long and first < stop - 1:
                break
            cut = _CUT_COST[units[first].joint] if first else 0.0
            total = cost[first] + 1.0 + (1.0 - tokens / budget) ** 2 + cut
            if total < best:
                best, best_first = total, first
            if units[first].joint == "letter":  # half a word and the other half are not the sum of their tokens
                break
        cost.append(best)
        begin.append(best_first)
    chunks: list[tuple[int, int]] = []
    stop = len(units)
    while stop > 0:
        chunks.append((begin[stop], stop - 1))
        stop = begin[stop]
    return chunks[::-1]
