"""Question–answer examples for training: read, checked and aligned to character offsets."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ragapp.errors import TrainingError
from ragapp.indexes.types import Span


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
    """

    id: str
    question: str
    context: str
    title: str
    answer: Span | None
    references: tuple[str, ...]
    dataset: str


class Split(NamedTuple):
    """Examples to learn from and examples kept back to watch the training by."""

    train: tuple[QaExample, ...]
    held_out: tuple[QaExample, ...]


@dataclass(frozen=True, slots=True)
class QaData:
    """The usable examples of a file and what was left out of it, counted by reason."""

    examples: tuple[QaExample, ...]
    dropped: Counter[str]


def load_examples(path: Path) -> QaData:
    """Read examples from JSON lines, plain or gzipped.

    Each line is an object with ``question``, ``context`` and ``answers`` (a list of strings); ``answer_start`` gives
    the first answer's character offset and is searched for where it is missing or wrong; ``is_impossible``, ``title``,
    ``dataset`` and ``id`` are optional.

    Args:
        path: File ending in ``.jsonl`` or ``.jsonl.gz``.

    Returns:
        Examples in file order, each question on a context once, and what was dropped.

    Raises:
        TrainingError: If the file cannot be read, a line is not such an object, or nothing usable is left.
    """
    examples: list[QaExample] = []
    dropped: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    for number, record in _records(path):
        example = _example(path, number, record)
        if example is None:
            dropped["the answer does not stand in the context"] += 1
        elif not example.context.strip() or not example.question.strip():
            dropped["empty question or context"] += 1
        elif (key := (" ".join(example.question.lower().split()), example.context)) in seen:
            dropped["asked twice"] += 1
        else:
            seen.add(key)
            examples.append(example)
    if not examples:
        raise TrainingError(f"No usable example in {str(path)!r}: {dict(dropped)}.", "check its answers and offsets")
    return QaData(tuple(examples), dropped)


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


def _records(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    record = json.loads(line)
                    if not isinstance(record, dict):
                        raise TrainingError(f"{str(path)!r} line {number} is not a JSON object.")
                    yield number, record
    except OSError as error:
        raise TrainingError(f"{str(path)!r} cannot be read: {error}", "give a .jsonl or .jsonl.gz file") from error
    except (UnicodeDecodeError, json.JSONDecodeError, EOFError) as error:
        raise TrainingError(f"{str(path)!r} cannot be read as JSON lines: {error}", "re-save it as UTF-8") from error


def _example(path: Path, number: int, record: dict[str, object]) -> QaExample | None:
    question, context, answers = record.get("question"), record.get("context"), record.get("answers") or []
    if not isinstance(question, str) or not isinstance(context, str) or not isinstance(answers, list):
        raise TrainingError(
            f"{str(path)!r} line {number} needs the strings 'question' and 'context' and the list 'answers'."
        )
    references = tuple(str(answer) for answer in answers if str(answer).strip())
    answer: Span | None = None
    if not record.get("is_impossible") and references:
        answer = _align(context, references[0], record.get("answer_start"))
        if answer is None:
            return None
    elif not record.get("is_impossible"):
        return None
    return QaExample(
        id=str(record.get("id", number)),
        question=question,
        context=context,
        title=str(record.get("title") or "").replace("_", " "),
        answer=answer,
        references=references if answer else (),
        dataset=str(record.get("dataset", path.name)),
    )


def _align(context: str, answer: str, start: object) -> Span | None:
    """Find the answer at its offset, else where it stands alone; standing several times, its place is unknown."""
    if isinstance(start, int) and start >= 0 and context[start : start + len(answer)] == answer:
        return Span(start, start + len(answer))
    if context.count(answer) == 1:
        start = context.index(answer)
        return Span(start, start + len(answer))
    return None
