"""BERT's encoder (Devlin et al. 2019, arXiv:1810.04805) in one file.

Its parameters have the names of the checkpoints that transformers writes. Importing transformers' own class takes twice
as long as importing torch, and every question on the command line would wait for it.

Shapes are written with these letters: B texts, T tokens a text, D width, H heads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class BertConfig:
    """Architecture of a BERT encoder, under the names of ``config.json``."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    max_position_embeddings: int
    type_vocab_size: int
    layer_norm_eps: float

    @classmethod
    def from_json(cls, config: Mapping[str, object]) -> Self:
        """Take the architecture out of a ``config.json`` and leave the rest.

        Args:
            config: The file's content.

        Returns:
            The architecture.

        Raises:
            KeyError: If a name is missing.
        """
        return cls(**{field.name: config[field.name] for field in fields(cls)})  # pyright: ignore[reportArgumentType]


class Bert(nn.Module):
    """The encoder without its pooling layer.

    Args:
        config: The architecture.
    """

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load a trained encoder for inference.

        Args:
            folder: Folder with ``config.json`` and ``model.safetensors``.

        Returns:
            The encoder in float32, in evaluation mode.

        Raises:
            KeyError: If the configuration or the weights lack something.
        """
        config = BertConfig.from_json(json.loads((folder / "config.json").read_text("utf-8")))
        model = cls(config)
        weights = load_file(folder / "model.safetensors")
        model.load_state_dict({name: weights[name] for name in model.state_dict()}, assign=True)
        return model.eval()

    def forward(self, input_ids: Tensor, mask: Tensor, type_ids: Tensor) -> Tensor:
        """Encode texts.

        Args:
            input_ids: (B, T) int64.
            mask: (B, T) bool, False at padding.
            type_ids: (B, T) int64, the segment of each token.

        Returns:
            States (B, T, D).
        """
        x = self.embeddings(input_ids, type_ids)  # (B, T, D)
        for layer in self.encoder["layer"]:  # pyright: ignore[reportGeneralTypeIssues] - a ModuleList
            x = layer(x, mask[:, None, None])  # (B, T, D)
        return x


class Embeddings(nn.Module):
    """Sum of word, segment and position embeddings, normalised."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.word_embeddings = nn.Embedding(config.vocab_size, width)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, width)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, width)
        self.LayerNorm = nn.LayerNorm(width, config.layer_norm_eps)

    def forward(self, input_ids: Tensor, type_ids: Tensor) -> Tensor:
        """Embed tokens and segments, (B, T) each, as (B, T, D)."""
        positions = self.position_embeddings.weight[: input_ids.shape[1]]  # (T, D)
        return self.LayerNorm(self.word_embeddings(input_ids) + self.token_type_embeddings(type_ids) + positions)


class Layer(nn.Module):
    """A post-norm Transformer block (Vaswani et al. 2017, arXiv:1706.03762)."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        self.attention = Attention(config)
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, inner)})
        self.output = Output(inner, config)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Run the block on states (B, T, D); ``mask`` is (B, 1, 1, T)."""
        x = self.attention(x, mask)
        return self.output(F.gelu(self.intermediate["dense"](x)), x)


class Attention(nn.Module):
    """Multi-head self-attention with its residual connection."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.heads = config.num_attention_heads
        self.self = nn.ModuleDict({name: nn.Linear(width, width) for name in ("query", "key", "value")})
        self.output = Output(width, config)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Attend among states (B, T, D); ``mask`` is (B, 1, 1, T)."""
        query, key, value = (
            self.self[name](x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for name in ("query", "key", "value")
        )  # (B, H, T, D / H) each
        if torch.is_grad_enabled() and x.device.type == "cpu":
            # Written out: with the fused kernel's backward pass a training step on a CPU takes 1.7 times as long.
            scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)  # (B, H, T, T)
            attended = scores.masked_fill(~mask, float("-inf")).softmax(-1) @ value  # (B, H, T, D / H)
        else:
            attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)  # (B, H, T, D / H)
        return self.output(attended.transpose(1, 2).flatten(2), x)  # (B, T, D)


class Output(nn.Module):
    """A projection to the width of the states, the residual connection and its norm."""

    def __init__(self, inner: int, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(inner, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        """Project ``x`` (B, T, inner) and add it to ``residual`` (B, T, D)."""
        return self.LayerNorm(self.dense(x) + residual)
