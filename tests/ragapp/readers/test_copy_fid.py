"""The shipped reader: order never matters, every answer is a source slice, and nothing odd breaks it."""

from __future__ import annotations

import functools
import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragapp.readers.base import ReaderPassage, Reading
from ragapp.readers.copy_fid.reader import CopyFidReader
from ragapp.readers.copy_fid.search import TokenSpan, expected_f1

PASSAGES = (
    ReaderPassage("The Forth Bridge opened on 4 March 1890. It spans the Firth of Forth near Edinburgh.", "Bridges"),
    ReaderPassage("Construction of the Golden Gate Bridge began in January 1933 and took four years.", "Bridges"),
    ReaderPassage("Kimchi is made by salting cabbage and leaving it to ferment for some days.", "Food"),
    ReaderPassage("The first smallpox vaccine was given by Edward Jenner in 1796 to a boy of eight.", "Medicine"),
    ReaderPassage("Voyager 1 was launched from Cape Canaveral in September 1977 aboard a Titan rocket.", "Space"),
)
QUESTIONS = (
    "When did the Forth Bridge open?",
    "Who gave the first smallpox vaccine?",
    "From where was Voyager 1 launched?",
    "When did work on the Golden Gate Bridge begin?",
    "What is the capital of Mongolia?",
)


@functools.cache
def shipped() -> CopyFidReader:
    return CopyFidReader.load()


@settings(max_examples=30, deadline=None)
@given(order=st.permutations(range(len(PASSAGES))), question=st.sampled_from(QUESTIONS))
def test_the_order_of_the_passages_never_changes_anything(order: list[int], question: str) -> None:
    straight = shipped().read(question, PASSAGES)
    permuted = shipped().read(question, [PASSAGES[i] for i in order])
    assert _by_text(straight, PASSAGES) == _by_text(permuted, [PASSAGES[i] for i in order])
    assert permuted.answerability == tuple(straight.answerability[i] for i in order)
    assert permuted.null_probability == straight.null_probability


def _by_text(reading: Reading, passages: list[ReaderPassage] | tuple[ReaderPassage, ...]) -> list[object]:
    """What was found, without the numbers of the passages it was found in."""
    return [
        (c.text, c.probability, [(passages[p.passage], p.span, p.probability) for p in c.places])
        for c in reading.candidates
    ]


@settings(max_examples=25, deadline=None)
@given(
    texts=st.lists(st.text(max_size=200), min_size=1, max_size=4),
    question=st.text(max_size=100),
    heading=st.text(max_size=30),
)
def test_every_candidate_is_a_source_slice_of_any_text(texts: list[str], question: str, heading: str) -> None:
    reading = shipped().read(question, [ReaderPassage(text, heading) for text in texts])
    for candidate in reading.candidates:
        assert candidate.text
        first = candidate.places[0]
        assert texts[first.passage][first.span.start : first.span.end] == candidate.text
        for place in candidate.places:
            same = texts[place.passage][place.span.start : place.span.end]
            assert same.split() == same.split()
            assert " ".join(same.split()).casefold() == " ".join(candidate.text.split()).casefold()
    assert len(reading.answerability) == len(texts)


@pytest.mark.parametrize("question", QUESTIONS)
def test_probabilities_are_a_distribution_over_spans_and_null(question: str) -> None:
    reading = shipped().read(question, PASSAGES)
    assert 0 <= reading.null_probability <= 1
    assert sum(c.probability for c in reading.candidates) + reading.null_probability <= 1 + 1e-9
    worth = [c.expected_f1 for c in reading.candidates]
    assert worth == sorted(worth, reverse=True)
    assert all(c.probability <= c.expected_f1 + 1e-9 <= 1 + 1e-6 for c in reading.candidates)


def test_it_answers_what_the_passages_say() -> None:
    answers = [shipped().read(question, PASSAGES).candidates[0] for question in QUESTIONS[:4]]
    assert [candidate.places[0].passage for candidate in answers] == [0, 3, 4, 1]
    assert "1890" in answers[0].text
    assert "Jenner" in answers[1].text
    assert "Cape Canaveral" in answers[2].text
    assert "1933" in answers[3].text


def test_the_answering_passage_ranks_first() -> None:
    for question, gold in zip(QUESTIONS[:4], (0, 3, 4, 1), strict=True):
        scores = shipped().examine(question).score(PASSAGES)
        assert scores.index(max(scores)) == gold


def test_an_unanswerable_question_is_less_sure_than_an_answerable_one() -> None:
    assert (
        shipped().read(QUESTIONS[4], PASSAGES).null_probability
        > shipped().read(QUESTIONS[0], PASSAGES).null_probability
    )


def test_the_same_question_gives_the_same_bytes() -> None:
    first, second = (shipped().read(QUESTIONS[0], PASSAGES) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("question", "texts"),
    [
        ("What?", []),
        ("What?", [""]),
        ("What?", ["   \n\t "]),
        ("", ["Some words."]),
        ("why " * 5000, ["Because of the word limit."]),
        ("What is long?", ["word " * 20_000]),
        ("What?", ["", "One passage has words.", ""]),
    ],
)
def test_odd_input_has_a_clear_outcome(question: str, texts: list[str]) -> None:
    reading = shipped().read(question, [ReaderPassage(text) for text in texts])
    assert len(reading.answerability) == len(texts)
    if not any(text.strip() for text in texts):
        assert reading.candidates == ()
        assert reading.null_probability == pytest.approx(1.0)


def test_many_passages_are_read_in_several_batches() -> None:
    rng = random.Random(0)
    words = [word for passage in PASSAGES for word in passage.text.split()]
    filler = [ReaderPassage(" ".join(rng.choices(words, k=150))) for _ in range(30)]
    reading = shipped().read(QUESTIONS[0], [*filler, *PASSAGES])
    assert len(reading.answerability) == 35
    assert len(shipped().examine(QUESTIONS[0]).score([*filler, *PASSAGES])) == 35


def test_all_orders_of_three_passages_agree_to_the_bit() -> None:
    readings = [
        shipped().read(QUESTIONS[0], [PASSAGES[i] for i in order]) for order in itertools.permutations(range(3))
    ]
    assert len({(r.candidates[0].text, r.candidates[0].probability, r.null_probability) for r in readings}) == 1


def test_expected_f1_by_hand() -> None:
    spans = [TokenSpan(0, 4, 6, 0.0), TokenSpan(0, 4, 5, 0.0), TokenSpan(1, 4, 6, 0.0)]
    worth = expected_f1(spans, [0.4, 0.3, 0.2])
    assert worth == pytest.approx([0.4 + 0.3 * 2 / 3, 0.3 + 0.4 * 2 / 3, 0.2])
    assert expected_f1([], []) == []


def test_other_candidates_stand_apart() -> None:
    for question in QUESTIONS:
        seen: list[tuple[int, int, int]] = []
        for candidate in shipped().read(question, PASSAGES).candidates:
            place = candidate.places[0]
            start, end = place.span
            assert all(place.passage != p or end <= s or e <= start for p, s, e in seen)
            seen.append((place.passage, start, end))


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_search_is_exact(question: str) -> None:
    reader = shipped()
    encoded = reader.encode(reader.featurizer.pairs(question, PASSAGES))
    exact, beam, greedy = (reader.search(encoded, strategy) for strategy in ("exact", "beam", "greedy"))
    assert exact.exact
    assert exact.spans[0].log_probability >= beam.spans[0].log_probability
    assert greedy.spans[0].log_probability <= exact.spans[0].log_probability + 1e-3
