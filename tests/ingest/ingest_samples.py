"""What the ingest tests share: names of their fixtures' types and a small deterministic encoder."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from ragapp.indexes.index import Index
from ragapp.indexes.types import EncoderPin, Span
from ragapp.ingest.job import ingest

_WORD = re.compile(r"\w+|[^\w\s]")


class TokenOffsets(Protocol):
    """Gives the span of each token."""

    def __call__(self, text: str) -> list[Span]: ...


class PdfPage(NamedTuple):
    """A page for :class:`MakePdf`: a bookmark for the outline, if any, and its paragraphs."""

    bookmark: str
    level: int
    paragraphs: list[str]


class MakePdf(Protocol):
    """Writes a PDF with real paragraphs, an outline and, on request, a password."""

    def __call__(self, pages: list[PdfPage], *, title: str = "", password: str = "") -> bytes: ...


class MakePackage(Protocol):
    """Wraps the XML of a main part into a docx container, whatever it says."""

    def __call__(self, document_xml: str) -> bytes: ...


class HashingEncoder:
    """A small real encoder: words hashed into 32 signed buckets, a unit vector; counts what it encodes."""

    def __init__(self) -> None:
        self.encoded: list[str] = []

    @property
    def pin(self) -> EncoderPin:
        return EncoderPin("hashing-32", hashlib.sha256(b"hashing-32").hexdigest(), 32)

    @property
    def max_tokens(self) -> int:
        return 256

    def encode_passages(self, texts: Sequence[str]) -> np.ndarray:
        self.encoded += texts
        return np.stack([self.encode_query(text) for text in texts])

    def encode_query(self, text: str) -> np.ndarray:
        vector = np.zeros(32, np.float32)
        for word in _WORD.findall(text.casefold()):
            digest = hashlib.blake2b(word.encode(), digest_size=2).digest()
            vector[digest[0] % 32] += 1.0 if digest[1] % 2 else -1.0
        norm = float(np.linalg.norm(vector))
        if norm == 0.0:
            vector[0] = norm = 1.0
        return vector / np.float32(norm)

    def token_offsets(self, text: str) -> list[Span]:
        return [Span(*match.span()) for match in _WORD.finditer(text)]


def ingest_all(home: str, folder: str, batch_passages: int) -> None:
    """Ingest a folder; stands here because a child process must be able to import it by name."""
    with Index.open(Path(home)) as index:
        ingest(index, "default", [Path(folder)], HashingEncoder(), batch_passages=batch_passages)
