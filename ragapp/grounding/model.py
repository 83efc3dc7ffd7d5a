"""The checker's network: one encoder over claim and evidence, and three small heads.

The encoder reads ``[CLS] claim [SEP] evidence [SEP]``. One head marks the claim's words that the evidence does not
bear out (as token-level hallucination detectors do, LettuceDetect, arXiv:2502.17125), one marks the evidence that
decides, and the verdict is read off [CLS], the marked words of the claim and the marked evidence.

Shapes are written with these letters: P pairs, T tokens a pair, D width.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ragapp.indexes.encoder_bert import Bert, BertConfig

SUPPORTED, NOT_SUPPORTED, CONTRADICTED = range(3)
"""Columns of the verdict's logits."""


@dataclass(frozen=True, slots=True)
class CheckerConfig:
    """Architecture of a checker and how it is used.

    Attributes:
        encoder: Configuration of the encoder as transformers writes it (``config.json``).
        max_claim_tokens: A longer claim is judged in pieces, and stands if all of them do.
        max_evidence_tokens: A longer source is read in windows.
        threshold: From this P(supported) on, a claim counts as supported; chosen on held-out training data.
    """

    encoder: dict[str, object]
    max_claim_tokens: int = 128
    max_evidence_tokens: int = 192
    threshold: float = 0.5

    def to_json(self) -> dict[str, object]:
        """Give the configuration as plain JSON types."""
        return asdict(self)


class Scores(NamedTuple):
    """What the network says of P pairs, float32."""

    verdict: Tensor
    """(P, 3) logits of supported, not supported, contradicted."""
    doubt: Tensor
    """(P, T) logits that a token of the claim is not borne out; -inf elsewhere."""
    evidence: Tensor
    """(P, T) logits that a token of the evidence decides; -inf elsewhere."""


class CrossCheck(nn.Module):
    """The network.

    Args:
        config: The architecture.
    """

    def __init__(self, config: CheckerConfig) -> None:
        super().__init__()
        self.config = config
        architecture = BertConfig.from_json(config.encoder)
        self.encoder = Bert(architecture)
        width = architecture.hidden_size
        self.doubt = nn.Linear(width, 1)
        self.evidence = nn.Linear(width, 1)
        self.verdict = nn.Sequential(nn.Linear(3 * width, width), nn.GELU(), nn.Linear(width, 3))

    def forward(self, input_ids: Tensor, mask: Tensor, type_ids: Tensor, claim: Tensor, evidence: Tensor) -> Scores:
        """Score pairs.

        Args:
            input_ids: (P, T) int64.
            mask: (P, T) bool, False at padding.
            type_ids: (P, T) int64.
            claim: (P, T) bool, True at the tokens of the claim; at least one a pair.
            evidence: (P, T) bool, True at the tokens of the evidence; at least one a pair.

        Returns:
            The scores.
        """
        states = self.encoder(input_ids, mask, type_ids)  # (P, T, D)
        doubt, doubted = _marked(self.doubt, states, claim)
        weight, decisive = _marked(self.evidence, states, evidence)
        verdict = self.verdict(torch.cat((states[:, 0], doubted, decisive), -1))  # (P, 3 D) -> (P, 3)
        return Scores(verdict.float(), doubt, weight)


def _marked(head: nn.Module, states: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
    """Score tokens and average their states by it: logits (P, T) in float32 and means (P, D)."""
    logits = head(states).squeeze(-1).float().masked_fill(~where, float("-inf"))  # (P, T)
    return logits, (logits.softmax(-1).to(states.dtype)[:, None] @ states).squeeze(1)
