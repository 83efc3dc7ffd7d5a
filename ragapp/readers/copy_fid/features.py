"""From a question and passages to the tensors of the network, and from token positions back to characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from tokenizers import Tokenizer
from torch import Tensor

from ragapp.errors import ModelError
from ragapp.indexes.encoder_torch import encodable
from ragapp.indexes.types import Span
from ragapp.readers.base import ReaderPassage
from ragapp.readers.copy_fid.model import CopyFidConfig

_MAX_HEADING_TOKENS = 32


@dataclass(frozen=True, slots=True)
class EncodedPair:
    """One question–passage pair as the encoder sees it: ``[CLS] question [SEP] heading passage [SEP]``.

    Attributes:
        ids: Token ids.
        question_tokens: Length of ``[CLS] question [SEP]``.
        text_start: Index of the first token of the passage's text.
        offsets: Characters of the passage's text of each of its tokens.
        word_starts: For each of them, whether a word begins there.
        paragraph_ends: For each of them, whether a blank line follows, which no answer crosses.
    """

    ids: list[int]
    question_tokens: int
    text_start: int
    offsets: list[Span]
    word_starts: list[bool]
    paragraph_ends: list[bool]


class PairBatch(NamedTuple):
    """P padded pairs of at most T tokens."""

    input_ids: Tensor
    """(P, T) int64."""
    mask: Tensor
    """(P, T) bool."""
    type_ids: Tensor
    """(P, T) int64."""
    copyable: Tensor
    """(P, T) bool, tokens of the passages' own text."""

    def to(self, device: torch.device) -> PairBatch:
        """Move to a device."""
        return PairBatch(*(tensor.to(device, non_blocking=True) for tensor in self))


class Featurizer:
    """Builds pairs and batches.

    Args:
        tokenizer: The encoder's tokenizer, BERT-like or RoBERTa-like (see `special_ids`).
        config: The reader's architecture, for its length limits.
    """

    def __init__(self, tokenizer: Tokenizer, config: CopyFidConfig) -> None:
        self.tokenizer = tokenizer
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.config = config
        self.cls_id, self.sep_id, self.pad_id = special_ids(tokenizer)
        self._passage_type = 1 if config.encoder.get("type_vocab_size", 2) != 1 else 0

    def pairs(self, question: str, passages: Sequence[ReaderPassage]) -> list[EncodedPair]:
        """Tokenize a question with each of its passages.

        Args:
            question: The question; cut after ``max_question_tokens``.
            passages: The passages; a text that does not fit is cut at its end.

        Returns:
            One pair a passage, in order.
        """
        headings = [passage.heading for passage in passages]
        encodings = self.tokenizer.encode_batch(
            [encodable(text) for text in (question, *headings, *(passage.text for passage in passages))],
            add_special_tokens=False,
        )
        prefix = [self.cls_id, *encodings[0].ids[: self.config.max_question_tokens], self.sep_id]
        pairs: list[EncodedPair] = []
        texts = encodings[len(passages) + 1 :]
        for passage, heading, text in zip(passages, encodings[1 : len(passages) + 1], texts, strict=True):
            start = [*prefix, *heading.ids[:_MAX_HEADING_TOKENS]]
            room = self.config.max_input_tokens - len(start) - 1
            words = text.word_ids[:room]
            offsets = [Span(*offset) for offset in text.offsets[:room]]
            pairs.append(
                EncodedPair(
                    ids=[*start, *text.ids[:room], self.sep_id],
                    question_tokens=len(prefix),
                    text_start=len(start),
                    offsets=offsets,
                    word_starts=[i == 0 or word != words[i - 1] for i, word in enumerate(words)],
                    paragraph_ends=[
                        "\n\n" in passage.text[this.end : following.start] for this, following in pairwise(offsets)
                    ]
                    + [True] * bool(offsets),
                )
            )
        return pairs

    def batch(self, pairs: Sequence[EncodedPair]) -> PairBatch:
        """Pad pairs to the longest of them or a little more.

        Args:
            pairs: P pairs.

        Returns:
            Tensors of shape (P, T).
        """
        # In steps of 16: oneDNN keeps code for every shape it meets, and memory would grow with their number.
        shape = (len(pairs), -(-max(len(pair.ids) for pair in pairs) // 16) * 16)
        input_ids = torch.full(shape, self.pad_id, dtype=torch.int64)
        type_ids = torch.zeros(shape, dtype=torch.int64)
        mask = torch.zeros(shape, dtype=torch.bool)
        copyable = torch.zeros(shape, dtype=torch.bool)
        for row, pair in enumerate(pairs):
            length = len(pair.ids)
            input_ids[row, :length] = torch.tensor(pair.ids)
            type_ids[row, pair.question_tokens : length] = self._passage_type
            mask[row, :length] = True
            copyable[row, pair.text_start : length - 1] = True
        return PairBatch(input_ids, mask, type_ids, copyable)


def special_ids(tokenizer: Tokenizer) -> tuple[int, int, int]:
    """Find the ids of the start, separator and padding tokens.

    Args:
        tokenizer: A BERT-like or RoBERTa-like tokenizer.

    Returns:
        Ids of ``[CLS]``, ``[SEP]``, ``[PAD]`` or of their RoBERTa counterparts.

    Raises:
        ModelError: If one of them is missing.
    """
    found: list[int] = []
    for names in (("[CLS]", "<s>"), ("[SEP]", "</s>"), ("[PAD]", "<pad>")):
        ids = [i for i in (tokenizer.token_to_id(name) for name in names) if i is not None]
        if not ids:
            raise ModelError(
                f"The encoder's tokenizer has neither {names[0]!r} nor {names[1]!r}, which copy-fid needs.",
                "choose a BERT-like or RoBERTa-like encoder",
            )
        found.append(ids[0])
    return found[0], found[1], found[2]
