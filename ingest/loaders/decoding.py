"""From bytes to text: byte order marks, UTF-8, then the encodings that older files are written in."""

from __future__ import annotations

import codecs
import re

from ragapp.ingest.loaders.base import Source, tidy

_MARKS = (  # UTF-32's little-endian mark begins with UTF-16's: longest first
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SIGNATURES = (
    (b"%PDF-", "a PDF", ".pdf"),
    (b"PK\x03\x04", "a zip container (docx, xlsx, zip, …)", ".docx if it is a Word document"),
    (b"\xd0\xcf\x11\xe0", "an old or encrypted Office file", ""),
    (b"\x89PNG", "a PNG image", ""),
    (b"\xff\xd8\xff", "a JPEG image", ""),
    (b"GIF8", "a GIF image", ""),
    (b"\x1f\x8b", "a gzip archive", ""),
    (b"\x7fELF", "a program", ""),
    (b"SQLite format 3", "an SQLite database", ""),
)
_SAMPLE_BYTES = 64 * 1024
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffe\uffff]")
# Candidates when a file is neither Unicode nor mostly Latin letters.
_NON_LATIN = (
    "cp1251", "koi8_r", "cp866", "iso8859_5", "cp1253", "cp1255", "cp1256", "cp874",
    "cp932", "euc_jp", "gb18030", "big5", "euc_kr",
)  # fmt: skip


def decode(source: Source, declared: str | None = None) -> str:
    r"""Decode a text file.

    A byte order mark decides; then UTF-8; then the encoding the document declares; then UTF-16 without a mark. What is
    left is mostly Latin letters, read as Windows-1252, or another script, told by charset-normalizer.

    Args:
        source: The file.
        declared: The encoding that the document itself names, if it does.

    Returns:
        The text with ``\n`` line ends, without NULs.

    Raises:
        LoadError: The file is empty, is not text, or is in an encoding that cannot be told.
    """
    data = source.data
    if not data.strip(b"\0 \t\r\n\f\v"):
        raise source.error("is empty", "delete it, or put text into it and ingest again")
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _checked(source, _decoded(data, encoding))
    for signature, kind, suffix in _SIGNATURES:
        if data.startswith(signature):
            hint = f"rename it to end in {suffix}" if suffix else "leave it out, or convert it to text"
            raise source.error(f"is {kind}, not text", hint)
    text = _decoded(data, "utf-8")
    if text is None and declared:
        text = _decoded(data, declared)
    if b"\0" in data[:_SAMPLE_BYTES]:
        text = _utf16_without_mark(data) or text
    return _checked(source, text if text is not None else _legacy(data))


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _utf16_without_mark(data: bytes) -> str | None:
    """Read UTF-16 whose every other byte is mostly NUL, as it is for Western text."""
    sample = data[:_SAMPLE_BYTES]
    for encoding, high, low in (("utf-16-le", sample[1::2], sample[::2]), ("utf-16-be", sample[::2], sample[1::2])):
        if high.count(0) > len(high) * 0.6 and low.count(0) < len(low) * 0.05:
            return _decoded(data, encoding)
    return None


def _legacy(data: bytes) -> str | None:
    """Read an encoding from before Unicode."""
    sample = data[:_SAMPLE_BYTES]
    # Measured: charset-normalizer takes short Italian, French and German for Central European or even Japanese, so
    # it is asked only where the Latin alphabet is clearly not the one that is written.
    if sum(byte >= 0x80 for byte in sample) < len(sample.replace(b" ", b"")) * 0.25:
        return _decoded(data, "cp1252") or _decoded(data, "latin-1")
    import charset_normalizer

    for match in charset_normalizer.from_bytes(sample, cp_isolation=list(_NON_LATIN)):
        if (text := _decoded(data, match.encoding)) is not None:
            return text
    return None


def _checked(source: Source, text: str | None) -> str:
    """Refuse what is not text: wrong bytes, or more control characters than a slip of the keyboard explains."""
    if text is None:
        raise source.error(
            "is in an encoding that cannot be told, or is not text",
            "save it as UTF-8, for instance: iconv -f CURRENT_ENCODING -t UTF-8 OLD > NEW",
        )
    if len(_CONTROLS.findall(text, 0, _SAMPLE_BYTES)) > 8 + min(len(text), _SAMPLE_BYTES) // 100:
        raise source.error("is binary data, not text", "leave it out, or give it the ending of its real format")
    return tidy(text)
