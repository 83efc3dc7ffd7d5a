"""Question files as people have them: JSON lines, SQuAD's JSON, or a spreadsheet's CSV, read to one kind of record."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, cast

from ragapp.errors import TrainingError


class SourceRecord(NamedTuple):
    """One question as its file gives it.

    Attributes:
        where: File and line or question id, for messages.
        fields: ``question``, and whatever else is there of ``context``, ``answers``, ``answer_start``,
            ``is_impossible``, ``plausible_answers``, ``title``, ``dataset`` and ``id``.
    """

    where: str
    fields: Mapping[str, object]


def read_source(path: Path) -> Iterator[SourceRecord]:
    """Read the questions of a file.

    Args:
        path: ``.jsonl`` or ``.jsonl.gz`` with one object a line; ``.json`` in SQuAD's layout, 1.1 or 2.0; ``.csv`` with
            the columns ``question`` and ``answer`` and optionally ``context``, ``title`` and ``id``.

    Yields:
        Records in file order.

    Raises:
        TrainingError: If the file cannot be read or is not of that form; the message names the line.
    """
    if not path.exists():
        raise TrainingError(f"There is no question file {str(path)!r}.", "check the path")
    read = _READERS.get("".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix.lower())
    if read is None:
        raise TrainingError(
            f"{str(path)!r} is no kind of question file that ragapp reads.", "give .jsonl, .jsonl.gz, .json or .csv"
        )
    try:
        yield from read(path)
    except OSError as error:
        raise TrainingError(f"{str(path)!r} cannot be read: {error}", "check the path and the file") from error
    except (UnicodeDecodeError, EOFError) as error:
        raise TrainingError(f"{str(path)!r} is not UTF-8 text: {error}", "re-save it as UTF-8") from error


def _json_lines(path: Path) -> Iterator[SourceRecord]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            where = f"{str(path)!r} line {number}"
            if line.strip():
                record = _parsed(line, where)
                if not isinstance(record, dict):
                    raise TrainingError(
                        f"{where} is not a JSON object.", 'write {"question": "…", "context": "…", "answers": ["…"]}'
                    )
                yield SourceRecord(where, cast("dict[str, object]", record))


def _squad(path: Path) -> Iterator[SourceRecord]:
    """Rajpurkar et al. 2016 and 2018: articles of paragraphs, each with its questions."""
    whole = _parsed(path.read_text("utf-8"), repr(str(path)))
    try:
        for article in cast("dict[str, list[dict[str, object]]]", whole)["data"]:
            for paragraph in cast("list[dict[str, object]]", article["paragraphs"]):
                for asked in cast("list[dict[str, object]]", paragraph["qas"]):
                    answers, plausible = (
                        cast("list[dict[str, object]]", asked.get(name) or [])
                        for name in ("answers", "plausible_answers")
                    )
                    yield SourceRecord(
                        f"{str(path)!r} question {asked.get('id')!r}",
                        {
                            "id": asked["id"],
                            "question": asked["question"],
                            "context": paragraph["context"],
                            "title": article.get("title", ""),
                            "answers": [answer["text"] for answer in answers],
                            "answer_start": answers[0]["answer_start"] if answers else None,
                            "is_impossible": asked.get("is_impossible", not answers),
                            "plausible_answers": [answer["text"] for answer in plausible],
                        },
                    )
    except (KeyError, TypeError, AttributeError) as error:
        raise TrainingError(
            f"{str(path)!r} is JSON, but not in SQuAD's layout (data, paragraphs, qas): {error}",
            "write one object a line and name it .jsonl",
        ) from error


def _csv(path: Path) -> Iterator[SourceRecord]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file, strict=True)
        columns = {name.strip().lower(): name for name in rows.fieldnames or () if name}
        if not {"question", "answer"} <= columns.keys():
            raise TrainingError(
                f"{str(path)!r} has the columns {sorted(columns)}, and needs 'question' and 'answer'.",
                "name them in the first row",
            )
        try:
            for row in rows:
                fields = {name: (row[column] or "").strip() for name, column in columns.items()}
                answer = fields.pop("answer")
                where = f"{str(path)!r} line {rows.line_num}"
                # An empty answer says that the documents don't hold it.
                found = {"answers": [answer] if answer else [], "is_impossible": not answer}
                kept = {name: value for name, value in fields.items() if name in ("question", "context", "title", "id")}
                yield SourceRecord(where, {**kept, **found})
        except csv.Error as error:
            raise TrainingError(
                f"{str(path)!r} line {rows.line_num} is not CSV: {error}", "check the quotes there"
            ) from error


def _parsed(text: str, where: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise TrainingError(f"{where} is not JSON: {error}", "check quotes, commas and brackets there") from error


_READERS: Mapping[str, Callable[[Path], Iterator[SourceRecord]]] = {
    ".jsonl": _json_lines,
    ".jsonl.gz": _json_lines,
    ".json": _squad,
    ".csv": _csv,
}
