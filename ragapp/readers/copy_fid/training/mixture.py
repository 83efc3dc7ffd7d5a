"""Prepare a training mixture once: checked, rid of what evaluation will ask, with near misses and real distractors.

A prepared mixture is a folder: ``passages.jsonl.gz``, ``questions.jsonl.gz`` that point into it, and ``report.json``
with what went in, what was dropped and why. The same input and seed give the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from ragapp.errors import TrainingError
from ragapp.indexes.types import Span
from ragapp.readers.base import ReaderPassage
from ragapp.readers.copy_fid.training.data import NEAR_MISS, QaData, QaExample, normalized
from ragapp.readers.copy_fid.training.near_miss import NearMisses

PASSAGES_FILE, QUESTIONS_FILE, REPORT_FILE = "passages.jsonl.gz", "questions.jsonl.gz", "report.json"

Find = Callable[[str], Sequence[ReaderPassage]]
"""What retrieval finds for a question, best first."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a mixture is made of.

    Attributes:
        questions: Questions by dataset.
        answerable: How many of them have an answer.
        with_negatives: How many have distractors from retrieval.
        dropped: What was left out, counted by reason.
        seed: Seed of what was chosen and changed.
        sha256: Of both data files, hex.
    """

    questions: dict[str, int]
    answerable: int
    with_negatives: int
    dropped: dict[str, int]
    seed: int
    sha256: str


class PreparedMixture(NamedTuple):
    """A mixture as training reads it."""

    examples: tuple[QaExample, ...]
    report: Report


def without_contamination(data: QaData, evaluation: Sequence[QaExample]) -> QaData:
    """Leave out what an evaluation file holds: its contexts, or parts of them, and its questions.

    Texts are compared without case, punctuation and white space, contexts also by runs of 12 words, so that a
    paragraph that was cut or joined is still found.

    Args:
        data: The training examples.
        evaluation: Examples that will be evaluated on.

    Returns:
        The examples that share neither with the evaluation, and what was dropped.
    """
    questions = {normalized(example.question) for example in evaluation}
    runs = {run for context in {example.context for example in evaluation} for run in _runs(context)}
    contaminated = {
        context: not runs.isdisjoint(_runs(context)) for context in {example.context for example in data.examples}
    }
    dropped = Counter(data.dropped)
    kept: list[QaExample] = []
    for example in data.examples:
        if contaminated[example.context]:
            dropped["the context is in an evaluation file"] += 1
        elif normalized(example.question) in questions:
            dropped["the question is in an evaluation file"] += 1
        else:
            kept.append(example)
    return QaData(tuple(kept), dropped)


def near_misses(examples: Sequence[QaExample], shares: Mapping[str, float], seed: int) -> tuple[QaExample, ...]:
    """Make near misses of answerable questions.

    Args:
        examples: The training examples.
        shares: Of which datasets, and of what share of their questions, 0 to 1.
        seed: Seed of the choice and of the changes.

    Returns:
        Unanswerable examples of datasets whose name ends in `NEAR_MISS`; their distractors are those of the original.
    """
    maker = NearMisses([example for example in examples if example.answer and example.dataset in shares])
    made: list[QaExample] = []
    for example in examples:
        rng = random.Random(f"{seed}/{example.id}")
        if example.answer is None or rng.random() >= shares.get(example.dataset, 0.0):
            continue
        question = maker.make(example, rng)
        if question is not None:
            unanswerable = replace(example, question=question, answer=None, references=())
            made.append(replace(unanswerable, id=example.id + NEAR_MISS, dataset=example.dataset + NEAR_MISS))
    return tuple(made)


def weighted(data: QaData, shares: Mapping[str, float], seed: int) -> QaData:
    """Keep a share of some datasets.

    Args:
        data: The training examples.
        shares: Share of each dataset to keep, 0 to 1; all where none is given.
        seed: Seed of the choice.

    Returns:
        What is kept, with the rest counted as dropped.

    Raises:
        TrainingError: If a dataset is not there.
    """
    known = {example.dataset for example in data.examples}
    if unknown := shares.keys() - known:
        raise TrainingError(f"There is no dataset {sorted(unknown)} to weigh.", f"the datasets are {sorted(known)}")
    kept = tuple(
        example
        for example in data.examples
        if random.Random(f"{seed}/share/{example.id}").random() < shares.get(example.dataset, 1.0)
    )
    dropped = data.dropped + Counter({"beyond the dataset's share": len(data.examples) - len(kept)})
    return QaData(kept, dropped)


def with_negatives(example: QaExample, find: Find, count: int) -> QaExample:
    """Give an example the distractors that retrieval would put beside its answer.

    Args:
        example: The example.
        find: Retrieval over the mixture's contexts.
        count: How many distractors at most.

    Returns:
        The example with passages that are not of its context and hold none of its references.
    """
    references = [reference.casefold() for reference in example.references]
    negatives = [
        passage
        for passage in find(example.question)
        if passage.text not in example.context
        and example.context not in passage.text
        and not any(reference in passage.text.casefold() for reference in references)
    ]
    return replace(example, negatives=tuple(negatives[:count]))


def write_mixture(folder: Path, examples: Sequence[QaExample], dropped: Mapping[str, int], seed: int) -> Report:
    """Write a prepared mixture.

    Args:
        folder: Where to write; made if missing.
        examples: Its questions.
        dropped: What was left out, counted by reason.
        seed: Seed of what was chosen and changed.

    Returns:
        The report that was written with it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers: dict[ReaderPassage, int] = {}
    lines = [_line(example, numbers) for example in examples]
    digest = hashlib.sha256()
    _write_lines(folder / PASSAGES_FILE, [passage._asdict() for passage in numbers], digest.update)
    _write_lines(folder / QUESTIONS_FILE, lines, digest.update)
    report = Report(
        questions=dict(sorted(Counter(example.dataset for example in examples).items())),
        answerable=sum(example.answer is not None for example in examples),
        with_negatives=sum(bool(example.negatives) for example in examples),
        dropped=dict(sorted(dropped.items())),
        seed=seed,
        sha256=digest.hexdigest(),
    )
    (folder / REPORT_FILE).write_text(json.dumps(asdict(report), indent=2) + "\n", "utf-8")
    return report


