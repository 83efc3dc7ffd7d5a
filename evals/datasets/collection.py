"""Questions about the documents of a collection: a spreadsheet's CSV, ragapp's own lines, and KILT's."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from ragapp.errors import EvalError
from ragapp.evals.datasets.base import Contents, EvalQuestion
from ragapp.evals.datasets.fields import Record, read_text


def read_csv(path: Path) -> Contents:
    """Read a table with the columns ``question`` and ``answer``, and perhaps ``id``, ``document`` and ``kind``.

    Several accepted answers are separated by ``|``, several documents too. An empty answer says that the documents
    don't hold it.

    Args:
        path: A ``.csv`` or ``.tsv`` file; commas, semicolons or tabs between the cells, as spreadsheets write it. Rows
            without anything in them are skipped.

    Returns:
        The questions.

    Raises:
        EvalError: If a column is missing or a row is wrong; names the line.
    """
    text = read_text(path)
    first = text.split("\n", 1)[0]
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    names = [name.strip().lower() for name in rows.fieldnames or ()]
    columns = {name: called for name, called in zip(names, rows.fieldnames or (), strict=True) if name}
    if not {"question", "answer"} <= columns.keys():
        raise EvalError(
            f"{str(path)!r} line 1 has the columns {sorted(columns)}, and needs 'question' and 'answer'.",
            "name the columns in the first row",
        )
    if twice := next((name for name in columns if names.count(name) > 1), None):
        raise EvalError(f"{str(path)!r} line 1 has the column {twice!r} more than once.", "rename one of them")
    questions: list[EvalQuestion] = []
    try:
        for number, row in enumerate((row for row in rows if any(row.values())), 1):
            where = f"{str(path)!r} line {rows.line_num}"
            if None in row:
                raise EvalError(f"{where} has more cells than the first row.", 'put cells with commas into "quotes"')
            if row[columns["answer"]] is None:
                hint = "end the row with a comma and nothing behind it if the documents don't hold the answer"
                raise EvalError(f"{where} ends before the column 'answer'.", hint)
            record = Record(where, {name: (row[column] or "").strip() for name, column in columns.items()})
            answers, documents = _cells(record.optional("answer")), _cells(record.optional("document"))
            questions.append(_question(record, number, answers, documents))
    except csv.Error as error:
        where = f"{str(path)!r}, the row that begins on line {rows.line_num + 1},"
        raise EvalError(f"{where} is not CSV: {error}.", "look for a quote that is not closed") from error
    return Contents(tuple(questions), {})


def read_questions(records: list[Record]) -> Contents:
    """Read ragapp's own lines: ``question``, ``answers``, and perhaps ``id``, ``document`` or ``documents``, ``kind``.

    Args:
        records: The lines.

    Returns:
        The questions.

    Raises:
        EvalError: If a line is not of that form.
    """
    questions: list[EvalQuestion] = []
    for number, record in enumerate(records, 1):
        documents = record.texts("documents") if record.has("documents") else _cells(record.optional("document"))
        questions.append(_question(record, number, record.texts("answers"), documents))
    return Contents(tuple(questions), {})


def read_kilt(records: list[Record]) -> Contents:
    """Read KILT's lines (Petroni et al. 2021, arXiv:2009.02252): ``id``, ``input`` and ``output``.

    Its pages are Wikipedia's and not in the file: the collection's documents of those titles or ids stand for them.

    Args:
        records: The lines.

    Returns:
        The questions; every ``answer`` of ``output`` is accepted and every page of its ``provenance`` relevant. The
        pages of one ``output`` are enough evidence together.

    Raises:
        EvalError: If a line is not of that form.
    """
    questions: list[EvalQuestion] = []
    for record in records:
        outputs = record.records("output")
        answers = [output.text("answer") for output in outputs if output.has("answer")]
        if not answers:
            record.fail("output", "a list with an 'answer'", record.fields["output"])
        evidence = tuple(dict.fromkeys(_pages(output) for output in outputs if output.fields.get("provenance")))
        gold = {page: 1 for pages in evidence for page in pages}
        questions.append(
            EvalQuestion(
                id=record.identity("id") or record.text("id"),
                question=record.text("input"),
                answers=tuple(dict.fromkeys(answers)),
                gold=gold,
                given=tuple(gold),
                kind="answerable",
                where=record.where,
                evidence=evidence,
            )
        )
    return Contents(tuple(questions), {})


def _pages(output: Record) -> tuple[str, ...]:
    pages = output.records("provenance")
    return tuple(dict.fromkeys(page.optional("title") or page.text("wikipedia_id") for page in pages))


def _question(record: Record, number: int, answers: tuple[str, ...], documents: tuple[str, ...]) -> EvalQuestion:
    gold = dict.fromkeys(documents, 1) if answers else {}
    kind = record.optional("kind") or ("answerable" if answers else "unanswerable")
    identity = record.identity("id") or str(number)
    return EvalQuestion(identity, record.text("question"), answers, gold, tuple(documents), kind, record.where)


def _cells(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|") if part.strip())
