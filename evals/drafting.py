"""A first draft of a question set out of one's own documents, for a person to edit.

Sentences with a number, a date or a name make cloze questions (Taylor 1953): the sentence with its fact left out, and
the fact as the answer. No model writes anything, so every answer stands in the document that is named.
"""

from __future__ import annotations

import csv
import io
import random
import re
from collections.abc import Iterator
from typing import NamedTuple

from ragapp.errors import EvalError
from ragapp.indexes.index import Collection, Index
from ragapp.ingest.sentences import split_sentences

COLUMNS = ("id", "question", "answer", "document", "kind")
_FACTS = re.compile(
    r"\b\d{1,2} (?:January|February|March|April|May|June|July|August|September|October|November|December)(?: \d{4})?\b"
    r"|\b\d[\d,.]*\d\b|\b[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)+"
)
_BETWEEN = re.compile(r"\n\s*\n|^#{1,6} .*$", re.MULTILINE)
"""What stands between paragraphs: blank lines, and headings as Markdown writes them."""
_FEWEST_WORDS, _MOST_WORDS = 7, 30


class Draft(NamedTuple):
    """A drafted question."""

    question: str
    answer: str
    document: str
    kind: str


def draft_questions(index: Index, collection: Collection, count: int, seed: int = 0) -> list[Draft]:
    """Draft questions, spread over the documents.

    Args:
        index: The index.
        collection: Whose documents.
        count: How many questions at most.
        seed: Seed of the choice.

    Returns:
        The drafts, by document.

    Raises:
        EvalError: If no sentence of the documents has a number, a date or a name in it.
    """
    rng = random.Random(seed)
    by_document: list[list[Draft]] = []
    for document in index.documents(collection):
        drafts = list(_drafts(document.name, index.document_text(document.id)))
        rng.shuffle(drafts)
        by_document.append(drafts)
    rng.shuffle(by_document)
    chosen: list[Draft] = []
    while len(chosen) < count and any(by_document):
        for drafts in by_document:
            if drafts and len(chosen) < count:
                chosen.append(drafts.pop())
    if not chosen:
        raise EvalError("No sentence of the documents has a number, a date or a name.", "write the questions yourself")
    return sorted(chosen, key=lambda draft: (draft.document, draft.question))


def as_csv(drafts: list[Draft]) -> str:
    """Write drafts as a table that a spreadsheet opens and ``ragapp eval run --data`` reads."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(COLUMNS)
    for number, draft in enumerate(drafts, 1):
        rows.writerow([number, draft.question, draft.answer, draft.document, draft.kind])
    return file.getvalue()


def _drafts(document: str, text: str) -> Iterator[Draft]:
    for sentence in _sentences(text):
        # A bar separates accepted answers in a table; rows of tables and contents make no sentence.
        if not _FEWEST_WORDS <= len(sentence.split()) <= _MOST_WORDS or "|" in sentence or sentence[-1] not in ".!?":
            continue
        for fact in _FACTS.finditer(sentence):
            if fact.start() > 0 and sentence.count(fact[0]) == 1:
                cloze = f"{sentence[: fact.start()]}____{sentence[fact.end() :]}"
                kind = "numeric" if fact[0][0].isdigit() else "answerable"
                yield Draft(f"What belongs here: {cloze}", fact[0], document, kind)
                break


def _sentences(text: str) -> Iterator[str]:
    for paragraph in _BETWEEN.split(text):
        for span in split_sentences(paragraph):
            yield " ".join(paragraph[span.start : span.end].split())
