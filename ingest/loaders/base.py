"""What the loaders share: the file as read, and a builder that joins blocks into one text with landmarks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ragapp.errors import LoadError
from ragapp.indexes.types import Landmark, LoadedDocument, Locator, MediaType
from ragapp.ingest.limits import Limits

HEADING_SEPARATOR = " › "
_SURROGATES = re.compile("[\ud800-\udfff]")
_MAX_HEADING_CHARS = 200
_MOST_LINE_LANDMARKS = 200_000


@dataclass(frozen=True, slots=True)
class Source:
    """A file's bytes and what is needed to speak of it.

    Attributes:
        name: The path, for messages.
        data: The file's bytes.
        limits: What it may cost.
    """

    name: str
    data: bytes
    limits: Limits

    def error(self, what: str, hint: str) -> LoadError:
        """Make the error that says why this file cannot be read.

        Args:
            what: What is wrong with it, reads on after the file's name: ``is encrypted``.
            hint: What the user can do about it.

        Returns:
            The error, to be raised by the caller.
        """
        return LoadError(f"{self.name!r} {what}", hint)


def tidy(text: str) -> str:
    r"""Make text storable without changing its words: ``\n`` line ends, no NUL, no lone surrogate, no byte order mark.

    Args:
        text: Text as decoded.

    Returns:
        The text that all offsets index.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        text = text.replace("\0", "")
    return _SURROGATES.sub("\ufffd", text.removeprefix("\ufeff"))


def heading_text(text: str) -> str:
    """Fold a heading onto one line that can be a part of a heading path.

    Args:
        text: The heading as it stands in the document.

    Returns:
        Its words without line breaks and path separators, at most 200 characters.
    """
    folded = " ".join(tidy(text).replace("›", ">").split())
    return folded if len(folded) <= _MAX_HEADING_CHARS else folded[: _MAX_HEADING_CHARS - 1].rstrip() + "…"


def line_stride(text: str) -> int:
    """Tell how many lines share a landmark: 1, but more in a file of over 200,000 lines, whose map would outgrow it.

    Args:
        text: A document that is kept as its source.

    Returns:
        Every how many lines there is to be a landmark.
    """
    return text.count("\n") // _MOST_LINE_LANDMARKS + 1


class HeadingPath:
    """The headings above a place, outermost first."""

    def __init__(self) -> None:
        self._stack: list[tuple[int, str]] = []

    def enter(self, level: int, text: str) -> None:
        """Begin the section of a heading, which ends those of its level and below.

        Args:
            level: Depth of the heading, 1 for the outermost.
            text: Its words; without any, the sections it ends are all it changes.
        """
        while self._stack and self._stack[-1][0] >= level:
            self._stack.pop()
        if folded := heading_text(text):
            self._stack.append((level, folded))

    def __str__(self) -> str:
        return HEADING_SEPARATOR.join(text for _, text in self._stack)


class DocumentBuilder:
    """Joins blocks of text into a document and remembers where pages and sections begin.

    Args:
        source: The file, for its limits and its name.
        media_type: Which loader reads it.
    """

    def __init__(self, source: Source, media_type: MediaType) -> None:
        self._source = source
        self._media_type: MediaType = media_type
        self._parts: list[str] = []
        self._length = 0
        self._landmarks: list[Landmark] = []
        self._path = HeadingPath()
        self._page: int | None = None

    def heading(self, level: int, text: str, *, shown: bool = True) -> None:
        """Begin a section.

        Args:
            level: Depth of the heading, 1 for the outermost.
            text: Its words.
            shown: Whether the words are a block of the text too (an outline's are not).
        """
        self._path.enter(level, text)
        if shown:
            self.block(" ".join(text.split()))

    def page(self, number: int) -> None:
        """Begin a page.

        Args:
            number: Its number, from 1.
        """
        self._page = number

    def block(self, text: str, separator: str = "\n\n") -> None:
        r"""Add a block of text; a blank one changes nothing.

        Args:
            text: A paragraph, list item, table row or the like.
            separator: What stands between it and the block before, ``\n`` within a list or table.

        Raises:
            LoadError: The document holds more text than the limits let through.
        """
        text = tidy(text)
        if not text.strip():
            return
        if self._parts:
            self._parts.append(separator)
            self._length += len(separator)
        locator = Locator(page=self._page, heading=str(self._path) or None)
        if not self._landmarks or self._landmarks[-1].locator != locator:
            self._landmarks.append(Landmark(self._length, locator))
        self._parts.append(text)
        self._length += len(text)
        if self._length > self._source.limits.text_chars:
            raise self._source.error(
                f"holds more than {self._source.limits.text_chars // 1_000_000} million characters of text",
                "split it into smaller files, or raise max_file_mb (RAGAPP_MAX_FILE_MB)",
            )

    def build(self, title: str) -> LoadedDocument:
        """Give the finished document.

        Args:
            title: Title from the document itself, or empty.

        Returns:
            The text with its landmarks.
        """
        return LoadedDocument("".join(self._parts), tuple(self._landmarks), heading_text(title), self._media_type)
