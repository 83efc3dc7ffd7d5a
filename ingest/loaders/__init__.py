"""Loaders: one file per format, each giving text with a map from character offset back to page, heading and line."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

from ragapp.errors import LoadError, UnsupportedFormat
from ragapp.indexes.types import LoadedDocument, MediaType
from ragapp.ingest.limits import MEGABYTE, Limits
from ragapp.ingest.loaders.base import Source

__all__ = ["MEDIA_TYPES", "load", "load_source", "loader_for", "read_source"]

MEDIA_TYPES: dict[str, MediaType] = {
    ".txt": "text",
    ".text": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
}
"""File name endings, lower case, and the loader that reads them."""


def loader_for(path: Path) -> MediaType | None:
    """Tell which loader reads a file, by the ending of its name.

    Args:
        path: The file; it need not exist.

    Returns:
        The kind of document, or ``None`` if no loader reads it.
    """
    return MEDIA_TYPES.get(path.suffix.lower())


def load(path: Path, limits: Limits | None = None) -> LoadedDocument:
    """Load one file in this process.

    The ingest job loads through ``LoaderPool`` instead, where a hostile file cannot take the process down.

    Args:
        path: The file.
        limits: What it may cost; time and memory are only bounded in the pool.

    Returns:
        Its text, landmarks and title.

    Raises:
        UnsupportedFormat: No loader reads this kind of file.
        LoadError: The file cannot be read; the message says why, the hint what to do.
    """
    kind = loader_for(path)
    if kind is None:
        raise UnsupportedFormat(
            f"{str(path)!r} is of a kind that cannot be read: {path.suffix!r}",
            f"convert it to one of {', '.join(sorted(MEDIA_TYPES))}",
        )
    return load_source(read_source(path, limits or Limits()), kind)


def read_source(path: Path, limits: Limits) -> Source:
    """Read a regular file whole, never waiting on a pipe or a device.

    Args:
        path: The file.
        limits: How large it may be.

    Returns:
        Its bytes.

    Raises:
        LoadError: It is gone, may not be read, is no regular file, or is too large.
    """
    name = str(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise LoadError(f"{name!r} is not a regular file", "give a file or a folder")
            too_large = status.st_size > limits.file_bytes
            data = b"" if too_large else file.read(limits.file_bytes + 1)
    except OSError as error:
        hint = (
            f"allow reading it: chmod u+r {shlex.quote(name)}"
            if isinstance(error, PermissionError)
            else "see that it is there"
        )
        raise LoadError(f"{name!r} cannot be read: {error.strerror}", hint) from error
    if too_large or len(data) > limits.file_bytes:
        raise LoadError(
            f"{name!r} is too large: {max(status.st_size, len(data)) / MEGABYTE:.0f} MB, "
            f"the limit is {limits.file_bytes / MEGABYTE:.0f} MB",
            _splitting(path),
        )
    return Source(name, data, limits)


def load_source(source: Source, kind: MediaType) -> LoadedDocument:
    """Load a file whose bytes are at hand.

    Args:
        source: The file.
        kind: Which loader reads it.

    Returns:
        Its text, landmarks and title.

    Raises:
        LoadError: The file cannot be read; the message says why, the hint what to do.
    """
    # Each parser is imported when its first file comes, so a folder of notes never loads the PDF library.
    match kind:
        case "text":
            from ragapp.ingest.loaders.text import load_text as loader
        case "markdown":
            from ragapp.ingest.loaders.markdown import load_markdown as loader
        case "html":
            from ragapp.ingest.loaders.html import load_html as loader
        case "pdf":
            from ragapp.ingest.loaders.pdf import load_pdf as loader
        case "docx":
            from ragapp.ingest.loaders.docx import load_docx as loader
    document = loader(source)
    if not document.text.strip():
        raise source.error("holds no text", "leave it out, or see that it opens and shows text")
    return document


def _splitting(path: Path) -> str:
    how = {
        "text": f"split -C 40M {shlex.quote(path.name)} part- --additional-suffix=.txt",
        "markdown": f"split -C 40M {shlex.quote(path.name)} part- --additional-suffix=.md",
        "pdf": f"qpdf --split-pages=200 {shlex.quote(path.name)} part.pdf",
    }.get(loader_for(path) or "", "save it in parts")
    return f"split it ({how}), or raise max_file_mb (RAGAPP_MAX_FILE_MB)"
