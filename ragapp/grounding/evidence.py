"""Evidence selection: a long source becomes inputs of a bounded size, made of whole sentences.

A source that fits is one input. Of a longer one the sentences that share most with the claim, wherever they stand,
make the digest: a fact told in two distant sentences is only there side by side. Where they share little, consecutive
windows that together hold every sentence are read as well. The digest is a greedy maximum coverage of the claim's
words, weighted by how rare they are in the source (as in extractive summarisation, Lin & Bilmes 2011).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from ragapp.indexes.encoder_torch import encodable
from ragapp.indexes.stopwords import STOPWORDS
from ragapp.indexes.types import Span
from ragapp.ingest.sentences import split_sentences

_WORD = re.compile(r"\w+")
_STEM_CHARS = 6
_SEEN_AGAIN = 0.3
"""What a word of the claim is worth in a further sentence, once another has it."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a source.

    Attributes:
        span: Its characters.
        ids: Its token ids.
        words: Its telling words, folded and cut to a crude stem.
    """

    span: Span
    ids: tuple[int, ...]
    words: frozenset[str]


def telling_words(text: str) -> frozenset[str]:
    """Give the words that tell one text from another.

    Args:
        text: Any text.

    Returns:
        Its words without stopwords, folded, cut after six characters so that inflections meet.
    """
    words = (word.casefold() for word in _WORD.findall(text))
    return frozenset(word[:_STEM_CHARS] for word in words if word not in STOPWORDS)


def sentences(tokenizer: Tokenizer, source: str, max_tokens: int) -> tuple[Sentence, ...]:
    """Split a source.

    Args:
        tokenizer: A tokenizer that neither truncates nor pads.
        source: The text.
        max_tokens: A longer sentence is cut into pieces of this size.

    Returns:
        Its sentences in order; every token of the source is in one of them.
    """
    spans = [span for paragraph in _paragraphs(source) for span in split_sentences(source, *paragraph)]
    encodings = tokenizer.encode_batch(
        [encodable(source[span.start : span.end]) for span in spans], add_special_tokens=False
    )
    found: list[Sentence] = []
    for span, encoding in zip(spans, encodings, strict=True):
        for start in range(0, len(encoding.ids), max_tokens):
            offsets = encoding.offsets[start : start + max_tokens]
            piece = Span(span.start + offsets[0][0], span.start + offsets[-1][1])
            whole = span if len(encoding.ids) <= max_tokens else piece
            words = telling_words(source[whole.start : whole.end])
            found.append(Sentence(whole, tuple(encoding.ids[start : start + max_tokens]), words))
    return tuple(found)


def windows(source: Sequence[Sentence], max_tokens: int) -> list[list[int]]:
    """Cut a source into windows of consecutive sentences.

    Args:
        source: The sentences, none longer than the window.
        max_tokens: Most tokens of a window.

    Returns:
        Indices of the sentences of each window; every sentence is in exactly one.
    """
    cut: list[list[int]] = [[]]
    room = max_tokens
    for index, sentence in enumerate(source):
        if cut[-1] and len(sentence.ids) > room:
            cut.append([])
            room = max_tokens
        cut[-1].append(index)
        room -= len(sentence.ids)
    return cut


def digest(source: Sequence[Sentence], claim: frozenset[str], max_tokens: int) -> list[int]:
    """Choose the sentences that share most with a claim.

    Args:
        source: The sentences, none longer than the digest.
        claim: The claim's telling words.
        max_tokens: Most tokens of the digest.

    Returns:
        Indices of the chosen sentences, in the order of the source.
    """
    in_sentences = Counter(word for sentence in source for word in sentence.words)
    worth = {word: math.log(1 + len(source) / in_sentences[word]) for word in claim if word in in_sentences}
    left = {index: sentence.words & worth.keys() for index, sentence in enumerate(source)}
    chosen: list[int] = []
    room = max_tokens
    while True:
        fitting = [index for index in left if len(source[index].ids) <= room]
        if not fitting:
            return sorted(chosen)
        # A long sentence holds many words by chance; the earlier one wins a tie.
        gains = {
            index: sum(worth[word] for word in sorted(left[index])) / (len(source[index].ids) + 10) ** 0.5
            for index in fitting
        }
        best = max(fitting, key=lambda index: (gains[index], -index))
        chosen.append(best)
        room -= len(source[best].ids)
        for word in left.pop(best):
            if worth[word] > 0:
                worth[word] *= _SEEN_AGAIN


def _paragraphs(text: str) -> Iterator[Span]:
    """Yield what stands between blank lines, which no sentence crosses."""
    start = 0
    for gap in re.finditer(r"\n[^\S\n]*\n\s*", text):
        yield Span(start, gap.start())
        start = gap.end()
    yield Span(start, len(text))
