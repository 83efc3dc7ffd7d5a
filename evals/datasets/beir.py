"""BEIR folders (Thakur et al. 2021, arXiv:2104.08663): ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/*.tsv``."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Set
from pathlib import Path

from ragapp.errors import EvalError
from ragapp.evals.datasets.base import Contents, Document, EvalQuestion
from ragapp.evals.datasets.fields import Record, read_lines, read_text

_SPLITS = ("test", "dev", "train")


def beir_files(folder: Path) -> tuple[Path, Path, Path]:
    """Find the files of a BEIR folder; of several splits ``test`` goes before ``dev`` and ``train``.

    Args:
        folder: The folder.

    Returns:
        Corpus, queries, qrels.

    Raises:
        EvalError: If one of them is missing.
    """
    qrels = next(
        (file for split in _SPLITS if (file := folder / "qrels" / f"{split}.tsv").is_file()),
        folder / "qrels" / "test.tsv",
    )
    files = folder / "corpus.jsonl", folder / "queries.jsonl", qrels
    for file in files:
        if not file.is_file():
            raise EvalError(
                f"{str(folder)!r} is no BEIR folder: {str(file.relative_to(folder))!r} is missing.",
                "give a folder with corpus.jsonl, queries.jsonl and qrels/test.tsv",
            )
    return files


def read_beir(folder: Path) -> Contents:
    """Read a BEIR folder: the queries that the qrels judge. They have no answers.

    A document without title and text, as some corpora have them, cannot be found and is left out; if a query needs it,
    it counts as missed.

    Args:
        folder: The folder.

    Returns:
        Documents with graded relevance.

    Raises:
        EvalError: If a file is missing or a line of one is wrong.
    """
    corpus, queries, qrels = beir_files(folder)
    texts = {
        name: Document(record.optional("title"), record.optional("text")) for name, record in _named(corpus).items()
    }
    asked = _named(queries)
    grades = _grades(qrels, asked.keys(), texts.keys())
    if not any(grades.values()):
        raise EvalError(f"{str(qrels)!r} names no relevant document.", "give at least one row with a score above 0")
    documents = {name: document for name, document in texts.items() if "".join(document).strip()}
    if not documents:
        raise EvalError(f"{str(corpus)!r} holds no text.", "give documents with a title or a text")
    questions = tuple(
        EvalQuestion(
            id=name,
            question=record.text("text"),
            answers=None,
            gold=grades[name],
            given=tuple(each for each in grades[name] if each in documents),
            where=record.where,
        )
        for name, record in asked.items()
        if grades.get(name)
    )
    return Contents(questions, documents)


def _named(path: Path) -> dict[str, Record]:
    """Read lines by their ``_id``, in the order of the file."""
    records: dict[str, Record] = {}
    for record in read_lines(path):
        identity = record.text("_id")
        if identity in records:
            raise EvalError(
                f"{record.where} has the '_id' {identity!r}, which {records[identity].where} has too.", "rename one"
            )
        records[identity] = record
    return records


def _grades(path: Path, queries: Set[str], documents: Set[str]) -> dict[str, dict[str, int]]:
    """Read ``query-id, corpus-id, score`` rows into the relevant documents of each query that is judged."""
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    judged: dict[tuple[str, str], int] = {}
    rows = csv.reader(io.StringIO(read_text(path)), delimiter="\t", quoting=csv.QUOTE_NONE)
    for number, row in enumerate(rows, 1):
        where = f"{str(path)!r} line {number}"
        if not row or (number == 1 and row[0] == "query-id"):
            continue
        try:
            query, document, grade = row[0], row[1], int(row[2])
        except (IndexError, ValueError) as error:
            raise EvalError(
                f"{where} should hold query-id, corpus-id and a whole number, and holds {row!r}.",
                "separate the three by tabs",
            ) from error
        for name, known, file in ((query, queries, "queries.jsonl"), (document, documents, "corpus.jsonl")):
            if name not in known:
                raise EvalError(f"{where} names {name!r}, which {file} lacks.", f"add it to {file}, or remove the row")
        earlier = judged.setdefault((query, document), grade)
        if earlier != grade:
            raise EvalError(
                f"{where} grades {document!r} {grade} for {query!r}, and an earlier line {earlier}.", "remove one"
            )
        if grade > 0:
            grades[query][document] = grade
    return dict(grades)
