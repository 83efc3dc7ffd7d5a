"""Question–answer examples for training: checked, deduplicated and aligned to character offsets."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

from ragapp.errors import TrainingError
from ragapp.indexes.types import Span
from ragapp.readers.base import ReaderPassage
from ragapp.readers.copy_fid.training.sources import SourceRecord, read_source

NEAR_MISS = " near miss"
"""Suffix of the dataset's name of questions that were changed so that their context no longer answers them."""


@dataclass(frozen=True, slots=True)
class QaExample:
    """A question about a context.

    Attributes:
        id: Unique in the mixture.
        question: As a person would ask it.
        context: The text that was asked about.
        title: Title of the article or document, may be empty.
        answer: Where the answer stands in the context; ``None`` if it does not.
        references: Every accepted answer text, for scoring.
        dataset: Which set it comes from.
        negatives: Passages that retrieval finds for the question and that do not hold the answer, best first.
        plausible: What the context has that looks like the answer of a question which it does not answer.
    """

    id: str
    question: str
    context: str
    title: str
    answer: Span | None
    references: tuple[str, ...]
    dataset: str
    negatives: tuple[ReaderPassage, ...] = ()
    plausible: tuple[str, ...] = ()


class Split(NamedTuple):
    """Examples to learn from and examples kept back to watch the training by."""

    train: tuple[QaExample, ...]
    held_out: tuple[QaExample, ...]


@dataclass(frozen=True, slots=True)
class QaData:
    """The usable examples of a file and what was left out of it, counted by reason."""

    examples: tuple[QaExample, ...]
    dropped: Counter[str]


def load_examples(*paths: Path) -> QaData:
    """Read examples from question files.

    Of each record are used ``question``, ``context`` and ``answers`` (a list of strings); ``answer_start`` gives the
    first answer's character offset and is searched for where it is missing or wrong; ``is_impossible``,
    ``plausible_answers``, ``title``, ``dataset`` and ``id`` are optional. A question that was written about the context
    of another one may give, in place of ``context``, ``about``: that one's dataset and id, with a slash between.

    Args:
        paths: Files as `read_source` reads them.

    Returns:
        Examples in file order, each question on a context once, and what was dropped.

    Raises:
        TrainingError: If a file cannot be read, a record is not such an object, or nothing usable is left.
    """
    records = [(path.name.partition(".")[0], record) for path in paths for record in read_source(path)]
    dropped = Counter[str]()
    data = collect(_with_contexts(records, dropped), dropped)
    if not data.examples:
        names = ", ".join(repr(str(path)) for path in paths)
        raise TrainingError(f"No usable example in {names}{told(data.dropped)}.", "check its answers and offsets")
    return data


def _with_contexts(
    records: Sequence[tuple[str, SourceRecord]], dropped: Counter[str]
) -> list[tuple[str, SourceRecord]]:
    """Give questions that name another one that one's context and title; leave out those that name none there is."""
    fields = {_id(dataset, record): record.fields for dataset, record in records if "about" not in record.fields}
    kept: list[tuple[str, SourceRecord]] = []
    for dataset, record in records:
        if "about" not in record.fields:
            kept.append((dataset, record))
        elif (other := fields.get(str(record.fields["about"]))) is None:
            dropped["the question that it names is not there"] += 1
        else:
            shared = {"context": other.get("context"), "title": other.get("title")}
            kept.append((dataset, record._replace(fields={**record.fields, **shared})))
    return kept


def told(dropped: Counter[str]) -> str:
    """Tell what was left out, to go on a sentence with; empty if that is nothing.

    Args:
        dropped: How many, by reason.

    Returns:
        The reasons, the most frequent first.
    """
    reasons = [f"{count} × {reason}" for reason, count in dropped.most_common()]
    return f" (left out: {', '.join(reasons)})" if reasons else ""


def collect(records: Iterable[tuple[str, SourceRecord]], dropped: Counter[str]) -> QaData:
    """Turn records into examples, leaving out what cannot be learned from.

    Args:
        records: Pairs of the dataset's name, where the record gives none, and the record.
        dropped: What was left out before, counted by reason; added to.

    Returns:
        The examples in order and what was dropped.

    Raises:
        TrainingError: If a record lacks a field or one is of the wrong type.
    """
    examples: list[QaExample] = []
    seen: set[tuple[str, str]] = set()
    ids: set[str] = set()
    for dataset, record in records:
        example = _example(dataset, record)
        if not str(record.fields["context"]).strip() or not str(record.fields["question"]).strip():
            dropped["empty question or context"] += 1
        elif example is None:
            dropped["the answer does not stand in the context"] += 1
        elif (key := (normalized(example.question), example.context)) in seen:
            dropped["asked twice"] += 1
        elif example.id in ids:
            dropped["another example has the same id"] += 1
        else:
            seen.add(key)
            ids.add(example.id)
            examples.append(example)
    return QaData(tuple(examples), dropped)


def normalized(text: str) -> str:
    """Give a text without case, punctuation and runs of white space, for telling whether two say the same."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())


def hold_out(examples: Sequence[QaExample], share: float = 0.02) -> Split:
    """Keep whole articles back, chosen by a hash of their title, so that no held-out context was trained on.

    Args:
        examples: All examples.
        share: Share of articles to keep back, 0 to 1.

    Returns:
        Both parts, in the order given.
    """
    train: list[QaExample] = []
    held_out: list[QaExample] = []
    for example in examples:
        digest = hashlib.sha256((example.title or example.context).encode()).digest()
        (held_out if int.from_bytes(digest[:4]) < share * 2**32 else train).append(example)
    return Split(tuple(train), tuple(held_out))


_FORMAT = 'write {"question": "…", "context": "…", "answers": ["…"]}'


def _example(dataset: str, record: SourceRecord) -> QaExample | None:
    fields = record.fields
    question, context, answers = fields.get("question"), fields.get("context"), fields.get("answers") or []
    if not isinstance(question, str) or not isinstance(context, str) or not isinstance(answers, list):
        raise TrainingError(
            f"{record.where} needs the strings 'question' and 'context' and the list 'answers'.", _FORMAT
        )
    if not all(isinstance(answer, (str, int)) for answer in answers):
        raise TrainingError(f"{record.where} has answers that are no strings: {answers!r}.", _FORMAT)
    references = tuple(str(answer) for answer in answers if str(answer).strip())
    answer: Span | None = None
    if not fields.get("is_impossible"):
        answer = _align(context, references[0], fields.get("answer_start")) if references else None
        if answer is None:
            return None
    plausible = fields.get("plausible_answers") or []
    return QaExample(
        id=_id(dataset, record),
        question=question,
        context=context,
        title=str(fields.get("title") or "").replace("_", " "),
        answer=answer,
        references=references if answer else (),
        dataset=str(fields.get("dataset", dataset)),
        plausible=tuple(map(str, cast("list[object]", plausible)))
        if isinstance(plausible, list) and not answer
        else (),
    )


def _id(dataset: str, record: SourceRecord) -> str:
    return f"{record.fields.get('dataset', dataset)}/{record.fields.get('id') or record.where}"


def _align(context: str, answer: str, start: object) -> Span | None:
    """Find the answer at its offset, else where it stands alone; standing several times, its place is unknown."""
    if isinstance(start, int) and start >= 0 and context[start : start + len(answer)] == answer:
        return Span(start, start + len(answer))
    if context.count(answer) == 1:
        start = context.index(answer)
        return Span(start, start + len(answer))
    return None
