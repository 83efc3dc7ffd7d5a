"""The training loop: seeded, resumable to the step, in bfloat16 on a CPU or a GPU."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
from tokenizers import Tokenizer

from ragapp.errors import TrainingError
from ragapp.readers.copy_fid.features import Featurizer
from ragapp.readers.copy_fid.model import CopyFid, Supervision, loss, right_positions
from ragapp.readers.copy_fid.reader import CopyFidReader
from ragapp.readers.copy_fid.training.batches import BatchPlan, Mixture, TrainingBatch
from ragapp.readers.copy_fid.training.checkpoint import Checkpoint, export, load_checkpoint, save_checkpoint
from ragapp.readers.copy_fid.training.data import QaExample
from ragapp.readers.copy_fid.training.optimizer import MasterAdamW, ParameterGroup

_FIXED = ("seed", "tokens", "mixture", "supervision")
"""Settings that a run cannot change half-way; how long it goes on may be."""


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """The recipe of a run.

    Attributes:
        steps: Optimizer steps of the whole run.
        warmup: Steps of linear warm-up.
        decay: Share of the steps, at the end, over which the rate falls linearly to zero; before that it is constant,
            so that a run can be prolonged from its last constant checkpoint (Hägele et al. 2024, arXiv:2405.18392).
        encoder_rate: Peak learning rate of the encoder.
        decoder_rate: Peak learning rate of everything else.
        tokens: Tokens a batch, padding included.
        seed: Seed of initialisation, order and distractors.
        evaluate_every: Steps between evaluations.
        checkpoint_every: Steps between checkpoints.
        mixture: How questions are put together with passages.
        supervision: What counts as right to copy.
        learn_words: Whether the word embeddings learn, too.
    """

    steps: int
    warmup: int = 200
    decay: float = 0.25
    encoder_rate: float = 1e-4
    decoder_rate: float = 5e-4
    tokens: int = 6144
    seed: int = 17
    evaluate_every: int = 500
    checkpoint_every: int = 250
    mixture: Mixture = field(default_factory=Mixture)
    supervision: Supervision = "position"
    learn_words: bool = False

    def rate(self, step: int) -> float:
        """Give the factor on the learning rates at a step, 0 to 1."""
        falling = (self.steps - step) / max(1.0, self.decay * self.steps)
        return max(0.0, min(1.0, (step + 1) / self.warmup, falling))


class Progress(NamedTuple):
    """One line of the training curve: means since the last line."""

    step: int
    span_loss: float
    passage_loss: float
    rate: float
    questions: int
    """Questions seen since the run began."""
    questions_per_s: float
    scores: Mapping[str, float]
    """Scores on the held-out questions, where they were measured."""


Evaluate = Callable[[CopyFidReader], Mapping[str, float]]


class Trainer:
    """Trains a copy-fid reader into a folder and goes on from there if it was stopped.

    Args:
        folder: The run: checkpoints, ``curve.csv`` and the exported reader live here.
        model: The network to train, in float32.
        tokenizer: Its tokenizer.
        examples: What to learn from.
        settings: The recipe.
        data_hash: What identifies the data, so that a run is not resumed with other data.
        device: A torch device.
        finish: Called before the reader is written.

    Raises:
        TrainingError: If the folder holds a run with other settings or data.
    """

    def __init__(
        self,
        folder: Path,
        model: CopyFid,
        tokenizer: Tokenizer,
        examples: Sequence[QaExample],
        settings: TrainingSettings,
        data_hash: str,
        device: str = "cpu",
        finish: Callable[[], None] = lambda: None,
    ) -> None:
        self._folder, self._settings, self._tokenizer, self._finish = folder, settings, tokenizer, finish
        self._model = model.to(device=device, dtype=torch.bfloat16)
        self._device = torch.device(device)
        # The word embeddings are large, good, and shared with the output layer: frozen, each step is a third cheaper.
        self._model.encoder.embeddings.word_embeddings.weight.requires_grad_(settings.learn_words)
        self._plan = BatchPlan(
            examples, Featurizer(tokenizer, model.config), settings.mixture, settings.tokens, settings.seed
        )
        self._optimizer = MasterAdamW(_groups(model, settings))
        self._run: dict[str, object] = {
            "examples": len(examples),
            "data": data_hash,
            "learns": sum(parameter.numel() for parameter in self._model.parameters() if parameter.requires_grad),
            **{key: value for key, value in asdict(settings).items() if key in _FIXED},
        }
        self._done, self._questions = 0, 0
        self._resume()

    def run(self, evaluate: Evaluate, log_every: int = 50) -> Iterator[Progress]:
        """Train to the last step, yielding the curve as it grows, and export the reader to ``folder / "reader"``.

        Args:
            evaluate: Scores the reader as it stands on held-out questions.
            log_every: Steps between lines of the curve.

        Yields:
            Lines of the curve, which also go to ``curve.csv``.
        """
        settings, since, began = self._settings, _Sums(), time.monotonic()
        for batch in self._batches():
            since.add(self._step(batch))
            step = self._done
            scores = evaluate(self._reader()) if step % settings.evaluate_every == 0 or step == settings.steps else {}
            if step % settings.checkpoint_every == 0 or step == settings.steps:
                self._checkpoint()
            if scores or step % log_every == 0 or step == settings.steps:
                now = time.monotonic()
                progress = since.progress(step, settings.rate(step - 1), self._questions, now - began, scores)
                since, began = _Sums(), time.monotonic()
                self._log(progress)
                yield progress
        self._finish()
        export(self._model, self._model.config.to_json(), self._tokenizer, self._folder / "reader")

    def _step(self, batch: TrainingBatch) -> tuple[float, float, int]:
        model = self._model.train()
        pairs, targets = batch.pairs.to(self._device), type(batch.targets)(*(t.to(self._device) for t in batch.targets))
        states, logits = model.encode(pairs.input_ids, pairs.mask, pairs.type_ids)
        right = None
        if self._settings.supervision != "position":
            questions = targets.tokens.shape[0]
            ids, copyable = pairs.input_ids.reshape(questions, -1), pairs.copyable.reshape(questions, -1)
            right = right_positions(ids, copyable, targets.actions, self._settings.supervision)
        losses = loss(model, model.remember(states, logits, pairs.mask, pairs.copyable, batch.passages), targets, right)
        losses.total.backward()
        self._optimizer.step(self._settings.rate(self._done))
        self._done += 1
        questions = targets.tokens.shape[0]
        self._questions += questions
        span, passage = losses.span.item(), losses.passage.item()
        if not math.isfinite(span + passage):
            raise TrainingError(f"The loss at step {self._done} is {span + passage}.", "lower the learning rates")
        return span, passage, questions

    def _batches(self) -> Iterator[TrainingBatch]:
        """Yield the batches from the step the run stands at; a batch without a usable question is no step."""
        step, epoch = 0, 0
        while step < self._settings.steps:
            for indices in self._plan.epoch(epoch):
                if step >= self._settings.steps:
                    return
                if step >= self._done:
                    batch = self._plan.batch(epoch, indices)
                    if batch is not None:
                        yield batch
                    else:
                        self._done += 1
                step += 1
            epoch += 1

    def _reader(self) -> CopyFidReader:
        return CopyFidReader(self._model, self._tokenizer, model_hash="")

    def _checkpoint(self) -> None:
        run = {**self._run, "questions": self._questions}
        save_checkpoint(self._folder, Checkpoint(self._done, run, self._optimizer.state()))

    def _resume(self) -> None:
        checkpoint = load_checkpoint(self._folder)
        if checkpoint is None:
            return
        run = dict(checkpoint.run)
        self._questions = int(str(run.pop("questions")))
        if run != _plain(self._run):
            raise TrainingError(
                f"The run in {str(self._folder)!r} was started with other settings or data: {run} is not {self._run}.",
                "choose another --out, or the same settings",
            )
        self._optimizer.load(checkpoint.tensors)
        self._done = checkpoint.step

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


class _Sums:
    """Sums of what `Progress` gives means of."""

    def __init__(self) -> None:
        self._steps, self._questions, self._span, self._passage = 0, 0, 0.0, 0.0

    def add(self, step: tuple[float, float, int]) -> None:
        self._steps += 1
        self._span += step[0]
        self._passage += step[1]
        self._questions += step[2]

    def progress(self, step: int, rate: float, questions: int, seconds: float, scores: Mapping[str, float]) -> Progress:
        steps = max(1, self._steps)
        speed = self._questions / max(seconds, 1e-9)
        return Progress(step, self._span / steps, self._passage / steps, rate, questions, speed, scores)


def _groups(model: CopyFid, settings: TrainingSettings) -> list[ParameterGroup]:
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    return [
        ParameterGroup([pair for pair in named if pair[0].startswith("encoder.")], settings.encoder_rate),
        ParameterGroup([pair for pair in named if not pair[0].startswith("encoder.")], settings.decoder_rate),
    ]


def _plain(run: dict[str, object]) -> object:
    """What JSON makes of it (tuples become lists), to compare with what was stored."""
    import json

    return json.loads(json.dumps(run))
