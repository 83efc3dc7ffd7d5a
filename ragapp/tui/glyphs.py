"""Signs for what words would be too long for, with an ASCII set for terminals that can't show the others."""

from __future__ import annotations

import sys
from typing import NamedTuple


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


UNICODE = Glyphs(you="❯", busy="…", stopped="■", failed="✗", nothing="∅", warning="⚠", passage="·", pin="◆")
ASCII = Glyphs(you=">", busy="...", stopped="#", failed="x", nothing="-", warning="!", passage="-", pin="*")


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
