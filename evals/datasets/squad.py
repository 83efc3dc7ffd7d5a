"""SQuAD 1.1 and 2.0 (Rajpurkar et al. 2016, arXiv:1606.05250; 2018, arXiv:1806.03822), nested and flat."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ragapp.evals.datasets.base import Contents, Document, EvalQuestion
from ragapp.evals.datasets.fields import Record, as_object, read_json


def read_squad(path: Path) -> Contents:
    """Read SQuAD's JSON: articles (``data``) of ``paragraphs``, each with a ``context`` and its ``qas``.

    Args:
        path: A ``.json`` file.

    Returns:
        One document a paragraph.

    Raises:
        EvalError: If the file is not of that layout.
    """
    whole = Record(repr(str(path)), as_object(read_json(path), repr(str(path))))
    documents: dict[str, Document] = {}
    questions: list[EvalQuestion] = []
    for article in whole.records("data"):
        for paragraph in article.records("paragraphs"):
            document = _keep(documents, paragraph.text("context"))
            for asked in paragraph.records("qas"):
                answers = tuple(answer.text("text") for answer in asked.records("answers"))
                identity = asked.identity("id") or asked.text("id")
                questions.append(_question(asked, identity, answers, document))
    return Contents(tuple(questions), documents)


def read_contexts(records: list[Record]) -> Contents:
    """Read lines with a ``question``, a ``context`` and ``answers``: SQuAD flattened to one question a line.

    Args:
        records: The lines.

    Returns:
        One document a distinct context.

    Raises:
        EvalError: If a line is not of that form.
    """
    documents: dict[str, Document] = {}
    questions: list[EvalQuestion] = []
    for number, record in enumerate(records, 1):
        document = _keep(documents, record.text("context"))
        identity = record.identity("id") or str(number)
        questions.append(_question(record, identity, _flat_answers(record), document))
    return Contents(tuple(questions), documents)


def _flat_answers(record: Record) -> tuple[str, ...]:
    """Read ``answers``: a list, or as columns, ``{"text": [...], "answer_start": [...]}``."""
    value = record.fields.get("answers")
    if isinstance(value, dict):
        return Record(f"{record.where}, answers", as_object(value, record.where)).texts("text")
    return () if record.flag("is_impossible") else record.texts("answers")


def _question(record: Record, identity: str, answers: tuple[str, ...], document: str) -> EvalQuestion:
    columns = isinstance(record.fields.get("answers"), dict)
    if record.flag("is_impossible"):
        answers = ()  # SQuAD 2.0 names plausible answers elsewhere; these are none
    elif not answers and not columns:  # columns have no other way to say that there is none
        record.fail("answers", "a list with an answer, or 'is_impossible' true", record.fields.get("answers"))
    return EvalQuestion(
        id=identity,
        question=record.text("question"),
        answers=tuple(dict.fromkeys(answers)),
        gold={document: 1} if answers else {},
        given=(document,),
        kind="answerable" if answers else "unanswerable",
        where=record.where,
    )


def _keep(documents: dict[str, Document], text: str) -> str:
    """Keep a text once, under a name made of its words."""
    identity = hashlib.sha256(text.encode()).hexdigest()[:16]
    documents.setdefault(identity, Document("", text))
    return identity
