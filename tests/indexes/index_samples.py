"""What the index tests share: documents, and vectors that are made of their words."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ragapp.indexes.records import Collection
from ragapp.indexes.types import (
    Chunk,
    EncoderPin,
    FileStamp,
    Landmark,
    LoadedDocument,
    Locator,
    MediaType,
    NewDocument,
    Span,
    embedding_text,
)
from ragapp.indexes.writer import Writer

DIMENSION = 16
PIN = EncoderPin("sample-16", "5" * 64, DIMENSION)
CHUNKER = "paragraphs-1"


def vector(text: str) -> np.ndarray:
    """A unit vector, float32 (DIMENSION,), that no other text has."""
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
    row = np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
    return row / np.linalg.norm(row)


def stored(rows: np.ndarray) -> np.ndarray:
    """The vectors as an exact segment keeps them, float32."""
    return rows.astype(np.float16).astype(np.float32)


def document(
    name: str,
    paragraphs: Sequence[str],
    *,
    heading: str = "",
    media_type: MediaType = "text",
    mtime_ns: int = 1,
) -> NewDocument:
    """A document of one passage a paragraph, each with a landmark of its own."""
    text = "\n\n".join(paragraphs)
    chunks: list[Chunk] = []
    landmarks: list[Landmark] = []
    start = 0
    for number, paragraph in enumerate(paragraphs, 1):
        chunks.append(Chunk(Span(start, start + len(paragraph)), paragraph, heading))
        landmarks.append(Landmark(start, Locator(page=number)))
        start += len(paragraph) + 2
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    loaded = LoadedDocument(text, tuple(landmarks), heading, media_type)
    return NewDocument(name, FileStamp(len(text.encode()), mtime_ns, sha256), loaded, tuple(chunks))


def vectors_of(documents: Iterable[NewDocument]) -> np.ndarray:
    """The vectors of all their passages, float32 (N, DIMENSION)."""
    rows = [vector(embedding_text(chunk.heading, chunk.text)) for document in documents for chunk in document.chunks]
    return np.stack(rows) if rows else np.empty((0, DIMENSION), np.float32)


def commit(writer: Writer, collection: Collection, *documents: NewDocument) -> None:
    writer.commit(collection, documents, vectors_of(documents))


def bytes_of(home: Path) -> bytes:
    """All that is on the disk."""
    return b"\n".join(path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file())


def run_python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own that can import this module."""
    return subprocess.run(python(code, *arguments), capture_output=True, text=True, timeout=60, check=False)


def python(code: str, *arguments: object) -> list[str]:
    here = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    return [sys.executable, "-W", "error", "-c", here + code, *map(str, arguments)]
