"""The copy attention is a distribution over the words of the passages, and stands where the answer was copied from."""

from __future__ import annotations

import pytest

from ragapp.indexes.types import Span
from ragapp.readers.base import ReaderPassage
from ragapp.readers.copy_fid.explain import copy_attention
from ragapp.readers.copy_fid.reader import CopyFidReader

PASSAGES = [
    ReaderPassage("Apollo 11 left Cape Canaveral on 16 July 1969 with three men."),
    ReaderPassage("The Forth Bridge opened on 4 March 1890. Its towers are 361 feet high."),
]


def test_attention_stands_on_the_answer() -> None:
    reader, text = CopyFidReader.load(device="cpu", threads=1), PASSAGES[1].text
    answer = Span(text.index("4 March 1890"), text.index("."))
    words = copy_attention(reader, "When did the Forth Bridge open?", PASSAGES, 1, answer)
    assert sum(word.weight for passage in words for word in passage) == pytest.approx(1, abs=1e-3)
    best = max((word for passage in words for word in passage), key=lambda word: word.weight)
    assert best in words[1]
    assert answer.start <= best.span.start < answer.end
    nothing = copy_attention(reader, "When?", PASSAGES, 1, Span(10_000, 10_001))
    assert nothing == ((), ())
