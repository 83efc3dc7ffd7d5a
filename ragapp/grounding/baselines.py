"""Checkers that no one trained, to compare trained ones with."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ragapp.grounding.base import ClaimPair, Judgement
from ragapp.grounding.evidence import telling_words
from ragapp.indexes.types import Span
from ragapp.ingest.sentences import split_sentences

LEXICAL_NAME = "lexical"
_SUPPORTED_FROM = 0.7


class LexicalChecker:
    """Holds a claim supported if its source has most of its words; an honest baseline that cannot tell a negation."""

    name = LEXICAL_NAME
    model_hash = hashlib.sha256(f"telling words {_SUPPORTED_FROM}".encode()).hexdigest()

    def check(self, pairs: Sequence[ClaimPair]) -> tuple[Judgement, ...]:
        """Judge pairs by word overlap; see `ragapp.grounding.base.Checker.check`.

        Args:
            pairs: Claims with their sources.

        Returns:
            As ``p_supported`` the share of the claim's telling words that the source has; as evidence the sentence
            that has most of them.
        """
        return tuple(_judge(pair) for pair in pairs)


def _judge(pair: ClaimPair) -> Judgement:
    claim = telling_words(pair.claim)
    share = len(claim & telling_words(pair.source)) / max(1, len(claim))
    sentences = list(split_sentences(pair.source))
    best = max(sentences, key=lambda span: len(claim & telling_words(pair.source[span.start : span.end])), default=None)
    evidence = Span(best.start, best.end) if best else None
    return Judgement(share, "supported" if share >= _SUPPORTED_FROM else "not_supported", evidence)
