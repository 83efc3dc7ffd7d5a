"""The sample documents, end to end on the shipped models: every format, every quote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import ragapp
from ragapp.answers import Answer
from ragapp.app import RagApp
from ragapp.evals.squad import token_f1

SAMPLES = Path(ragapp.__file__).parent / "samples"


class Asked(NamedTuple):
    question: dict[str, object]
    answer: Answer


def _questions(name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (SAMPLES / name).read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RagApp]:
    with RagApp.open(tmp_path_factory.mktemp("home")) as app:
        report = app.ingest(SAMPLES / "documents")
        assert (report.added, report.failed) == (30, 0)
        yield app


@pytest.fixture(scope="module")
def asked(app: RagApp) -> list[Asked]:
    return [Asked(question, app.ask(str(question["question"]))) for question in _questions("questions.jsonl")]


def _answerable(asked: list[Asked]) -> list[Asked]:
    return [each for each in asked if each.question["kind"] == "answerable"]


def test_all_five_formats_are_there(app: RagApp) -> None:
    kinds = {document.media_type for document in app.index.documents(app.collection)}
    assert kinds == {"text", "markdown", "html", "pdf", "docx"}


def test_every_quote_is_the_source_to_the_letter_in_every_format(app: RagApp, asked: list[Asked]) -> None:
    texts = {d.name: app.index.document_text(d.id) for d in app.index.documents(app.collection)}
    kinds: set[str] = set()
    for _, answer in asked:
        assert answer.citations
        for citation in answer.citations:
            text = texts[citation.document]
            assert text[citation.char_start : citation.char_end] == citation.quote
            kinds.add(Path(citation.document).suffix)
        first = answer.citations[0]
        assert texts[first.document][first.answer_start : first.answer_end] == answer.text
        for scored in answer.passages:
            passage = scored.passage
            assert texts[passage.document][passage.span.start : passage.span.end] == passage.text
    assert kinds == {".txt", ".md", ".html", ".pdf", ".docx"}


def test_citations_in_a_pdf_name_the_page_and_in_text_the_line(asked: list[Asked]) -> None:
    for _, answer in asked:
        for citation in answer.citations:
            suffix = Path(citation.document).suffix
            assert (citation.page is not None) == (suffix == ".pdf")
            assert (citation.line is not None) == (suffix in {".txt", ".md"})


def test_retrieval_finds_the_document_of_nearly_every_question(asked: list[Asked]) -> None:
    found = [
        any(scored.passage.document.endswith(str(question["document"])) for scored in answer.passages)
        for question, answer in _answerable(asked)
    ]
    assert sum(found) >= len(found) - 1


def test_most_answers_are_right_and_what_is_not_there_is_less_sure(asked: list[Asked]) -> None:
    scores = [
        token_f1(answer.text, [str(each) for each in list_of(question["answers"])])
        for question, answer in _answerable(asked)
    ]
    assert sum(scores) / len(scores) > 0.5
    there = [answer.confidence for _, answer in _answerable(asked)]
    absent = [answer.confidence for question, answer in asked if question["kind"] == "unanswerable"]
    assert sum(there) / len(there) > sum(absent) / len(absent) + 0.1


def list_of(value: object) -> list[object]:
    assert isinstance(value, list)
    return list(value)


def test_the_demo_answers_five_and_abstains_once(app: RagApp) -> None:
    answers = [app.ask(str(question["question"])) for question in _questions("demo.jsonl")]
    assert [answer.abstained for answer in answers] == [False] * 5 + [True]
    assert len({Path(answer.citations[0].document).suffix for answer in answers[:5]}) == 5
