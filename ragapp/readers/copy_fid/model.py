"""copy-fid: a fusion-in-decoder reader that answers by pointing into its passages.

Each passage is encoded on its own together with the question, and one small decoder attends over the states of all of
them (fusion-in-decoder, Izacard & Grave 2021, arXiv:2007.01282). What it emits is a mixture of copying a source
position and generating a word (pointer-generator, See et al. 2017, arXiv:1704.04368); a copied position is fed back
as the state it was copied from (selective read of CopyNet, Gu et al. 2016, arXiv:1603.06393). Passages share no
position, so their order carries no information.

Shapes are written with these letters:
    B questions, N passages a question, T tokens a passage, M = N * T source positions of a question,
    A decoder steps, D width, H heads, V words.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ragapp.indexes.encoder_bert import Bert, BertConfig


@dataclass(frozen=True, slots=True)
class CopyFidConfig:
    """Architecture of a copy-fid reader.

    Attributes:
        encoder: Configuration of the encoder as transformers writes it (``config.json``).
        decoder_layers: Number of decoder blocks.
        decoder_heads: Attention heads in each of them.
        max_answer_tokens: Longest answer, in tokens.
        max_question_tokens: Longer questions are cut there.
        max_input_tokens: Question, heading and passage together, with the three special tokens.
    """

    encoder: dict[str, object]
    decoder_layers: int = 3
    decoder_heads: int = 12
    max_answer_tokens: int = 30
    max_question_tokens: int = 64
    max_input_tokens: int = 288

    def to_json(self) -> dict[str, object]:
        """Give the configuration as plain JSON types."""
        return asdict(self)


class Memory(NamedTuple):
    """What the decoder reads: the states of all passages of each question, side by side."""

    states: Tensor
    """(B, M, D) encoder states."""
    readable: Tensor
    """(B, M) bool, False at padding."""
    copyable: Tensor
    """(B, M) bool, True at the tokens of the passages' own text."""
    answerability: Tensor
    """(B, N) float32 logit that the passage answers the question; "none of them" has logit 0."""
    keys_values: tuple[tuple[Tensor, Tensor], ...]
    """The states as each decoder layer's cross-attention needs them, (B, H, M, D / H) twice."""


class StepScores(NamedTuple):
    """Log-probabilities of what the decoder does at each step, float32."""

    copy: Tensor
    """(B, A, M) log p(copy) + log p(source position | copy); -inf where nothing may be copied."""
    end: Tensor
    """(B, A) log p(generate) + log p(end of answer | generate)."""


