"""The training mixture: every kind of file is read, evaluation data stays out, near misses and distractors are fair."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragapp.errors import TrainingError
from ragapp.indexes.types import Span
from ragapp.readers.base import ReaderPassage
from ragapp.readers.copy_fid.training.data import NEAR_MISS, QaData, QaExample, load_examples
from ragapp.readers.copy_fid.training.mixture import (
    PASSAGES_FILE,
    QUESTIONS_FILE,
    near_misses,
    read_mixture,
    weighted,
    with_negatives,
    without_contamination,
    write_mixture,
)
from ragapp.readers.copy_fid.training.near_miss import NearMisses

CONTEXT = "The old Forth Bridge near Edinburgh was built by Tancred Arrol and opened on 4 March 1890."


def _example(question: str, answer: str, context: str = CONTEXT, dataset: str = "bridges") -> QaExample:
    start = context.index(answer)
    return QaExample(question, question, context, "Bridges", Span(start, start + len(answer)), (answer,), dataset)


BRIDGES = (
    _example("When did the Forth Bridge near Edinburgh open?", "4 March 1890"),
    _example("Who built the bridge that opened in 1890?", "Tancred Arrol"),
    _example("Which river does the Tower Bridge cross?", "Thames", "The Tower Bridge crosses the Thames in London."),
    _example("What was first built there?", "a mill", "What was first built there was a mill of stone."),
)


def test_squad_files_are_read(tmp_path: Path) -> None:
    start = CONTEXT.index("1890")
    answer = {"text": "1890", "answer_start": start}
    questions = [
        {"id": "a", "question": "When did it open?", "answers": [answer], "is_impossible": False},
        {"id": "b", "question": "When did it fall?", "answers": [], "is_impossible": True},
    ]
    article = {"title": "Forth_Bridge", "paragraphs": [{"context": CONTEXT, "qas": questions}]}
    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"version": "v2.0", "data": [article]}), "utf-8")
    first, second = load_examples(path).examples
    assert first.answer == Span(start, start + 4)
    assert (first.title, first.dataset, second.answer) == ("Forth Bridge", "squad", None)


def test_a_spreadsheet_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    rows = f'Question,Answer,Context\r\nWhen did it open?,4 March 1890,"{CONTEXT}"\r\nWho fell?,,"{CONTEXT}"\r\n'
    path.write_bytes(b"\xef\xbb\xbf" + rows.encode())
    first, second = load_examples(path).examples
    assert first.references == ("4 March 1890",)
    assert second.answer is None


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", "q,a\r\n1,2\r\n", "needs 'question' and 'answer'"),
        ("a.csv", 'question,answer\r\n"a"b,c\r\n', "is not CSV"),
        ("a.json", "[1]", "not in SQuAD's layout"),
        ("a.json", "{", "is not JSON"),
        ("a.jsonl", '{"question": 1}\n', "line 1"),
        ("a.parquet", "", "no kind of question file"),
    ],
)
def test_bad_files_are_named_with_the_place(tmp_path: Path, name: str, content: str, told: str) -> None:
    path = tmp_path / name
    path.write_text(content, "utf-8")
    with pytest.raises(TrainingError, match=told):
        load_examples(path)


def test_what_evaluation_holds_is_left_out() -> None:
    longer = f"Much has been written about it. {CONTEXT.upper()} Many cross it."
    data = QaData((*BRIDGES, _example("How many cross?", "Many", longer)), Counter())
    evaluation = [_example("When was it, then?", "1890"), _example("Which river does the tower bridge cross", "a", "a")]
    kept = without_contamination(data, evaluation)
    assert [example.question for example in kept.examples] == ["What was first built there?"]
    assert kept.dropped == {
        "the context is in an evaluation file": 3,
        "the question is in an evaluation file": 1,
    }


@given(st.integers(0, 10_000), st.sampled_from(BRIDGES))
def test_a_near_miss_differs_in_one_place_and_never_names_the_answer(seed: int, example: QaExample) -> None:
    changed = NearMisses(BRIDGES).make(example, random.Random(seed))
    if changed is None:
        return
    assert changed != example.question
    assert example.references[0].casefold() not in changed.casefold()
    words, others = example.question.split(), changed.split()
    assert words[0][:2] == others[0][:2]
    assert len(set(words) - set(others)) <= 3


def test_every_kind_of_change_is_made() -> None:
    maker = NearMisses(BRIDGES)
    made = {maker.make(example, random.Random(seed)) for example in BRIDGES for seed in range(300)}
    assert "What was last built there?" in made
    assert any(question and "Edinburgh" not in question and question.startswith("When did the F") for question in made)
    assert any(question and "in 18" in question and "1890" not in question for question in made)
    assert any(question and "n't" in question for question in made)


def test_near_misses_are_unanswerable_and_of_their_own_dataset() -> None:
    made = near_misses(BRIDGES, {"bridges": 1.0}, seed=1)
    assert made
    assert all(example.answer is None and example.dataset == "bridges" + NEAR_MISS for example in made)
    assert near_misses(BRIDGES, {"bridges": 1.0}, seed=1) == made
    assert near_misses(BRIDGES, {"other": 1.0}, seed=1) == ()


def test_distractors_neither_hold_the_answer_nor_are_the_context() -> None:
    found = [ReaderPassage(text) for text in (CONTEXT[4:40], "On 4 MARCH 1890.", "One.", "Two.", "Three.")]
    mined = with_negatives(BRIDGES[0], lambda _: found, 2)
    assert [passage.text for passage in mined.negatives] == ["One.", "Two."]


def test_a_mixture_is_read_as_it_was_written(tmp_path: Path) -> None:
    example = with_negatives(BRIDGES[0], lambda _: [ReaderPassage("One.", "Numbers"), ReaderPassage("Two.")], 8)
    examples = (example, *BRIDGES[1:], *near_misses(BRIDGES, {"bridges": 1.0}, seed=1))
    report = write_mixture(tmp_path / "a", examples, {"asked twice": 2}, seed=1)
    assert read_mixture(tmp_path / "a") == (examples, report)
    assert (report.answerable, report.with_negatives, report.dropped) == (4, 1, {"asked twice": 2})
    write_mixture(tmp_path / "b", examples, {"asked twice": 2}, seed=1)
    for name in (PASSAGES_FILE, QUESTIONS_FILE):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_mixture_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    write_mixture(tmp_path, BRIDGES, {}, seed=1)
    path = tmp_path / QUESTIONS_FILE
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(TrainingError, match="not whole"):
        read_mixture(tmp_path)


def test_a_dataset_is_weighed() -> None:
    many = tuple(QaExample(str(i), f"q{i}", "c", "", None, (), "big" if i % 2 else "small") for i in range(400))
    kept = weighted(QaData(many, Counter()), {"big": 0.25}, seed=3)
    big = sum(example.dataset == "big" for example in kept.examples)
    assert 30 <= big <= 70
    assert len(kept.examples) - big == 200
    assert kept.dropped == {"beyond the dataset's share": 200 - big}
    with pytest.raises(TrainingError, match="no dataset"):
        weighted(QaData(many, Counter()), {"huge": 0.5}, seed=3)
