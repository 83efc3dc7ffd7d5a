"""How well a reader reads and the whole app answers, on questions with known answers."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ragapp.answers import Answer
from ragapp.app import RagApp
from ragapp.evals.squad import exact_match, token_f1
from ragapp.evals.stats import Estimate, auroc, bootstrap
from ragapp.readers.base import Reader, ReaderPassage
from ragapp.readers.copy_fid.training.data import QaExample


@dataclass(frozen=True, slots=True)
class ReadingScores:
    """Scores of the best candidate, abstentions not counted as such.

    Attributes:
        exact_match: Share of answers equal to a reference.
        f1: Mean token F1.
    """

    exact_match: Estimate
    f1: Estimate


@dataclass(frozen=True, slots=True)
class OpenScores:
    """Scores of the whole app over a corpus.

    Attributes:
        reading: Exact match and F1 of the best candidate on the answerable questions.
        quotes_exact: Share of citations whose quote equals the document's text at its offsets.
        answerable_auroc: How well confidence tells answerable from unanswerable questions.
        right_auroc: How well it tells right answers (F1 of at least 0.5) from wrong ones and unanswerable questions.
        rank_ms: Milliseconds of re-ranking.
        read_ms: Milliseconds of reading.
        total_ms: Milliseconds from question to answer.
        confidences: Confidence of each answer, in the order asked.
        right: Whether each was right; an answer to an unanswerable question is not.
    """

    reading: ReadingScores
    quotes_exact: Estimate
    answerable_auroc: float
    right_auroc: float
    rank_ms: Estimate
    read_ms: Estimate
    total_ms: Estimate
    confidences: tuple[float, ...]
    right: tuple[bool, ...]


def score(answers: Iterable[tuple[str, Sequence[str]]]) -> ReadingScores:
    """Score answers against references.

    Args:
        answers: Pairs of an answer and its references.

    Returns:
        Exact match and F1 with intervals.
    """
    pairs = list(answers)
    return ReadingScores(
        bootstrap([exact_match(answer, references) for answer, references in pairs]),
        bootstrap([token_f1(answer, references) for answer, references in pairs]),
    )


def read_gold(reader: Reader, examples: Sequence[QaExample], distractors: int = 0, seed: int = 0) -> ReadingScores:
    """Let a reader read the passage that answers, alone or among passages of other examples.

    Args:
        reader: The reader.
        examples: Answerable questions.
        distractors: How many other contexts to read with it.
        seed: Seed of the choice of distractors.

    Returns:
        Scores of the best candidates.
    """
    answers = gold_answers(reader, examples, distractors, seed)
    return score((answer, example.references) for answer, example in zip(answers, examples, strict=True))


def gold_answers(reader: Reader, examples: Sequence[QaExample], distractors: int = 0, seed: int = 0) -> list[str]:
    """Give the best candidates of which `read_gold` gives the scores; empty where there is none.

    Args:
        reader: The reader.
        examples: Answerable questions.
        distractors: How many other contexts to read with it.
        seed: Seed of the choice of distractors.

    Returns:
        An answer for each question.
    """
    rng = random.Random(seed)
    answers: list[str] = []
    for example in examples:
        others = [
            other
            for other in rng.sample(examples, min(len(examples), distractors + 5))
            if other.context != example.context
        ]
        passages = [ReaderPassage(other.context, other.title) for other in (example, *others[:distractors])]
        answers.append(_best(reader, example.question, passages))
    return answers


def ask_all(
    app: RagApp,
    corpus: Path,
    contexts: Sequence[QaExample],
    examples: Sequence[QaExample],
    on_done: Callable[[], None] = lambda: None,
) -> OpenScores:
    """Ingest every context as a document of its own and ask questions of all of them.

    Args:
        app: An app with an empty home.
        corpus: An empty folder, where the contexts are written as text files.
        contexts: The examples whose contexts are ingested.
        examples: Questions to ask, answerable and not.
        on_done: Called after each question.

    Returns:
        Scores of the whole way from question to answer.
    """
    write_corpus(corpus, (example.context for example in contexts))
    app.ingest(corpus)
    answers: list[Answer] = []
    exact: list[float] = []
    for example in examples:
        answer = app.ask(example.question)
        answers.append(answer)
        for citation in answer.citations:
            text = Path(citation.document).read_text("utf-8")
            exact.append(float(text[citation.char_start : citation.char_end] == citation.quote))
        on_done()
    answerable = [example.answer is not None for example in examples]
    sure = [answer.confidence for answer in answers]
    right = [
        has_answer and token_f1(answer.text, example.references) >= 0.5
        for answer, example, has_answer in zip(answers, examples, answerable, strict=True)
    ]
    return OpenScores(
        reading=score((a.text, e.references) for a, e in zip(answers, examples, strict=True) if e.answer),
        quotes_exact=bootstrap(exact),
        answerable_auroc=auroc(*_split(sure, answerable)),
        right_auroc=auroc(*_split(sure, right)),
        rank_ms=bootstrap([answer.timings_ms["rank"] for answer in answers]),
        read_ms=bootstrap([answer.timings_ms["read"] for answer in answers]),
        total_ms=bootstrap([answer.timings_ms["total"] for answer in answers]),
        confidences=tuple(sure),
        right=tuple(right),
    )


def _split(values: Sequence[float], chosen: Sequence[bool]) -> tuple[list[float], list[float]]:
    """Split values into those chosen and the others."""
    pairs = list(zip(values, chosen, strict=True))
    return [value for value, yes in pairs if yes], [value for value, yes in pairs if not yes]


def write_corpus(folder: Path, texts: Iterable[str]) -> dict[str, Path]:
    """Write each distinct text to a file of its own.

    Args:
        folder: Where to write; made if missing.
        texts: The texts.

    Returns:
        The file of each text.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, Path] = {}
    for text in texts:
        if text not in files:
            path = folder / f"{len(files):05d}.txt"
            path.write_text(text, "utf-8", newline="")
            files[text] = path
    return files


def _best(reader: Reader, question: str, passages: Sequence[ReaderPassage]) -> str:
    candidates = reader.read(question, passages).candidates
    return candidates[0].text if candidates else ""
