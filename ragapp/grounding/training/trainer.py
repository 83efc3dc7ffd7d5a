"""The training loop of the checker: seeded, resumable to the block, in bfloat16 on a CPU or a GPU."""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from ragapp.errors import ModelCorrupt, ModelNotFound, TrainingError
from ragapp.grounding.cross_check import CONFIG_FILE, TOKENIZER_FILE, WEIGHTS_FILE, CrossChecker
from ragapp.grounding.model import CheckerConfig, CrossCheck, Scores
from ragapp.grounding.training.plan import BLOCK, Plan, TrainingBatch
from ragapp.readers.copy_fid.training.checkpoint import Checkpoint, export, load_checkpoint, save_checkpoint
from ragapp.readers.copy_fid.training.optimizer import MasterAdamW, ParameterGroup


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """The recipe of a run.

    Attributes:
        claims: Claims of the whole run.
        warmup: Claims over which the rate rises.
        decay: Share of the claims, at the end, over which the rate falls linearly to zero.
        encoder_rate: Peak learning rate of the encoder.
        head_rate: Peak learning rate of the heads.
        doubt_weight: Weight of the loss on the claim's tokens.
        evidence_weight: Weight of the loss on the evidence's tokens.
        tokens: Tokens a batch, padding included.
        seed: Seed of initialisation, order and what is made from questions.
        evaluate_every: Blocks between evaluations.
        checkpoint_every: Blocks between checkpoints.
        share_made: Share of the claims that are made from questions.
    """

    claims: int
    warmup: int = 2048
    decay: float = 0.6
    encoder_rate: float = 1e-4
    head_rate: float = 5e-4
    doubt_weight: float = 1.0
    evidence_weight: float = 0.2
    tokens: int = 3072
    seed: int = 17
    evaluate_every: int = 20
    checkpoint_every: int = 5
    share_made: float = 0.6

    def rate(self, seen: int) -> float:
        """Give the factor on the learning rates after so many claims, 0 to 1."""
        falling = (self.claims - seen) / max(1.0, self.decay * self.claims)
        return max(0.0, min(1.0, (seen + 64) / self.warmup, falling))


class Progress(NamedTuple):
    """One line of the training curve: means since the last line."""

    claims: int
    """Claims seen since the run began."""
    verdict_loss: float
    doubt_loss: float
    evidence_loss: float
    claims_per_s: float
    scores: Mapping[str, float]
    """Scores on the held-out claims, where they were measured."""


Evaluate = Callable[[CrossChecker], Mapping[str, float]]


