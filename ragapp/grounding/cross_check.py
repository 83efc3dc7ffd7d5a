"""The shipped checker: a small cross-encoder over claim and evidence windows."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Tokenizer

from ragapp.errors import ModelCorrupt, ModelNotFound
from ragapp.grounding.base import ClaimPair, Judgement, Verdict
from ragapp.grounding.features import Featurizer, Input
from ragapp.grounding.model import CONTRADICTED, SUPPORTED, CheckerConfig, CrossCheck
from ragapp.indexes.encoder_torch import pick_device, pick_dtype, token_batches, torch_pool, weights_sha256
from ragapp.indexes.types import Span

SHIPPED = Path(__file__).parent / "weights"
"""Folder of the weights that come with the package."""

WEIGHTS_FILE, CONFIG_FILE, TOKENIZER_FILE = "model.safetensors", "config.json", "tokenizer.json"
_TOKENS_PER_BATCH = 2048
_CONTRADICTED_FROM = 0.5


class InputScore(NamedTuple):
    """What the network says of one input.

    Attributes:
        supported: P(supported).
        contradicted: P(contradicted); what is left of 1 is P(not supported).
        sentence: Index among the input's sentences of the one that weighed most.
    """

    supported: float
    contradicted: float
    sentence: int


@dataclass(frozen=True, slots=True)
class _Row:
    """An input and the pair and piece of claim that it belongs to."""

    pair: int
    piece: int
    input: Input


class CrossChecker:
    """Judges claims with the network of `ragapp.grounding.model`.

    One instance may be used from several threads: the network holds no state between calls.

    Args:
        model: The network.
        tokenizer: The encoder's tokenizer.
        model_hash: SHA-256 of the weights file, hex.
        threads: Processor threads; ``None`` for one a core.
    """

    name = "cross-check"

    def __init__(self, model: CrossCheck, tokenizer: Tokenizer, model_hash: str, threads: int | None = None) -> None:
        self.model = model.eval()
        self.featurizer = Featurizer(tokenizer, model.config)
        self.model_hash = model_hash
        self._device = next(model.parameters()).device
        cores = (os.cpu_count() or 1) if self._device.type == "cpu" else 1
        self._workers = torch_pool(workers=threads or cores, threads=1)

    @classmethod
    def load(cls, folder: Path = SHIPPED, device: str = "auto", threads: int | None = None) -> CrossChecker:
        """Load a trained checker.

        Args:
            folder: Folder with ``config.json``, ``model.safetensors`` and ``tokenizer.json``.
            device: A torch device, or ``auto`` for a GPU if there is one. In bfloat16 where that is natively fast.
            threads: Processor threads; ``None`` for one a core.

        Returns:
            The checker.

        Raises:
            ModelNotFound: If a file is missing.
            ModelCorrupt: If a file is not what it should be.
        """
        hint = "pip install --force-reinstall ragapp" if folder == SHIPPED else "ragapp train checker --help"
        for name in (CONFIG_FILE, WEIGHTS_FILE, TOKENIZER_FILE):
            if not (folder / name).is_file():
                raise ModelNotFound(f"The checker has no {name} in {str(folder)!r}.", hint)
        try:
            tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        except Exception as error:  # tokenizers raises no narrower class
            raise ModelCorrupt(f"The checker in {str(folder)!r} is damaged: {error}", hint) from error
        try:
            model = CrossCheck(CheckerConfig(**json.loads((folder / CONFIG_FILE).read_text("utf-8"))))
            model.load_state_dict(load_file(folder / WEIGHTS_FILE))
        except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
            raise ModelCorrupt(f"The checker in {str(folder)!r} is damaged: {error}", hint) from error
        place = pick_device(device)
        model.to(device=place, dtype=pick_dtype(place))
        return cls(model, tokenizer, weights_sha256([folder / WEIGHTS_FILE]), threads)

    def check(self, pairs: Sequence[ClaimPair]) -> tuple[Judgement, ...]:
        """Judge pairs; see `ragapp.grounding.base.Checker.check`.

        A claim stands if an input of its source supports it (see `Featurizer.inputs`); one longer than the network
        reads at once stands if each of its pieces does.
        """
        sources = {source: self.featurizer.source(source) for source in dict.fromkeys(pair.source for pair in pairs)}
        rows = [
            _Row(number, piece, row)
            for number, pair in enumerate(pairs)
            for piece, claim in enumerate(self.featurizer.claims(pair.claim))
            for row in self.featurizer.inputs(claim, sources[pair.source])
        ]
        scores = self.score([row.input for row in rows])
        found: list[list[tuple[_Row, InputScore]]] = [[] for _ in pairs]
        for row, score in zip(rows, scores, strict=True):
            found[row.pair].append((row, score))
        return tuple(self._judge(scored) for scored in found)

    def score(self, inputs: Sequence[Input]) -> list[InputScore]:
        """Score inputs.

        Args:
            inputs: Rows of claim and evidence.

        Returns:
            One score an input, in order.
        """
        batches = list(token_batches([row.tokens for row in inputs], _TOKENS_PER_BATCH))
        scored = self._workers.map(self._score_batch, ([inputs[i] for i in batch] for batch in batches))
        by_input = {
            i: score
            for batch, scores in zip(batches, scored, strict=True)
            for i, score in zip(batch, scores, strict=True)
        }
        return [by_input[i] for i in range(len(inputs))]

    @torch.inference_mode()
    def _score_batch(self, inputs: Sequence[Input]) -> list[InputScore]:
        found = self.model(*self.featurizer.batch(inputs).to(self._device))
        probabilities = found.verdict.softmax(-1).tolist()
        weights = found.evidence.softmax(-1)  # (P, T)
        scores: list[InputScore] = []
        for row, (probability, weight) in enumerate(zip(probabilities, weights, strict=True)):
            lengths = [len(sentence.ids) for sentence in inputs[row].evidence]
            start = inputs[row].evidence_start
            mass = torch.stack([part.sum() for part in weight[start : start + sum(lengths)].split(lengths)])
            scores.append(InputScore(probability[SUPPORTED], probability[CONTRADICTED], int(mass.argmax())))
        return scores

    def _judge(self, scored: Sequence[tuple[_Row, InputScore]]) -> Judgement:
        """Put the scores of a pair's inputs together: the best input of each piece, the worst piece of the claim."""
        best: dict[int, tuple[_Row, InputScore]] = {}
        for row, score in scored:
            if row.piece not in best or score.supported > best[row.piece][1].supported:
                best[row.piece] = row, score
        if not best:
            return Judgement(0.0, "not_supported", None)
        row, score = min(best.values(), key=lambda item: item[1].supported)
        verdict: Verdict = "supported" if score.supported >= self.model.config.threshold else "not_supported"
        if verdict == "not_supported":
            against = max(scored, key=lambda item: item[1].contradicted)
            if against[1].contradicted >= _CONTRADICTED_FROM:
                verdict = "contradicted"
                row, score = against[0], against[1]
        supported = min(piece.supported for _, piece in best.values())
        return Judgement(supported, verdict, Span(*row.input.evidence[score.sentence].span))
