"""What is put on a terminal: text from documents and models is untrusted, and made safe here."""

from __future__ import annotations

import unicodedata

_BIDI = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def printable(text: str, *, keep: str = "") -> str:
    r"""Make text inert: no control character, escape sequence or direction override reaches the terminal.

    Args:
        text: Any text, for instance a quote or a file's name.
        keep: Control characters to let through, for instance ``"\n"`` in a paragraph.

    Returns:
        The text with each such character replaced by ``\xNN`` or ``\uNNNN``, everything else as it was.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_inert(char) if _is_unsafe(char) and char not in keep else char for char in text)


def one_line(text: str) -> str:
    """Fold every run of white space to one space and make the rest inert.

    Args:
        text: Any text.

    Returns:
        The text on one line, safe for a terminal.
    """
    return printable(" ".join(text.split()))


def counted(count: object, noun: str) -> str:
    """Say how many there are of something.

    Args:
        count: How many, a whole number.
        noun: What they are, in the singular, of those that take an s.

    Returns:
        Such as ``1 document`` or ``2 documents``.
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def is_unicode(text: str) -> bool:
    r"""Tell whether a text is free of lone surrogates, which JSON's ``\ud800`` and undecodable arguments make."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _is_unsafe(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} or char in _BIDI


def _inert(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}"
