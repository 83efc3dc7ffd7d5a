"""What every dataset is read to: questions with their accepted answers, and the documents that come with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

Format = Literal["samples", "questions", "csv", "squad", "beir", "fid", "dpr", "kilt", "alce"]
"""The formats that can be read."""


class Document(NamedTuple):
    """A text that comes with a dataset."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class EvalQuestion:
    """One question.

    Attributes:
        id: Unique in its dataset.
        question: As it is asked.
        answers: Accepted answers; none for a question that the documents do not answer; ``None`` if nobody wrote down
            what the answer is (retrieval alone can be measured then).
        gold: Relevance grade by document, above 0; a document that is not named is not relevant.
        given: Documents that the question comes with, which the ``gold`` mode reads; they may hold distractors.
        kind: What sort of question it is, to score each sort by itself; empty for none.
        where: File and place in it, for messages.
        evidence: Sets of documents of which each is enough to answer; none if all that are relevant are needed.
    """

    id: str
    question: str
    answers: tuple[str, ...] | None
    gold: Mapping[str, int]
    given: tuple[str, ...]
    kind: str = ""
    where: str = ""
    evidence: tuple[tuple[str, ...], ...] = ()

    @property
    def answerable(self) -> bool:
        """Whether the documents answer it, as far as anyone wrote down."""
        return self.answers is None or bool(self.answers)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Questions and what they are asked of.

    Attributes:
        name: Name of its file or folder.
        format: What it was read as.
        sha256: Of the bytes of its files, hex.
        questions: In file order.
        documents: Texts by id that come with it; none if it is about the documents of a collection.
        folder: A folder of files that comes with it, in place of ``documents``.
    """

    name: str
    format: Format
    sha256: str
    questions: tuple[EvalQuestion, ...]
    documents: Mapping[str, Document]
    folder: Path | None = None

    @property
    def own_documents(self) -> bool:
        """Whether it brings its documents along."""
        return bool(self.documents) or self.folder is not None


@dataclass(frozen=True, slots=True)
class Contents:
    """What a format's reader makes of a file: questions and documents, not yet checked against each other."""

    questions: tuple[EvalQuestion, ...]
    documents: Mapping[str, Document]
