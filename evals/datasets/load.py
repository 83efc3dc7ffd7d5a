"""Loading a dataset: its format found out, all of it read and checked before any work starts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import cast

import ragapp
from ragapp.errors import EvalError
from ragapp.evals.datasets.base import Contents, Dataset, EvalQuestion, Format
from ragapp.evals.datasets.beir import beir_files, read_beir
from ragapp.evals.datasets.collection import read_csv, read_kilt, read_questions
from ragapp.evals.datasets.fields import Record, as_object, read_json, read_lines
from ragapp.evals.datasets.passages import read_alce, read_dpr, read_fid
from ragapp.evals.datasets.squad import read_contexts, read_squad

SAMPLES = Path(ragapp.__file__).parent / "samples"
"""The built-in suite: documents and questions about them."""

_BY_RECORD: Mapping[Format, Callable[[list[Record]], Contents]] = {
    "fid": read_fid,
    "dpr": read_dpr,
    "kilt": read_kilt,
    "alce": read_alce,
    "squad": read_contexts,
    "questions": read_questions,
}
_TELLTALE: Mapping[str, Format] = {
    "ctxs": "fid",
    "positive_ctxs": "dpr",
    "docs": "alce",
    "qa_pairs": "alce",
    "output": "kilt",
    "context": "squad",
    "answers": "questions",
}
"""A field that only one format has."""
_FORMATS_HINT = "ragapp eval run --help names the formats; give one with --format"


def load_dataset(path: Path | None, given: Format | None = None) -> Dataset:
    """Read a dataset and check it.

    Args:
        path: A file or a BEIR folder; the built-in suite without one.
        given: Its format; found out by default.

    Returns:
        The dataset.

    Raises:
        EvalError: If it cannot be read, is of no known format, or a question of it is wrong: names file, line and
            field.
    """
    if path is None:
        return _samples()
    if not path.exists():
        raise EvalError(f"There is no dataset {str(path)!r}.", "check the path")
    chosen, files = given or detect(path), _files(path)
    contents = _read(path, chosen, mixed=given is not None)
    _check(contents, path)
    return Dataset(path.name, chosen, _sha256(files), contents.questions, contents.documents)


def detect(path: Path) -> Format:
    """Find out a dataset's format by its name and first record.

    Args:
        path: A file or a folder.

    Returns:
        The format.

    Raises:
        EvalError: If it is of none.
    """
    if path.is_dir():
        return "beir"
    kind = _suffix(path)
    if kind in (".csv", ".tsv"):
        return "csv"
    if kind not in (".json", ".jsonl"):
        raise EvalError(f"{str(path)!r} is no kind of dataset: {kind!r}.", "give .csv, .json, .jsonl or a BEIR folder")
    if kind == ".json":
        whole = read_json(path)
        if _is_squad(whole):
            return "squad"
        records = islice(_records(path, whole), 1)
    else:
        records = islice(read_lines(path), 1)
    fields = next((record.fields for record in records), None)
    if fields is None:
        raise EvalError(f"{str(path)!r} holds no question.", "give at least one")
    if {"claim", "source"} <= fields.keys():
        raise EvalError(
            f"{str(path)!r} holds claims and sources, which a checker judges and no reader answers.",
            f"ragapp bench checker --data {path.name}",
        )
    if found := _telltale(fields):
        return found[1]
    raise EvalError(f"{str(path)!r} is of no known format: its first record has {sorted(fields)}.", _FORMATS_HINT)


def _telltale(fields: Mapping[str, object]) -> tuple[str, Format] | None:
    return next(((field, found) for field, found in _TELLTALE.items() if field in fields), None)


def _read(path: Path, format_: Format, *, mixed: bool) -> Contents:
    """Read a file; unless ``mixed``, no record of it may look like another format."""
    if format_ == "beir":
        return read_beir(path)
    if format_ == "csv":
        return read_csv(path)
    if format_ == "samples":
        raise EvalError("The format 'samples' is the built-in suite's and has no file.", "leave --data out")
    if _suffix(path) == ".jsonl":
        records = list(read_lines(path))
    else:
        whole = read_json(path)
        if format_ == "squad" and isinstance(whole, dict):
            return read_squad(path)
        records = list(_records(path, whole))
    for record in () if mixed else records:
        found = _telltale(record.fields)
        if found and found[1] != format_:
            raise EvalError(
                f"{record.where} has the field {found[0]!r} of the format {found[1]!r}; before it stands {format_!r}.",
                f"one file, one format: separate them, or give --format {format_}",
            )
    return _BY_RECORD[format_](records)


def _records(path: Path, whole: object) -> Iterator[Record]:
    """Give the objects of a JSON list, alone or as ``data`` of an object."""
    place = repr(str(path))
    if isinstance(whole, dict) and "data" in whole:
        place, whole = f"{place}, data", as_object(whole, place)["data"]
    if not isinstance(whole, list):
        raise EvalError(f"{place} should be a JSON list of questions.", _FORMATS_HINT)
    for number, each in enumerate(cast("list[object]", whole)):
        where = f"{place}[{number}]"
        yield Record(where, as_object(each, where))


def _is_squad(whole: object) -> bool:
    """Tell SQuAD's articles from questions that stand under ``data``, too."""
    if not isinstance(whole, dict) or "data" not in whole:
        return False
    articles = cast("dict[str, object]", whole)["data"]
    first = articles[0] if isinstance(articles, list) and articles else {"paragraphs": None}
    return isinstance(first, dict) and "paragraphs" in first


def _suffix(path: Path) -> str:
    """Give a file's kind, whether or not it is packed."""
    return (path.with_suffix("") if path.suffix == ".gz" else path).suffix.lower()


def _check(contents: Contents, path: Path) -> None:
    if not contents.questions:
        raise EvalError(f"{str(path)!r} holds no question.", "give at least one")
    first: dict[str, EvalQuestion] = {}
    for question in contents.questions:
        earlier = first.setdefault(question.id, question)
        if earlier is not question:
            raise EvalError(
                f"{question.where} has the id {question.id!r}, which {earlier.where} has too.",
                "give every question an id of its own, or none",
            )


def _files(path: Path) -> list[Path]:
    return list(beir_files(path)) if path.is_dir() else [path]


def _sha256(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _samples() -> Dataset:
    files, folder = [SAMPLES / "questions.jsonl", SAMPLES / "suite.jsonl"], SAMPLES / "documents"
    questions = read_questions([record for file in files for record in read_lines(file)]).questions
    documents = sorted(path for path in folder.rglob("*") if path.is_file())
    return Dataset("samples", "samples", _sha256([*files, *documents]), questions, {}, folder)
