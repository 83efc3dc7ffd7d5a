"""Follow-up questions are made to stand on their own; questions that already do are left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragapp.followup import PastTurn, standalone

BRIDGE = PastTurn("When did the Forth Bridge open?", "4 March 1890")
ARCHITECT = PastTurn("Which architect chose the colour of the Golden Gate Bridge?", "Irving Morrow")
BURNEY = PastTurn("For whom was it named?", "Venetia Burney")
ENGINEER = PastTurn("Who was the chief engineer?", "J. Presper Eckert")


@pytest.mark.parametrize(
    ("past", "question", "expected"),
    [
        ([BRIDGE], "and when was it built?", "When was the Forth Bridge built?"),
        ([BRIDGE], "How high are its towers?", "How high are the Forth Bridge's towers?"),
        ([BRIDGE], "What about the cost?", "The cost, the Forth Bridge?"),
        ([ENGINEER], "How old was he?", "How old was J. Presper Eckert?"),
        (
            [PastTurn("For whom was it named?", "Venetia Burney")],
            "Where did she live?",
            "Where did Venetia Burney live?",
        ),
        ([BRIDGE, PastTurn("How long is it?", "")], "Who built it?", "Who built the Forth Bridge?"),
        ([BRIDGE], "Which ship carried the flu to Western Samoa?", "Which ship carried the flu to Western Samoa?"),
        ([BRIDGE], "When does the lease end?", "When does the lease end?"),
        ([BRIDGE], "Who designed?", "Who designed, the Forth Bridge?"),
        ([], "When was it built?", "When was it built?"),
    ],
)
def test_what_is_left_out_is_put_in(past: list[PastTurn], question: str, expected: str) -> None:
    assert standalone(question, past) == expected


@given(st.text(), st.lists(st.builds(PastTurn, st.text(), st.text()), max_size=4))
def test_any_text_is_understood_as_something(question: str, past: list[PastTurn]) -> None:
    understood = standalone(question, past)
    assert isinstance(understood, str)
    assert understood.strip() or not question.strip() or not past
