"""Before the first question: the dataset's documents as an index, its names matched to the index's, all checked."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ragapp.app import RagApp
from ragapp.errors import EvalError
from ragapp.evals.datasets.base import Dataset, EvalQuestion
from ragapp.evals.records import Retrieval
from ragapp.ingest.events import JobEvent
from ragapp.settings import Settings

_READY = "ready"
"""A file that tells a corpus that was ingested to the end from one that a kill left half done."""


class Prepared(NamedTuple):
    """Where the questions are asked.

    Attributes:
        settings: Of the app that answers; its home holds the documents.
        names: The index's name of each document that questions name, by that name.
        questions: What is asked, in order.
    """

    settings: Settings
    names: dict[str, str]
    questions: tuple[EvalQuestion, ...]


def evals_folder(home: Path) -> Path:
    """Give the folder of a home that holds its evaluations."""
    return home / "evals"


def runs_folder(home: Path) -> Path:
    """Give the folder of a home's runs."""
    return evals_folder(home) / "runs"


def choose(questions: Sequence[EvalQuestion], count: int, seed: int) -> tuple[EvalQuestion, ...]:
    """Draw questions, each sort in its share, in the order of the file.

    Args:
        questions: All of them.
        count: How many; 0 for all.
        seed: Seed of the draw.

    Returns:
        The questions.
    """
    if count == 0 or count >= len(questions):
        return tuple(questions)
    chosen = set(random.Random(seed).sample(range(len(questions)), count))
    return tuple(question for number, question in enumerate(questions) if number in chosen)


def prepare(
    dataset: Dataset,
    settings: Settings,
    retrieval: Retrieval,
    count: int = 0,
    seed: int = 0,
    on_event: Callable[[JobEvent], None] | None = None,
    like: RagApp | None = None,
) -> Prepared:
    """Make everything ready to ask a dataset's questions.

    Documents that come with the dataset are ingested once into a home of their own below the given one, and found
    again by the next run. Others must be in the collection.

    Args:
        dataset: The dataset.
        settings: The person's settings.
        retrieval: How passages will be chosen.
        count: How many questions to ask; 0 for all.
        seed: Seed of the choice.
        on_event: Called with each event of an ingest.
        like: An app whose models take documents in, instead of others that have to be loaded.

    Returns:
        Where and what to ask.

    Raises:
        EvalError: If a question names a document that is not there, or none where ``gold`` retrieval needs one.
        RagappError: If the documents cannot be ingested.
    """
    questions = choose(dataset.questions, count, seed)
    if retrieval == "gold":
        lacking = [question for question in questions if question.answerable and not question.given]
        if lacking:
            raise EvalError(
                f"{lacking[0].where or dataset.name} names no document for the question {lacking[0].id!r}"
                f" ({len(lacking)} such in all), and gold retrieval reads what the dataset names.",
                "name the documents, or choose another --retrieval",
            )
        questions = tuple(question for question in questions if question.given)
        if not questions:
            raise EvalError(f"No question of {dataset.name!r} names a document to read.", "choose another --retrieval")
    if dataset.own_documents:
        settings, names = _own(dataset, settings, on_event, like)
        return Prepared(settings, names, questions)
    names = _matched(settings, questions, dataset.name)
    return _spelled_alike(Prepared(settings, names, questions))


def _own(
    dataset: Dataset, settings: Settings, on_event: Callable[[JobEvent], None] | None, like: RagApp | None
) -> tuple[Settings, dict[str, str]]:
    depends = f"{dataset.sha256} {settings.encoder} {settings.chunk_tokens}"
    root = evals_folder(settings.home).resolve() / "corpora" / hashlib.sha256(depends.encode()).hexdigest()[:16]
    there = {"home": root / "home", "collection": "default"}
    own = settings.model_copy(update=there)
    folder = dataset.folder or root / "documents"
    if not (root / _READY).exists():
        shutil.rmtree(root, ignore_errors=True)
        if dataset.folder is None:
            _write(dataset, folder)
        with like.varied(there) if like else RagApp(own) as app:
            report = app.ingest(folder, on_event=on_event)
        if report.failures:
            first = report.failures[0]
            raise EvalError(
                f"{len(report.failures)} documents of {dataset.name!r} could not be taken in: {first.detail}",
                first.hint or "correct the dataset",
            )
        if report.status == "interrupted":
            raise KeyboardInterrupt
        (root / _READY).touch()
    if dataset.folder is None:
        return own, {name: str(path) for name, path in _paths(dataset, folder)}
    files = (path for path in dataset.folder.rglob("*") if path.is_file())
    return own, {path.relative_to(dataset.folder).as_posix(): str(path) for path in files}


def _write(dataset: Dataset, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, path in _paths(dataset, folder):
        document = dataset.documents[name]
        text = f"{document.title}\n\n{document.text}" if document.title else document.text
        path.write_text(text, "utf-8", newline="")


def _paths(dataset: Dataset, folder: Path) -> Iterator[tuple[str, Path]]:
    """Number the files: a dataset's own ids may be no file names."""
    return ((name, folder / f"{number:07d}.txt") for number, name in enumerate(dataset.documents))


def _matched(settings: Settings, questions: Sequence[EvalQuestion], dataset: str) -> dict[str, str]:
    """Find the collection's document of every name: its path or the end of it, else its title or its file's stem."""
    with RagApp(settings) as app:
        documents = app.index.documents(app.collection)
    by_path: dict[str, list[str]] = defaultdict(list)
    by_title: dict[str, list[str]] = defaultdict(list)
    for document in documents:
        path = Path(document.name)
        for length in range(1, len(path.parts) + 1):
            by_path[Path(*path.parts[-length:]).as_posix()].append(document.name)
        for title in {document.title, path.stem}:
            by_title[title].append(document.name)
    found: dict[str, str] = {}
    for question in questions:
        for name in (*question.gold, *question.given):
            fitting = by_path.get(name) or by_path.get(name.lstrip("/")) or by_title.get(name) or []
            if len(fitting) != 1:
                raise EvalError(
                    f"{question.where or dataset} names the document {name!r}, which the collection"
                    f" {settings.collection!r} {'holds more than once' if fitting else 'does not hold'}.",
                    "name it by the end of its path, as ragapp ls shows it",
                )
            found[name] = fitting[0]
    return found


def _spelled_alike(prepared: Prepared) -> Prepared:
    """Call each document by the name that was first used for it: what is retrieved can have but one name."""
    first: dict[str, str] = {}
    called = {name: first.setdefault(document, name) for name, document in prepared.names.items()}
    questions = tuple(
        replace(
            question,
            gold={called[name]: grade for name, grade in question.gold.items()},
            given=tuple(dict.fromkeys(called[name] for name in question.given)),
            evidence=tuple(tuple(dict.fromkeys(called[name] for name in each)) for each in question.evidence),
        )
        for question in prepared.questions
    )
    return Prepared(prepared.settings, {name: document for document, name in first.items()}, questions)