class Trainer:
    """Trains a checker into a folder and goes on from there if it was stopped.

    Args:
        folder: The run: checkpoints, ``curve.csv`` and the exported checker live here.
        model: The network to train, in float32.
        tokenizer: Its tokenizer.
        plan: What it reads.
        settings: The recipe.
        data_hash: What identifies the data, so that a run is not resumed with other data.

    Raises:
        TrainingError: If the folder holds a run with other settings or data.
    """

    def __init__(
        self,
        folder: Path,
        model: CrossCheck,
        tokenizer: Tokenizer,
        plan: Plan,
        settings: TrainingSettings,
        data_hash: str,
    ) -> None:
        self._folder, self._tokenizer, self._plan, self._settings = folder, tokenizer, plan, settings
        self._model = model.to(torch.bfloat16)
        # Large and good as they are; frozen, a word that training never showed stays beside its neighbours.
        self._model.encoder.embeddings.word_embeddings.weight.requires_grad_(False)
        named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
        self._optimizer = MasterAdamW(
            [
                ParameterGroup([pair for pair in named if pair[0].startswith("encoder.")], settings.encoder_rate),
                ParameterGroup([pair for pair in named if not pair[0].startswith("encoder.")], settings.head_rate),
            ]
        )
        self._run: dict[str, object] = {
            "data": data_hash,
            "tokens": settings.tokens,
            "seed": settings.seed,
            "share_made": settings.share_made,
        }
        self._blocks = 0
        self._resume()

    def run(self, evaluate: Evaluate) -> Iterator[Progress]:
        """Train to the end, yielding the curve as it grows.

        Args:
            evaluate: Scores the checker as it stands on held-out claims.

        Yields:
            Lines of the curve, one a block, which also go to ``curve.csv``.
        """
        settings = self._settings
        last = -(-settings.claims // BLOCK)
        while self._blocks < last:
            began = time.monotonic()
            losses = [self._step(batch) for batch in self._plan.block(self._blocks)]
            seconds = time.monotonic() - began
            self._blocks += 1
            done = self._blocks == last
            scores = evaluate(self.checker()) if done or self._blocks % settings.evaluate_every == 0 else {}
            if done or self._blocks % settings.checkpoint_every == 0:
                save_checkpoint(self._folder, Checkpoint(self._blocks, self._run, self._optimizer.state()))
            means = [sum(values) / len(losses) for values in zip(*losses, strict=True)]
            progress = Progress(self._blocks * BLOCK, means[0], means[1], means[2], BLOCK / seconds, scores)
            self._log(progress)
            yield progress

    def checker(self) -> CrossChecker:
        """Give the checker as it stands; on one thread, as training runs beside others."""
        return CrossChecker(self._model, self._tokenizer, model_hash="", threads=torch.get_num_threads())

    def export(self, threshold: float) -> Path:
        """Write the checker as it stands.

        Args:
            threshold: From this P(supported) on a claim counts as supported.

        Returns:
            The folder that `CrossChecker.load` loads.
        """
        config = replace(self._model.config, threshold=threshold)
        export(self._model, config.to_json(), self._tokenizer, self._folder / "checker")
        return self._folder / "checker"

    def _step(self, batch: TrainingBatch) -> tuple[float, float, float]:
        settings = self._settings
        losses = loss(self._model.train()(*batch.rows), batch)
        (losses[0] + settings.doubt_weight * losses[1] + settings.evidence_weight * losses[2]).backward()
        self._optimizer.step(settings.rate(self._blocks * BLOCK))
        verdict, doubt, evidence = (value.item() for value in losses)
        if not math.isfinite(verdict + doubt + evidence):
            raise TrainingError(
                f"The loss after {self._blocks * BLOCK} claims is {verdict + doubt + evidence}.", "lower the rates"
            )
        return verdict, doubt, evidence

    def _resume(self) -> None:
        checkpoint = load_checkpoint(self._folder)
        if checkpoint is None:
            return
        if checkpoint.run != self._run:
            raise TrainingError(
                f"The run in {str(self._folder)!r} was started with other settings or data: "
                f"{checkpoint.run} is not {self._run}.",
                "choose another --out, or the same settings",
            )
        self._optimizer.load(checkpoint.tensors)
        self._blocks = checkpoint.step

    def _log(self, progress: Progress) -> None:
        path = self._folder / "curve.csv"
        self._folder.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow([*Progress._fields[:-1], "scores"])
            scores = " ".join(f"{name}={value:.4f}" for name, value in progress.scores.items())
            writer.writerow([*(f"{value:.5g}" for value in progress[:-1]), scores])


def loss(scores: Scores, batch: TrainingBatch) -> tuple[Tensor, Tensor, Tensor]:
    """Compare scores with the labels.

    Args:
        scores: What the network says.
        batch: What is right.

    Returns:
        Three scalars: −log of the probability of the verdicts that the label allows; binary cross-entropy of the
        claim's tokens whose truth is known; −log of the share of the evidence's weight that lies where it decides.
    """
    verdict = -scores.verdict.log_softmax(-1).masked_fill(~batch.verdicts, float("-inf")).logsumexp(-1).mean()
    known = batch.wrong >= 0
    doubt = functional.binary_cross_entropy_with_logits(scores.doubt[known], batch.wrong[known])
    told = batch.decisive.any(-1)
    log_weight = scores.evidence[told].log_softmax(-1).masked_fill(~batch.decisive[told], float("-inf"))
    evidence = -log_weight.logsumexp(-1)
    zero = verdict.new_zeros(())
    return verdict, doubt if known.any() else zero, evidence.mean() if told.any() else zero


def initial_model(folder: Path, seed: int) -> tuple[CrossCheck, Tokenizer]:
    """Build a checker around a trained encoder.

    Args:
        folder: A copy-fid reader, whose encoder is taken, or a BERT-like encoder: ``config.json``,
            ``model.safetensors`` and ``tokenizer.json``.
        seed: Seed of what is initialised at random.

    Returns:
        The network in float32, and the tokenizer.

    Raises:
        ModelNotFound: If a file is missing.
        ModelCorrupt: If a file cannot be used.
    """
    for name in (CONFIG_FILE, WEIGHTS_FILE, TOKENIZER_FILE):
        if not (folder / name).is_file():
            raise ModelNotFound(f"The encoder folder {str(folder)!r} has no {name}.", "give a folder that has one")
    try:
        config = json.loads((folder / CONFIG_FILE).read_text("utf-8"))
        weights = load_file(folder / WEIGHTS_FILE)
        if "encoder" in config:
            config = config["encoder"]
            weights = {n.removeprefix("encoder."): w for n, w in weights.items() if n.startswith("encoder.")}
        positions = int(config["max_position_embeddings"])
        torch.manual_seed(seed)
        limits = {"max_claim_tokens": min(128, positions // 4), "max_evidence_tokens": min(192, positions // 2)}
        model = CrossCheck(CheckerConfig(config, **limits))
        own = model.encoder.state_dict()
        model.encoder.load_state_dict({name: weights[name].float() for name in own})
        return model, Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    except (ValueError, KeyError, TypeError, SafetensorError, RuntimeError) as error:
        raise ModelCorrupt(
            f"The encoder in {str(folder)!r} cannot be used: {error}", "choose a BERT-like one"
        ) from error
