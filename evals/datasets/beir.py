"""BEIR folders (Thakur et al. 2021, arXiv:2104.08663): ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/*.tsv``."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from pathlib import Path

from ragapp.errors import EvalError
from ragapp.evals.datasets.base import Contents, Document, EvalQuestion
from ragapp.evals.datasets.fields import read_lines, read_text

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

    Args:
        folder: The folder.

    Returns:
        Documents with graded relevance.

    Raises:
        EvalError: If a file is missing or a line of one is wrong.
    """
    corpus, queries, qrels = beir_files(folder)
    documents: dict[str, Document] = {}
    for record in read_lines(corpus):
        identity = record.text("_id")
        if identity in documents:
            record.fail("_id", "unique", identity)
        documents[identity] = Document(record.optional("title"), record.optional("text"))
    grades = _grades(qrels, documents)
    questions: list[EvalQuestion] = []
    for record in read_lines(queries):
        identity = record.text("_id")
        if identity in grades:
            gold = grades.pop(identity)
            questions.append(EvalQuestion(identity, record.text("text"), None, gold, tuple(gold)))
    if grades:
        raise EvalError(f"{str(qrels)!r} judges the query {next(iter(grades))!r}, which {str(queries)!r} lacks.")
    return Contents(tuple(questions), documents)


def _grades(path: Path, documents: dict[str, Document]) -> dict[str, dict[str, int]]:
    """Read ``query-id, corpus-id, score`` rows; what is not relevant (0) is left out."""
    grades: dict[str, dict[str, int]] = defaultdict(dict)
    for number, row in enumerate(csv.reader(io.StringIO(read_text(path)), delimiter="\t"), 1):
        where = f"{str(path)!r} line {number}"
        if number == 1 and row[:1] == ["query-id"]:
            continue
        try:
            query, document, grade = row[0], row[1], int(row[2])
        except (IndexError, ValueError) as error:
            raise EvalError(f"{where} should hold query-id, corpus-id and a whole number: {row!r}.") from error
        if document not in documents:
            raise EvalError(f"{where} names the document {document!r}, which the corpus lacks.")
        if grade > 0:
            grades[query][document] = grade
    return dict(grades)