class Attention(nn.Module):
    """Multi-head attention (Vaswani et al. 2017) of a query sequence over a memory."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def project(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Project a memory to keys and values once, for any number of queries.

        Args:
            memory: (B, M, D).

        Returns:
            Keys and values, (B, H, M, D / H) each.
        """
        key, value = self.key_value(memory).chunk(2, dim=-1)  # (B, M, D) each
        return self._split(key), self._split(value)

    def forward(self, x: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
        """Attend.

        Args:
            x: (B, A, D) queries.
            key: (B, H, M, D / H).
            value: (B, H, M, D / H).
            mask: bool, broadcast to (B, H, A, M); True where attention may go.

        Returns:
            (B, A, D).
        """
        y = F.scaled_dot_product_attention(self._split(self.query(x)), key, value, attn_mask=mask)  # (B, H, A, D / H)
        return self.out(y.transpose(1, 2).flatten(2))  # (B, A, D)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, L, D) -> (B, H, L, D / H)


class DecoderLayer(nn.Module):
    """A pre-norm Transformer decoder block: self-attention, cross-attention, feed-forward."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.self_attention = Attention(width, heads)
        self.cross_attention = Attention(width, heads)
        self.feed_forward = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def project(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Give the memory (B, M, D) as this block's cross-attention needs it, (B, H, M, D / H) twice."""
        return self.cross_attention.project(memory)

    def forward(self, x: Tensor, causal: Tensor, key: Tensor, value: Tensor, readable: Tensor) -> Tensor:
        """Run the block.

        Args:
            x: (B, A, D).
            causal: (A, A) bool, lower triangle.
            key: (B, H, M, D / H) of the source.
            value: (B, H, M, D / H) of the source.
            readable: (B, 1, 1, M) bool.

        Returns:
            (B, A, D).
        """
        y = self.norms[0](x)
        x = x + self.self_attention(y, *self.self_attention.project(y), causal)
        x = x + self.cross_attention(self.norms[1](x), key, value, readable)
        return x + self.feed_forward(self.norms[2](x))


class CopyFid(nn.Module):
    """The reader's network: encoder, answerability head, copying decoder.

    Args:
        config: The architecture.
        start_id: Token the decoder starts from ([CLS]).
        end_id: Word that ends an answer ([SEP]).
    """

    def __init__(self, config: CopyFidConfig, start_id: int, end_id: int) -> None:
        super().__init__()
        self.config = config
        self.start_id, self.end_id = start_id, end_id
        architecture = BertConfig.from_json(config.encoder)
        # It has no dropout, which takes 40 % of a training step on a CPU; the mixture is seen about once.
        self.encoder = Bert(architecture)
        width = architecture.hidden_size
        self.answerable = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, 1))
        self.positions = nn.Embedding(config.max_answer_tokens + 1, width)
        self.selective_read = nn.Linear(width, width, bias=False)
        self.input_norm = nn.LayerNorm(width)
        layers = [DecoderLayer(width, config.decoder_heads) for _ in range(config.decoder_layers)]
        self.layers = nn.ModuleList(layers)
        self.output_norm = nn.LayerNorm(width)
        self.copy_query = nn.Linear(width, width, bias=False)
        self.gate = nn.Linear(2 * width, 1)
        self.to_word = nn.Linear(width, width)
        self.word_bias = nn.Parameter(torch.zeros(architecture.vocab_size))

    def encode(self, input_ids: Tensor, mask: Tensor, type_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Encode question–passage pairs, each on its own.

        Args:
            input_ids: (P, T) int64.
            mask: (P, T) bool, False at padding.
            type_ids: (P, T) int64, 0 for the question, 1 for heading and passage.

        Returns:
            States (P, T, D) and answerability logits (P,) float32.
        """
        states: Tensor = self.encoder(input_ids, mask, type_ids)
        return states, self.answerable(states[:, 0]).squeeze(-1).float()

    def remember(self, states: Tensor, answerability: Tensor, mask: Tensor, copyable: Tensor, passages: int) -> Memory:
        """Lay the passages of each question side by side.

        Args:
            states: (B * N, T, D), a question's passages one after the other.
            answerability: (B * N,).
            mask: (B * N, T) bool.
            copyable: (B * N, T) bool.
            passages: N.

        Returns:
            The memory of B questions.
        """
        batch = states.shape[0] // passages
        states = states.reshape(batch, -1, states.shape[-1])  # (B * N, T, D) -> (B, M, D)
        return Memory(
            states,
            mask.reshape(batch, -1),
            copyable.reshape(batch, -1),
            answerability.reshape(batch, passages),
            tuple(cast(DecoderLayer, layer).project(states) for layer in self.layers),
        )

    def decode(self, memory: Memory, tokens: Tensor, sources: Tensor, branches: int = 1) -> StepScores:
        """Score every next action after each prefix of one or several answers.

        Args:
            memory: The passages of B questions.
            tokens: (B, A) int64, what was emitted before each step; the first of a branch is ``start_id``.
            sources: (B, A) int64, the source position each of them was copied from, -1 for none.
            branches: How many answers of A / branches steps stand one after the other in A. They share the memory and
                do not see each other, so that a search scores them in one pass.

        Returns:
            Log-probabilities of copying each position and of ending.
        """
        steps = tokens.shape[1] // branches
        index = sources.clamp(min=0).unsqueeze(-1).expand(-1, -1, memory.states.shape[-1])  # (B, A, D)
        read = memory.states.gather(1, index) * (sources >= 0).unsqueeze(-1)  # (B, A, D)
        words = self.encoder.embeddings.word_embeddings(tokens)  # (B, A, D)
        x = self.input_norm(words + self.positions.weight[:steps].repeat(branches, 1) + self.selective_read(read))
        causal = torch.ones(steps, steps, dtype=torch.bool, device=x.device).tril()
        if branches > 1:
            causal = torch.block_diag(*[causal] * branches)  # (A, A)
        readable = memory.readable[:, None, None, :]  # (B, 1, 1, M)
        for layer, (key, value) in zip(self.layers, memory.keys_values, strict=True):
            x = layer(x, causal, key, value, readable)
        return self.actions(memory, self.output_norm(x))

    def actions(self, memory: Memory, x: Tensor) -> StepScores:
        """Turn decoder states (B, A, D) into the log-probabilities of the next action."""
        scores = self.copy_query(x) @ memory.states.transpose(1, 2) * x.shape[-1] ** -0.5  # (B, A, M)
        prior = memory.answerability.repeat_interleave(
            scores.shape[-1] // memory.answerability.shape[1], dim=1
        )  # (B, M)
        scores = scores.float() + prior.unsqueeze(1)
        scores = scores.masked_fill(~memory.copyable.unsqueeze(1), float("-inf"))
        copy = scores.log_softmax(-1).nan_to_num(nan=float("-inf"))  # a question without any word has nothing to copy
        context = copy.exp().to(x.dtype) @ memory.states  # (B, A, D)
        gate = self.gate(torch.cat((x, context), -1)).squeeze(-1).float()  # (B, A)
        words = F.linear(self.to_word(x), self.encoder.embeddings.word_embeddings.weight, self.word_bias)  # (B, A, V)
        end = words[..., self.end_id].float() - words.float().logsumexp(-1)  # (B, A)
        return StepScores(copy + F.logsigmoid(gate).unsqueeze(-1), end + F.logsigmoid(-gate))


class Targets(NamedTuple):
    """What the reader should have said, for B questions."""

    tokens: Tensor
    """(B, A) int64 decoder inputs, the first is the start token."""
    sources: Tensor
    """(B, A) int64 source positions of those inputs, -1 for none."""
    actions: Tensor
    """(B, A) int64 source position to copy at each step, `END` to end the answer, `PAD` after it."""
    gold_passage: Tensor
    """(B,) int64 index of the answering passage, N where none answers."""


END, PAD = -1, -2


class Losses(NamedTuple):
    """Mean negative log-likelihoods a question, float32 scalars."""

    span: Tensor
    passage: Tensor

    @property
    def total(self) -> Tensor:
        """What is minimised."""
        return self.span + self.passage


Supervision = Literal["position", "occurrences", "words"]
"""What counts as right to copy: where the answer was marked, wherever it stands, or any token that reads the same."""


def loss(model: CopyFid, memory: Memory, targets: Targets, right: Tensor | None = None) -> Losses:
    """Negative log-likelihood of what should be copied, the end, and the answering passage.

    Args:
        model: The network.
        memory: The passages of B questions.
        targets: What should have been said.
        right: (B, A, M) bool, the positions of which any is right to copy at a step, as `right_positions` gives them;
            only the supervised one if not given.

    Returns:
        Both parts of the loss.
    """
    scores = model.decode(memory, targets.tokens, targets.sources)
    if right is None:
        copied = scores.copy.gather(2, targets.actions.clamp(min=0).unsqueeze(-1)).squeeze(-1)  # (B, A)
    else:
        copied = scores.copy.masked_fill(~right, torch.finfo(torch.float32).min).logsumexp(-1)  # (B, A)
    chosen = torch.where(targets.actions >= 0, copied, scores.end)
    span = -chosen.masked_fill(targets.actions == PAD, 0.0).sum() / targets.tokens.shape[0]
    none = memory.answerability.new_zeros(memory.answerability.shape[0], 1)
    passage = F.cross_entropy(
        torch.cat((memory.answerability, none), 1), targets.gold_passage
    )  # over N passages + none
    return Losses(span, passage)


def right_positions(
    ids: Tensor, copyable: Tensor, actions: Tensor, supervision: Literal["occurrences", "words"]
) -> Tensor:
    """Find the source positions that say at each step what the answer says there.

    Marginalising over them is the marginal likelihood of Clark & Gardner 2018 (arXiv:1710.10723) for ``occurrences``,
    the likelihood of the pointer-generator for ``words``.

    Args:
        ids: (B, M) int64 source tokens.
        copyable: (B, M) bool, True at the tokens of the passages' own text.
        actions: (B, A) int64 as in `Targets`.
        supervision: Whether the whole answer must stand there, or only the token of the step.

    Returns:
        (B, A, M) bool; False throughout at a step that copies nothing.
    """
    copies = actions >= 0
    said = ids.gather(1, actions.clamp(min=0))  # (B, A)
    same = (ids[:, None, :] == said[:, :, None]) & copyable[:, None, :] & copies[:, :, None]  # (B, A, M)
    if supervision == "words":
        return same
    # An answer stands at s if its step t is said at s + t. What is rolled past an end meets a token of no passage.
    steps = range(actions.shape[1])
    starts = copyable.clone()
    for step in steps:
        starts &= same[:, step].roll(-step, dims=1) | ~copies[:, step, None]
    return torch.stack([starts.roll(step, dims=1) for step in steps], dim=1) & same
