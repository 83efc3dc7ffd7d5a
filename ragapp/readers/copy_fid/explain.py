"""Why an answer was copied from where it was: the copy distribution over the passages while the answer was written.

The network is given the answer and its copy probabilities are read off at every token of it (the attention of a
pointer network, Vinyals et al. 2015, arXiv:1506.03134, made conditional on "copy"). Nothing is stored while a question
is answered; this works it out again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch.nn import functional

from ragapp.indexes.types import Span
from ragapp.readers.base import ReaderPassage
from ragapp.readers.copy_fid.reader import CopyFidReader


class WordWeight(NamedTuple):
    """A word of a passage and its share of the copying."""

    span: Span
    """Characters of the passage's text."""
    weight: float
    """0 to 1; over all words of all passages they sum to 1."""


@torch.inference_mode()
def copy_attention(
    reader: CopyFidReader, question: str, passages: Sequence[ReaderPassage], passage: int, answer: Span
) -> tuple[tuple[WordWeight, ...], ...]:
    """Tell which words the reader looked at while it copied an answer.

    Args:
        reader: Who answered.
        question: The question as it was understood.
        passages: The passages that were read.
        passage: Position of the answer's passage among them.
        answer: Characters of that passage's text.

    Returns:
        For each passage its words with the mean copy probability over the answer's tokens; empty where the answer
        covers no token that the reader saw.
    """
    encoded = reader.encode(reader.featurizer.pairs(question, passages))
    pairs = [one.pair for one in encoded]
    offsets = pairs[passage].offsets
    chosen = [i for i, token in enumerate(offsets) if token.start < answer.end and answer.start < token.end]
    chosen = chosen[: reader.model.config.max_answer_tokens]
    if not chosen:
        return tuple(() for _ in passages)
    device = next(reader.model.parameters()).device
    batch = reader.featurizer.batch(pairs).to(device)
    width = batch.mask.shape[1]
    states = torch.stack([functional.pad(one.states, (0, 0, 0, width - one.states.shape[0])) for one in encoded])
    logits = torch.tensor([one.logit for one in encoded], device=device)
    memory = reader.model.remember(states, logits, batch.mask, batch.copyable, len(pairs))
    sources = [pairs[passage].text_start + i for i in chosen[:-1]]
    tokens = [reader.model.start_id, *(pairs[passage].ids[source] for source in sources)]
    places = [-1, *(passage * width + source for source in sources)]
    scores = reader.model.decode(
        memory, torch.tensor([tokens], device=device), torch.tensor([places], device=device)
    )  # copy: (1, A, N * T)
    shares = scores.copy[0].softmax(-1).mean(0).reshape(len(pairs), width).tolist()  # (A, N * T) -> (N, T)
    return tuple(
        _words(share[pair.text_start :], pair.offsets, pair.word_starts)
        for share, pair in zip(shares, pairs, strict=True)
    )


def _words(shares: Sequence[float], offsets: Sequence[Span], word_starts: Sequence[bool]) -> tuple[WordWeight, ...]:
    """Add the tokens of each word up."""
    words: list[WordWeight] = []
    for share, span, starts in zip(shares, offsets, word_starts, strict=False):
        if starts or not words:
            words.append(WordWeight(span, share))
        else:
            words[-1] = WordWeight(Span(words[-1].span.start, span.end), words[-1].weight + share)
    return tuple(words)
