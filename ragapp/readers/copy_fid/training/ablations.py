"""What each choice of the reader's recipe is worth: the same short run again and again, with one thing changed.

Every run starts at a pretrained encoder and sees as many tokens as the others. The runs are short, so what they tell
is how fast a reader learns; a choice that only pays after weeks would not show.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from ragapp.readers.copy_fid.model import Supervision
from ragapp.readers.copy_fid.reader import CopyFidReader
from ragapp.readers.copy_fid.training.batches import Mixture
from ragapp.readers.copy_fid.training.data import QaExample
from ragapp.readers.copy_fid.training.retrieval_first import tune_for_retrieval
from ragapp.readers.copy_fid.training.start import Start, from_encoder, from_reader
from ragapp.readers.copy_fid.training.trainer import Trainer, TrainingSettings

_OTHER_KINDS = ("qamr", "fairytaleqa")
"""The sets of one-sentence contexts and of free-form answers."""
_SCORES_FILE = "scores.json"


@dataclass(frozen=True, slots=True)
class Variant:
    """A recipe that differs from the plain one in one thing.

    Attributes:
        name: What it is called; the folder of its run.
        told: What differs.
        supervision: What counts as right to copy.
        decoder_layers: Number of decoder blocks.
        learn_words: Whether the word embeddings learn, too.
        one_passage: Whether a question is read with one passage always, in the first half of the run, or never only.
        heading: Probability that a passage carries its title.
        every_set: Whether the sets of one-sentence and free-form contexts are in the mixture.
        retrieval_first: Whether the encoder is first tuned to find the passages of the mixture.
    """

    name: str
    told: str
    supervision: Supervision = "position"
    decoder_layers: int = 3
    learn_words: bool = False
    one_passage: float = 0.0
    heading: float = 0.5
    every_set: bool = True
    retrieval_first: bool = False


VARIANTS = (
    Variant("plain", "the recipe"),
    Variant("words", "any token that reads the same is right to copy", supervision="words"),
    Variant("occurrences", "the answer is right wherever it stands", supervision="occurrences"),
    Variant("two-layers", "two decoder layers", decoder_layers=2),
    Variant("four-layers", "four decoder layers", decoder_layers=4),
    Variant("learned-words", "the word embeddings learn, too", learn_words=True),
    Variant("one-passage", "one passage a question", one_passage=1.0),
    Variant("curriculum", "one passage a question in the first half", one_passage=0.5),
    Variant("no-headings", "passages without titles", heading=0.0),
    Variant("paragraphs", "without one-sentence and free-form sets", every_set=False),
    Variant("retrieval-first", "the encoder tuned for retrieval first", retrieval_first=True),
)


class Outcome(NamedTuple):
    """What a variant came to."""

    variant: str
    questions: int
    """Questions that it learned from."""
    cpu_s: float
    """Processor seconds a step, over all threads."""
    f1: tuple[float, ...]
    """Token F1 of each held-out question, its passage given."""
    f1_among: tuple[float, ...]
    """The same with three other passages beside it."""


class Ablations:
    """Runs variants into a folder each; those that are done are not run again.

    Args:
        folder: Where the runs live.
        encoder: Folder of the pretrained encoder.
        examples: What to learn from.
        data_hash: What identifies the data.
        settings: The plain recipe; its mixture is read with one passage by those variants that say so.
        score: Gives the token F1 of each held-out question, alone and among other passages.
    """

    def __init__(
        self,
        folder: Path,
        encoder: Path,
        examples: Sequence[QaExample],
        data_hash: str,
        settings: TrainingSettings,
        score: Callable[[CopyFidReader], tuple[Sequence[float], Sequence[float]]],
    ) -> None:
        self._folder, self._encoder, self._examples = folder, encoder, examples
        self._hash, self._settings, self._score = data_hash, settings, score

    def run(self, variant: Variant, on_step: Callable[[], None] = lambda: None) -> Outcome:
        """Train and score a variant.

        Args:
            variant: The variant.
            on_step: Called after each step.

        Returns:
            What it came to.

        Raises:
            TrainingError: If its folder holds a run with other settings or data.
        """
        folder = self._folder / variant.name
        done = folder / _SCORES_FILE
        if done.is_file():
            return _outcome(json.loads(done.read_text("utf-8")))
        start, examples, began = self._start(variant), self._examples, time.process_time()
        if not variant.every_set:
            examples = [each for each in examples if not each.dataset.startswith(_OTHER_KINDS)]
        settings, questions = self._recipe(variant), 0
        if alone := round(settings.steps * variant.one_passage) % settings.steps:
            first = replace(settings, steps=alone, decay=0.0, mixture=settings.mixture._replace(passages=(1.0,)))
            questions += self._train(folder / "first", start, examples, first, on_step)
            start = from_reader(folder / "first" / "reader")
            settings = replace(settings, steps=settings.steps - alone)
        questions += self._train(folder, start, examples, settings, on_step)
        cpu_s = (time.process_time() - began) / self._settings.steps
        alone_f1, among_f1 = self._score(CopyFidReader.load(folder / "reader"))
        outcome = Outcome(variant.name, questions, round(cpu_s, 3), tuple(alone_f1), tuple(among_f1))
        done.write_text(json.dumps(outcome._asdict()) + "\n", "utf-8")
        return outcome

    def _start(self, variant: Variant) -> Start:
        folder = self._encoder
        if variant.retrieval_first:
            folder = tune_for_retrieval(folder, self._folder / "retrieval-encoder", self._examples, self._settings.seed)
        return from_encoder(folder, self._settings.seed, variant.decoder_layers)

    def _recipe(self, variant: Variant) -> TrainingSettings:
        passages = (1.0,) if variant.one_passage == 1 else self._settings.mixture.passages
        return replace(
            self._settings,
            supervision=variant.supervision,
            learn_words=variant.learn_words,
            mixture=self._settings.mixture._replace(passages=passages, heading=variant.heading),
        )

    def _train(
        self,
        folder: Path,
        start: Start,
        examples: Sequence[QaExample],
        settings: TrainingSettings,
        on_step: Callable[[], None],
    ) -> int:
        trainer, questions = Trainer(folder, start.model, start.tokenizer, examples, settings, self._hash), 0
        for progress in trainer.run(lambda _: {}, log_every=1):
            questions = progress.questions
            on_step()
        return questions


def ablation_settings(steps: int, seed: int) -> TrainingSettings:
    """Give the plain recipe of an ablation: short, most questions read with one passage, some with two or four.

    Args:
        steps: Optimizer steps.
        seed: Seed of everything random.

    Returns:
        The recipe.
    """
    return TrainingSettings(
        steps=steps,
        warmup=max(1, steps // 5),
        seed=seed,
        evaluate_every=steps + 1,
        checkpoint_every=max(1, steps // 4),
        mixture=Mixture(passages=(0.8, 0.1, 0.0, 0.1)),
    )


def _outcome(stored: Mapping[str, object]) -> Outcome:
    outcome = Outcome(**stored)  # pyright: ignore[reportArgumentType] - as it was written
    return outcome._replace(f1=tuple(outcome.f1), f1_among=tuple(outcome.f1_among))
