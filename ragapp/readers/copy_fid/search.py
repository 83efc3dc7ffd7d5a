"""Exact span search over the copy distribution.

A span that begins at a source position can only go on with the next position, so the decoder's input for every
continuation is known beforehand: one step scores all starts, and one more pass scores all lengths of many starts at
once. No span is likelier than its start, so once the best span found is likelier than the next start, no other span can
beat it: the search is exact without following every start (best-first search with an admissible bound, Hart, Nilsson &
Raphael 1968). Nothing is sampled and no loop runs over tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from ragapp.readers.copy_fid.features import EncodedPair
from ragapp.readers.copy_fid.model import CopyFid, Memory


class TokenSpan(NamedTuple):
    """A span of a passage's text tokens, ``[start, end)``, and its log-probability."""

    passage: int
    start: int
    end: int
    log_probability: float


class SpanSearch(NamedTuple):
    """Every span that was scored, best first, and the alternative of saying nothing."""

    spans: tuple[TokenSpan, ...]
    null_log_probability: float
    """log p(ending before the first word), on the same scale as the spans'."""
    exact: bool
    """Whether no span that was not scored can be likelier than the best one."""


Strategy = Literal["exact", "beam", "greedy"]
"""How far starts are followed: until the best span is certain; the likeliest `STARTS`; only the likeliest, ended where
ending is likelier than going on. The last two are there to be compared with."""

STARTS = 8
"""Starts that are followed side by side."""
_MOST_STARTS = 64
"""A question whose starts are all equally unlikely would follow them all; it has no answer anyway."""


class _Layout(NamedTuple):
    """The source positions of one question's memory, each (M,)."""

    tokens: Tensor
    """int64 token ids."""
    run_length: Tensor
    """int64, how many tokens of the paragraph follow, counting this one; 0 where nothing may be copied."""
    begins_word: Tensor
    """bool, whether an answer may begin here."""
    ends_word: Tensor
    """bool, whether an answer may end with this token."""


def search_spans(
    model: CopyFid, memory: Memory, pairs: Sequence[EncodedPair], strategy: Strategy = "exact"
) -> SpanSearch:
    """Score the spans that begin at the likeliest starts, in every length, on whole words.

    Args:
        model: The network.
        memory: The memory of one question (B = 1), its N passages in the order of ``pairs``.
        pairs: The N pairs it was made from.
        strategy: How far starts are followed.

    Returns:
        Scored spans, best first (ties by position), and the log-probability of the empty answer.
    """
    layout = _layout(pairs, memory.states.shape[1], memory.states.device)
    first = model.decode(memory, torch.tensor([[model.start_id]]), torch.tensor([[-1]]))
    null = first.end[0, 0].item()
    start_scores = first.copy[0, 0].masked_fill(~layout.begins_word, float("-inf"))  # (M,)
    most = {"exact": _MOST_STARTS, "beam": STARTS, "greedy": 1}[strategy]
    bounds, starts = start_scores.topk(min(most + 1, int(layout.begins_word.sum())))  # (K + 1,) or fewer
    spans: list[TokenSpan] = []
    best, followed = float("-inf"), 0
    while followed < min(most, len(starts)) and best < bounds[followed].item():
        until = min(followed + STARTS, most)
        block = _follow(model, memory, pairs, layout, starts[followed:until], strategy)
        followed = until
        spans.extend(block)
        best = max(best, *(span.log_probability for span in block)) if block else best
    spans.sort(key=lambda span: (-span.log_probability, span[:3]))
    return SpanSearch(tuple(spans), null, followed >= len(starts) or best >= bounds[followed].item())


def expected_f1(spans: Sequence[TokenSpan], probabilities: Sequence[float]) -> list[float]:
    """Give the token F1 each span can be expected to have, were each of them right with its probability.

    Choosing by it is minimum Bayes risk decoding (Kumar & Byrne 2004): where the probability is spread over longer and
    shorter forms of an answer, it prefers the form that shares most with the others to the likeliest single one.

    Args:
        spans: S spans; those of different passages share nothing.
        probabilities: S probabilities.

    Returns:
        S numbers from 0 to 1.
    """
    if not spans:
        return []
    passage, start, end = torch.tensor([span[:3] for span in spans]).unbind(1)  # (S,) each
    shared = torch.minimum(end[:, None], end) - torch.maximum(start[:, None], start)  # (S, S)
    shared = shared.clamp(min=0) * (passage[:, None] == passage)
    lengths = end - start
    f1 = 2 * shared / (lengths[:, None] + lengths)  # (S, S)
    return (f1.double() @ torch.tensor(probabilities, dtype=torch.float64)).tolist()


