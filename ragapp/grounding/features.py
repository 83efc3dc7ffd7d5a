"""From claims and sources to the tensors of the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from tokenizers import Tokenizer
from torch import Tensor

from ragapp.grounding.evidence import Sentence, digest, sentences, telling_words, windows
from ragapp.grounding.model import CheckerConfig
from ragapp.indexes.encoder_torch import encodable
from ragapp.indexes.types import Span
from ragapp.readers.copy_fid.features import special_ids

_FOUND = 1 / 3
"""Share of a claim's telling words that a digest must have to be read alone."""


class Claim(NamedTuple):
    """A claim, or a piece of a very long one, as tokens.

    Attributes:
        ids: Token ids.
        offsets: Characters of the claim of each token.
        words: The claim's telling words.
    """

    ids: tuple[int, ...]
    offsets: tuple[Span, ...]
    words: frozenset[str]


class Input(NamedTuple):
    """One row of a batch: ``[CLS] claim [SEP] evidence [SEP]``.

    Attributes:
        claim: The claim.
        evidence: Sentences of the source, in order.
    """

    claim: Claim
    evidence: tuple[Sentence, ...]

    @property
    def tokens(self) -> int:
        """Tokens of the row, special ones included."""
        return len(self.claim.ids) + sum(len(sentence.ids) for sentence in self.evidence) + 3

    @property
    def evidence_start(self) -> int:
        """Index of the evidence's first token in the row."""
        return len(self.claim.ids) + 2


class Batch(NamedTuple):
    """P padded rows of at most T tokens; the arguments of the network in order."""

    input_ids: Tensor
    """(P, T) int64."""
    mask: Tensor
    """(P, T) bool."""
    type_ids: Tensor
    """(P, T) int64."""
    claim: Tensor
    """(P, T) bool."""
    evidence: Tensor
    """(P, T) bool."""

    def to(self, device: torch.device) -> Batch:
        """Move to a device."""
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in self))


class Featurizer:
    """Builds the inputs and batches of a checker.

    Args:
        tokenizer: The encoder's tokenizer, BERT-like.
        config: The checker's architecture, for its length limits.
    """

    def __init__(self, tokenizer: Tokenizer, config: CheckerConfig) -> None:
        self.tokenizer = tokenizer
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.config = config
        self.cls_id, self.sep_id, self.pad_id = special_ids(tokenizer)
        self._evidence_type = 1 if config.encoder.get("type_vocab_size", 2) != 1 else 0

    def claims(self, claim: str) -> tuple[Claim, ...]:
        """Tokenize a claim.

        Args:
            claim: The text.

        Returns:
            The claim, in pieces if it is longer than ``max_claim_tokens``; nothing if it has no token.
        """
        encoding = self.tokenizer.encode(encodable(claim), add_special_tokens=False)
        size = self.config.max_claim_tokens
        pieces: list[Claim] = []
        for start in range(0, len(encoding.ids), size):
            offsets = tuple(Span(*offset) for offset in encoding.offsets[start : start + size])
            words = telling_words(claim[offsets[0].start : offsets[-1].end])
            pieces.append(Claim(tuple(encoding.ids[start : start + size]), offsets, words))
        return tuple(pieces)

    def source(self, source: str) -> tuple[Sentence, ...]:
        """Split a source into tokenized sentences."""
        return sentences(self.tokenizer, source, self.config.max_evidence_tokens)

    def inputs(self, claim: Claim, source: Sequence[Sentence]) -> list[Input]:
        """Pair a claim with what a source has on it.

        Args:
            claim: The claim.
            source: The source's sentences.

        Returns:
            One input if the source fits; else the digest, which comes last, and before it every window if the digest
            has less than a third of the claim's words: then words can't tell where the evidence stands. Nothing
            without a sentence.
        """
        if not source:
            return []
        cut = windows(source, self.config.max_evidence_tokens)
        if len(cut) > 1:
            chosen = digest(source, claim.words, self.config.max_evidence_tokens)
            there = claim.words & frozenset().union(*(source[index].words for index in chosen))
            cut = [chosen] if claim.words and len(there) >= _FOUND * len(claim.words) else [*cut, chosen]
        return [Input(claim, tuple(source[index] for index in indices)) for indices in cut]

    def batch(self, inputs: Sequence[Input]) -> Batch:
        """Pad inputs to the longest of them or a little more.

        Args:
            inputs: P inputs.

        Returns:
            Tensors of shape (P, T).
        """
        # In steps of 16: oneDNN keeps code for every shape it meets, and memory would grow with their number.
        shape = (len(inputs), -(-max(row.tokens for row in inputs) // 16) * 16)
        input_ids = torch.full(shape, self.pad_id, dtype=torch.int64)
        type_ids = torch.zeros(shape, dtype=torch.int64)
        mask, claim, evidence = (torch.zeros(shape, dtype=torch.bool) for _ in range(3))
        for number, row in enumerate(inputs):
            ids = [self.cls_id, *row.claim.ids, self.sep_id]
            for sentence in row.evidence:
                ids += sentence.ids
            ids.append(self.sep_id)
            start = row.evidence_start
            input_ids[number, : len(ids)] = torch.tensor(ids)
            mask[number, : len(ids)] = True
            type_ids[number, start : len(ids)] = self._evidence_type
            claim[number, 1 : start - 1] = True
            evidence[number, start : len(ids) - 1] = True
        return Batch(input_ids, mask, type_ids, claim, evidence)