def read_mixture(folder: Path) -> PreparedMixture:
    """Read a prepared mixture.

    Args:
        folder: The folder that `write_mixture` wrote.

    Returns:
        Its examples and report.

    Raises:
        TrainingError: If it is not whole.
    """
    try:
        report = Report(**json.loads((folder / REPORT_FILE).read_text("utf-8")))
        passages = [ReaderPassage(**record) for record in _read_lines(folder / PASSAGES_FILE)]
        examples = tuple(_read_example(record, passages) for record in _read_lines(folder / QUESTIONS_FILE))
    except (OSError, EOFError, ValueError, TypeError, KeyError, IndexError) as error:
        raise TrainingError(
            f"{str(folder)!r} is no prepared mixture, or not whole: {error}", "ragapp train prepare"
        ) from error
    return PreparedMixture(examples, report)


def _line(example: QaExample, numbers: dict[ReaderPassage, int]) -> dict[str, Any]:
    """Put an example into a line, its passages as their numbers."""
    return {
        "id": example.id,
        "question": example.question,
        "passage": numbers.setdefault(ReaderPassage(example.context, example.title), len(numbers)),
        "answer": example.answer,
        "references": example.references,
        "dataset": example.dataset,
        "negatives": [numbers.setdefault(passage, len(numbers)) for passage in example.negatives],
    }


def _read_example(record: dict[str, Any], passages: Sequence[ReaderPassage]) -> QaExample:
    context, title = passages[record["passage"]]
    return QaExample(
        record["id"],
        record["question"],
        context,
        title,
        Span(*record["answer"]) if record["answer"] else None,
        tuple(record["references"]),
        record["dataset"],
        tuple(passages[number] for number in record["negatives"]),
    )


def _write_lines(path: Path, records: Sequence[Mapping[str, Any]], update: Callable[[bytes], None]) -> None:
    # Without a time stamp, so that the same mixture is the same bytes.
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as file:
        for record in records:
            line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            update(line)
            file.write(line)


def _read_lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _runs(text: str, length: int = 12) -> set[int]:
    """Hash every run of words, or the whole of a shorter text."""
    words = normalized(text).split()
    return {hash(tuple(words[i : i + length])) for i in range(max(1, len(words) - length + 1))}
