"""Signals that need no checker: what an answer leans on, and what of a claim its source lacks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from ragapp.grounding.signals import explain, gain, inconsistencies, leave_one_out
from ragapp.indexes.types import Span
from ragapp.readers.base import Candidate, Place, Reader, ReaderPassage, Reading
from ragapp.readers.copy_fid.reader import CopyFidReader

SOURCE = "Ada Byron met Charles Babbage in June 1833; she was seventeen. It cost 1,200.50 pounds, or 30% of it."


class FirstWordReader:
    """Answers with the first word of the first passage that has a capital; its name says how sure it is."""

    name = "first word"
    model_hash = "0" * 64

    def read(self, question: str, passages: Sequence[ReaderPassage]) -> Reading:
        for index, passage in enumerate(passages):
            word = passage.text.split()[0]
            if word.istitle():
                place = Place(index, Span(0, len(word)), 0.8)
                return Reading((Candidate(word, 0.8, 0.8, (place,)),), 0.2, (0.0,) * len(passages))
        return Reading((), 1.0, (0.0,) * len(passages))


def test_the_passage_an_answer_leans_on_is_found() -> None:
    passages = [ReaderPassage("rain all day"), ReaderPassage("Oslo is cold"), ReaderPassage("Rome is warm")]
    reader: Reader = FirstWordReader()
    found = leave_one_out(reader, "Where?", passages, reader.read("Where?", passages))
    assert [(each.passage, each.answer, each.changed) for each in found] == [
        (0, "Oslo", False),
        (1, "Rome", True),
        (2, "Oslo", False),
    ]
    assert [each.drop for each in found] == [0.0, 0.8, 0.0]


def test_without_an_answer_nothing_is_leant_on() -> None:
    assert leave_one_out(FirstWordReader(), "Where?", [ReaderPassage("rain")], Reading((), 1.0, (0.0,))) == ()


def test_the_shipped_reader_is_explained() -> None:
    passages = [
        ReaderPassage("The Forth Bridge opened on 4 March 1890."),
        ReaderPassage("Kimchi is made by salting cabbage."),
    ]
    counted: list[None] = []
    told = explain(
        CopyFidReader.load(threads=1), "When did the Forth Bridge open?", passages, [0], lambda: counted.append(None)
    )
    assert [each.changed for each in told.influences] == [True, False]
    assert told.influences[0].drop > 0.1 > abs(told.influences[1].drop)
    assert told.gain > 5
    assert told.unfound == ()
    assert len(counted) == 2


def test_gain_is_a_difference_of_logarithms() -> None:
    with_passages = FirstWordReader().read("", [ReaderPassage("Oslo")])
    assert gain(with_passages, with_passages, "oslo") == 0
    assert gain(with_passages, Reading((), 1.0, ()), "Oslo") == pytest.approx(math.log(0.8 / 1e-6))


@pytest.mark.parametrize(
    ("claim", "missing"),
    [
        ("She met Babbage in June 1833.", []),
        ("She met Babbage in July 1834.", [("date", "July"), ("number", "1834")]),
        ("Who met Ada? Charles Darwin", [("name", "Darwin")]),
        ("She was 17 and paid 1200.5 pounds.", []),
        ("She was 18.", [("number", "18")]),
        ("Byron's 30 % were 1,200.", [("number", "1,200")]),
        ("Rain fell.", []),
        ("", []),
    ],
)
def test_numbers_dates_and_names_that_the_source_lacks(claim: str, missing: list[tuple[str, str]]) -> None:
    found = inconsistencies(claim, SOURCE)
    assert [(each.kind, each.text) for each in found] == missing
    assert all(claim[each.span.start : each.span.end] == each.text for each in found)
