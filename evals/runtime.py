"""Whether the precision and the runtime that a reader runs in change its answers, and what they save."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ragapp.evals.squad import token_f1
from ragapp.evals.stats import Estimate, bootstrap
from ragapp.readers.base import ReaderPassage, Reading
from ragapp.readers.copy_fid.reader import CopyFidReader, load_network
from ragapp.readers.copy_fid.training.data import QaExample


@dataclass(frozen=True, slots=True)
class Agreement:
    """A reader as it runs here against the same reader in torch and float32.

    Attributes:
        precision: What it runs in here.
        same_answer: Share of questions with the same best answer.
        same_outcome: Share on which both or neither hold a span likelier than "no answer".
        f1_gain: Token F1 as it runs here less that in float32.
        speed: How many times as fast, medians of milliseconds a question.
        ms: Milliseconds a question as it runs here.
    """

    precision: str
    same_answer: Estimate
    same_outcome: Estimate
    f1_gain: Estimate
    speed: float
    ms: Estimate


def measure_agreement(
    here: CopyFidReader,
    precision: str,
    folder: Path,
    examples: Sequence[QaExample],
    on_done: Callable[[], None] = lambda: None,
) -> Agreement:
    """Read the same passages with a reader as it runs here and in torch and float32, in turn.

    Args:
        here: The reader as it runs here.
        precision: What that is called.
        folder: The reader's folder.
        examples: Answerable questions, each read with the contexts of the seven after it.
        on_done: Called after each question.

    Returns:
        How often they agree, and the speed.
    """
    reference = CopyFidReader(*load_network(folder), model_hash="")
    same: list[float] = []
    outcome: list[float] = []
    gain: list[float] = []
    times: dict[str, list[float]] = {"here": [], "reference": []}
    for i, example in enumerate(examples):
        others = [examples[(i + j) % len(examples)].context for j in range(1, 8)]
        passages = [ReaderPassage(text) for text in dict.fromkeys([example.context, *others])]
        readings: dict[str, Reading] = {}
        for name, reader in (("here", here), ("reference", reference)):
            began = time.perf_counter()
            readings[name] = reader.read(example.question, passages)
            times[name].append((time.perf_counter() - began) * 1e3)
        first, second = readings["here"], readings["reference"]
        same.append(float(_best(first) == _best(second)))
        outcome.append(float(_says(first) == _says(second)))
        gain.append(token_f1(_best(first), example.references) - token_f1(_best(second), example.references))
        on_done()
    medians = {name: sorted(values)[len(values) // 2] for name, values in times.items()}
    return Agreement(
        precision=precision,
        same_answer=bootstrap(same),
        same_outcome=bootstrap(outcome),
        f1_gain=bootstrap(gain),
        speed=round(medians["reference"] / medians["here"], 2),
        ms=bootstrap(times["here"]),
    )


def _best(reading: Reading) -> str:
    return " ".join(reading.candidates[0].text.split()).casefold() if reading.candidates else ""


def _says(reading: Reading) -> bool:
    return bool(reading.candidates) and reading.candidates[0].probability > reading.null_probability
