"""Signs for what words would be too long for, with an ASCII set for terminals that can't show the others."""

from __future__ import annotations

import sys
from typing import NamedTuple

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter


class Glyphs(NamedTuple):
    """The signs of one set."""

    you: str
    busy: str
    stopped: str
    failed: str
    nothing: str
    warning: str
    passage: str
    pin: str
    folded: str
    below: str


UNICODE = Glyphs("❯", "…", "■", "✗", "∅", "⚠", "·", "◆", "▸", "↓")
ASCII = Glyphs(">", "...", "#", "x", "-", "!", "-", "*", "+", "v")


def glyphs_for(encoding: str | None, *, ascii_only: bool) -> Glyphs:
    """Choose a set.

    Args:
        encoding: Encoding of the terminal; nothing for that of standard output.
        ascii_only: Whether the settings ask for ASCII.

    Returns:
        Signs that can be shown.
    """
    utf = "utf" in (encoding or sys.stdout.encoding or "").lower()
    return UNICODE if utf and not ascii_only else ASCII


_PLAIN = str.maketrans(
    {
        **dict.fromkeys("·–—─━═▔▁▀▄", "-"),
        **dict.fromkeys("│┃║▏▎▍▌▋▊▐▕", "|"),
        **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼▛▜▙▟▗▖▝▘", "+"),
        **dict.fromkeys("▂▃▅▆▇", " "),
        "█": "#",
        **dict.fromkeys("“”„", '"'),
        **dict.fromkeys("‘’‚", "'"),
        **dict.fromkeys("›❯▶→", ">"),
        **dict.fromkeys("‹◀←", "<"),
        **dict.fromkeys("↑▲", "^"),
        **dict.fromkeys("↓▼", "v"),
        "…": ".",
        "🔎": "  ",
    }
)
"""For each sign that quotes, borders and scroll bars are drawn with, ASCII that is as many cells wide."""


class PlainSigns(LineFilter):
    """Draws in ASCII what the toolkit and quotation draw in other signs; the letters of documents stay as they are."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Replace the signs of a line.

        Args:
            segments: The line.
            background: Not needed for it.

        Returns:
            A line as wide.
        """
        return [Segment(text.translate(_PLAIN), style, control) for text, style, control in segments]
