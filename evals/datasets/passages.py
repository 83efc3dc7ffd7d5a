"""Questions that come with retrieved passages: FiD's, DPR's and ALCE's JSON.

FiD: Izacard & Grave 2021, arXiv:2007.01282. DPR: Karpukhin et al. 2020, arXiv:2004.04906. ALCE: Gao et al. 2023,
arXiv:2305.14627.
"""

from __future__ import annotations

import hashlib

from ragapp.evals.datasets.base import Contents, Document, EvalQuestion
from ragapp.evals.datasets.fields import Record
from ragapp.evals.squad import normalize


def read_fid(records: list[Record]) -> Contents:
    """Read FiD's form: ``question``, ``answers`` and ``ctxs`` of ``title`` and ``text``, best first.

    A passage is relevant if it holds an accepted answer, word for word after normalisation: the form has no labels.

    Args:
        records: The objects.

    Returns:
        Questions with their passages.

    Raises:
        EvalError: If one is not of that form.
    """
    documents: dict[str, Document] = {}
    questions: list[EvalQuestion] = []
    for number, record in enumerate(records, 1):
        answers = record.texts("answers")
        given = _keep(documents, record, "ctxs")
        gold = {name: 1 for name in given if _holds(documents[name].text, answers)}
        identity = record.identity("id", "question_id") or str(number)
        questions.append(
            EvalQuestion(identity, record.text("question"), answers, gold, given, _kind(answers), record.where)
        )
    return Contents(tuple(questions), documents)


def read_dpr(records: list[Record]) -> Contents:
    """Read DPR's form: ``positive_ctxs`` are relevant, ``hard_negative_ctxs`` and ``negative_ctxs`` are not.

    Args:
        records: The objects.

    Returns:
        Questions with their passages.

    Raises:
        EvalError: If one is not of that form.
    """
    documents: dict[str, Document] = {}
    questions: list[EvalQuestion] = []
    for number, record in enumerate(records, 1):
        answers = record.texts("answers")
        gold = dict.fromkeys(_keep(documents, record, "positive_ctxs"), 1)
        for others in ("hard_negative_ctxs", "negative_ctxs"):
            if record.fields.get(others):
                _keep(documents, record, others)
        identity = record.identity("id", "question_id") or str(number)
        questions.append(
            EvalQuestion(identity, record.text("question"), answers, gold, (*gold,), _kind(answers), record.where)
        )
    return Contents(tuple(questions), documents)


def read_alce(records: list[Record]) -> Contents:
    """Read ALCE's form: ``question``, ``docs`` of ``title`` and ``text``, and ``qa_pairs`` or ``answer``.

    Args:
        records: The objects.

    Returns:
        Questions with their passages; of ``qa_pairs`` every short answer is accepted.

    Raises:
        EvalError: If one is not of that form.
    """
    documents: dict[str, Document] = {}
    questions: list[EvalQuestion] = []
    for number, record in enumerate(records, 1):
        if record.has("qa_pairs"):
            pairs = record.records("qa_pairs")
            answers = tuple(dict.fromkeys(text for pair in pairs for text in pair.texts("short_answers")))
        else:
            answers = (record.text("answer"),)
        given = _keep(documents, record, "docs")
        gold = {name: 1 for name in given if _holds(documents[name].text, answers)}
        identity = record.identity("sample_id", "id") or str(number)
        questions.append(
            EvalQuestion(identity, record.text("question"), answers, gold, given, _kind(answers), record.where)
        )
    return Contents(tuple(questions), documents)


def _keep(documents: dict[str, Document], record: Record, field: str) -> tuple[str, ...]:
    """Keep the passages of a field, of which there must be one, and give their names."""
    names: list[str] = []
    passages = record.records(field)
    if not passages:
        record.fail(field, "a list with a passage", [])
    for passage in passages:
        document = Document(passage.optional("title"), passage.text("text"))
        # By content, not by the file's own ids: those are missing in some files and number rows in others.
        name = hashlib.sha256("\0".join(document).encode()).hexdigest()[:16]
        documents.setdefault(name, document)
        names.append(name)
    return tuple(dict.fromkeys(names))


def _holds(text: str, answers: tuple[str, ...]) -> bool:
    words = f" {normalize(text)} "
    return any(f" {normalize(answer)} " in words for answer in answers)


def _kind(answers: tuple[str, ...]) -> str:
    return "answerable" if answers else "unanswerable"
