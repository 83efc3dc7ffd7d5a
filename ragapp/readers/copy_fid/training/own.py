"""Fine-tuning on a person's own questions: contexts found in their documents, a part kept back, a gentle recipe."""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ragapp.errors import TrainingError
from ragapp.readers.copy_fid.features import Featurizer
from ragapp.readers.copy_fid.training.batches import BatchPlan, Mixture
from ragapp.readers.copy_fid.training.data import QaExample, Split, collect, told
from ragapp.readers.copy_fid.training.mixture import Find, with_negatives
from ragapp.readers.copy_fid.training.sources import SourceRecord, read_source
from ragapp.readers.copy_fid.training.trainer import TrainingSettings

_EPOCHS = 4
_NEGATIVES = 7
_FEWEST = 8
"""With fewer questions, what is kept back tells nothing."""


class OwnData(NamedTuple):
    """A person's questions, those to learn from and those to compare by, and what was left out, by reason."""

    split: Split
    dropped: Counter[str]


def load_own(path: Path, find: Find | None, seed: int, share: float = 0.25) -> OwnData:
    """Read a person's questions.

    A question without a context gets the best passage of retrieval that holds its answer; its distractors are the
    other passages. Questions are kept back one by one: what is compared is the reading of new questions about the same
    documents.

    Args:
        path: A question file as `read_source` reads it.
        find: Retrieval over the person's documents; nothing if there are none, then every question needs a context.
        seed: Seed of the split.
        share: Share of the questions to keep back, 0 to 1.

    Returns:
        The questions and what was left out.

    Raises:
        TrainingError: If the file is not what it should be, or fewer than eight questions are usable.
    """
    dropped: Counter[str] = Counter()
    data = collect(_with_contexts(read_source(path), path.stem, find, dropped), dropped)
    examples = [with_negatives(example, find, _NEGATIVES) for example in data.examples] if find else [*data.examples]
    if len(examples) < _FEWEST:
        raise TrainingError(
            f"{str(path)!r} has {len(examples)} usable questions{told(data.dropped)}, and {_FEWEST} are the fewest.",
            "write more, or ingest the documents they are about first",
        )
    random.Random(seed).shuffle(examples)
    kept = max(2, round(len(examples) * share))
    return OwnData(Split(tuple(examples[kept:]), tuple(examples[:kept])), data.dropped)


def own_settings(
    examples: Sequence[QaExample], featurizer: Featurizer, seed: int, *, adapters: bool = False
) -> TrainingSettings:
    """Choose a recipe for few questions on a trained reader: four epochs at a fifth of the rates.

    Args:
        examples: What to learn from.
        featurizer: The reader's.
        seed: Seed of order and distractors.
        adapters: Whether adapters learn, at ten times these rates (Biderman et al. 2024, arXiv:2405.09673).

    Returns:
        The recipe.
    """
    mixture, tokens = Mixture(passages=(0.25, 0.25, 0.25, 0.25)), 4096
    steps = sum(len(BatchPlan(examples, featurizer, mixture, tokens, seed).epoch(epoch)) for epoch in range(_EPOCHS))
    faster = 10 if adapters else 1
    return TrainingSettings(
        steps=steps,
        warmup=math.ceil(steps / 10),
        decay=0.5,
        encoder_rate=2e-5 * faster,
        decoder_rate=1e-4 * faster,
        tokens=tokens,
        seed=seed,
        evaluate_every=steps + 1,
        checkpoint_every=max(10, steps // 4),
        mixture=mixture,
    )


def _with_contexts(
    records: Iterable[SourceRecord], dataset: str, find: Find | None, dropped: Counter[str]
) -> Iterable[tuple[str, SourceRecord]]:
    for record in records:
        if record.fields.get("context"):
            yield dataset, record
        elif find is None:
            raise TrainingError(
                f"{record.where} has no context, and there are no documents to find one in.",
                "ragapp ingest the documents first, or add a column 'context'",
            )
        elif found := _found(record, find):
            yield dataset, found
        else:
            dropped["no passage that retrieval finds holds the answer"] += 1


def _found(record: SourceRecord, find: Find) -> SourceRecord | None:
    """Give a question the best passage that holds its answer as it is written there; without an answer, the best."""
    question, answers = str(record.fields.get("question") or ""), record.fields.get("answers")
    answer = str(answers[0]) if isinstance(answers, list) and answers else ""
    for passage in find(question):
        if stands := re.search(re.escape(answer), passage.text, re.IGNORECASE):
            place = {"answers": [stands.group()], "answer_start": stands.start()} if answer else {}
            return record._replace(fields={**record.fields, "context": passage.text, "title": passage.heading, **place})
    return None