def _follow(
    model: CopyFid,
    memory: Memory,
    pairs: Sequence[EncodedPair],
    layout: _Layout,
    starts: Tensor,
    strategy: Strategy,
) -> list[TokenSpan]:
    """Score every span that begins at one of K starts (K,)."""
    length = min(model.config.max_answer_tokens, int(layout.run_length[starts].max()))  # L
    steps = torch.arange(length, device=starts.device)
    positions = starts[:, None] + steps  # (K, L) source position of the t-th answer token
    inside = steps < layout.run_length[starts][:, None]  # (K, L)
    positions = positions.clamp(max=layout.tokens.shape[0] - 1)
    follow = model.decode(memory, *_forced(model, layout, positions, inside), branches=len(starts))
    copy = follow.copy[0].unflatten(0, (len(starts), length + 1))  # (K, L + 1, M)
    end = follow.end[0].unflatten(0, (len(starts), length + 1))  # (K, L + 1)
    step_scores = copy[:, :-1].gather(2, positions.unsqueeze(-1)).squeeze(-1)  # (K, L) log p of each copied token
    scores = step_scores.cumsum(1) + end[:, 1:]  # (K, L) of the span that ends with the t-th token
    allowed = inside & layout.ends_word[positions]  # (K, L)
    if strategy == "greedy":
        go_on = torch.nn.functional.pad(step_scores[:, 1:], (0, 1), value=float("-inf"))  # (K, L)
        allowed = _first(allowed & (end[:, 1:] >= go_on)) if length else allowed
    scores = scores.masked_fill(~allowed, float("-inf"))

    width = memory.states.shape[1] // len(pairs)  # T
    spans: list[TokenSpan] = []
    for k, t in scores.isfinite().nonzero().tolist():
        passage, token = divmod(int(starts[k]), width)
        start = token - pairs[passage].text_start
        spans.append(TokenSpan(passage, start, start + t + 1, scores[k, t].item()))
    return spans


def _first(chosen: Tensor) -> Tensor:
    """Keep the first True of each row of (K, L) bool."""
    return chosen & (chosen.cumsum(1) == 1)


def _forced(model: CopyFid, layout: _Layout, positions: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
    """Decoder inputs (1, K * (L + 1)) that force each branch along its source positions (K, L)."""
    copied = torch.where(inside, positions, -1)
    tokens = torch.where(inside, layout.tokens[positions], model.end_id)
    begin = torch.full_like(tokens[:, :1], model.start_id)
    tokens = torch.cat((begin, tokens), 1)  # (K, L + 1)
    sources = torch.cat((torch.full_like(begin, -1), copied), 1)
    return tokens.reshape(1, -1), sources.reshape(1, -1)


def _layout(pairs: Sequence[EncodedPair], positions: int, device: torch.device) -> _Layout:
    width = positions // len(pairs)
    tokens = torch.zeros(len(pairs), width, dtype=torch.int64)
    run_length = torch.zeros_like(tokens)
    begins = torch.zeros(len(pairs), width, dtype=torch.bool)
    ends = torch.zeros_like(begins)
    for row, pair in enumerate(pairs):
        count, start = len(pair.offsets), pair.text_start
        if count == 0:
            continue
        tokens[row, : len(pair.ids)] = torch.tensor(pair.ids)
        run_length[row, start : start + count] = torch.tensor(_runs(pair.paragraph_ends))
        begins[row, start : start + count] = torch.tensor(pair.word_starts)
        ends[row, start : start + count] = torch.tensor([*pair.word_starts[1:], True])
    return _Layout(*(tensor.reshape(-1).to(device) for tensor in (tokens, run_length, begins, ends)))


def _runs(paragraph_ends: Sequence[bool]) -> list[int]:
    """Count, for each token, the tokens to the end of its paragraph, itself included."""
    runs: list[int] = []
    for ends in reversed(paragraph_ends):
        runs.append(1 if ends or not runs else runs[-1] + 1)
    return runs[::-1]
