"""Plain text: kept as it is, each line a landmark."""

from __future__ import annotations

from ragapp.indexes.types import Landmark, LoadedDocument, Locator
from ragapp.ingest.loaders.base import Source, line_stride
from ragapp.ingest.loaders.decoding import decode


def load_text(source: Source) -> LoadedDocument:
    """Load a plain text file.

    Args:
        source: The file.

    Returns:
        Its text and the line that each place stands on.

    Raises:
        LoadError: It is empty, is not text, or its encoding cannot be told.
    """
    text = decode(source)
    landmarks: list[Landmark] = []
    stride, start = line_stride(text), 0
    for number, line in enumerate(text.split("\n")):
        if number % stride == 0 and line.strip():
            landmarks.append(Landmark(start if landmarks else 0, Locator(line=number + 1)))
        start += len(line) + 1
    return LoadedDocument(text, tuple(landmarks), "", "text")
