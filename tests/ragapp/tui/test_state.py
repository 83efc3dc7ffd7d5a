"""The conversation is a pure fold: any prefix of what can happen gives a state that can be drawn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from ragapp.answers import Answer, Citation, ModelHashes
from ragapp.confidence import Signals
from ragapp.events import (
    Abstained,
    AnswerDone,
    Event,
    Failed,
    PassagesFound,
    RetrievalStarted,
    SpanResolved,
    TokenDelta,
)
from ragapp.indexes.types import Passage, ScoredPassage, Span, StageScores
from ragapp.tui.draw import evidence, evidence_content, highlighted, turn_lines
from ragapp.tui.glyphs import ASCII, UNICODE
from ragapp.tui.state import ChatState, restored

_HOSTILE = st.text() | st.sampled_from(["[/x] [1] [bold", "\x1b[31mred\x1b]52;c;eA==\x07", "a\u202eb", "w" * 3000, ""])


def _passage(text: str, name: str) -> ScoredPassage:
    passage = Passage(1, 1, name, 1, Span(0, len(text)), text, name, ())
    return ScoredPassage(passage, 1, StageScores(0.5, None, 0.7, -1.0))


def _citation(quote: str, name: str) -> Citation:
    return Citation(name, 1, 0, len(quote), quote, 0, len(quote) // 2, None, name, 3, 1)


def _answer(text: str, abstained: bool, citations: list[Citation], passages: list[ScoredPassage]) -> Answer:
    seen, times, models = Signals(0, 0, 0, 0, 0, 0), {"total": 1.0, "read": 1.0}, ModelHashes("a", "b")
    return Answer(text, text, text, abstained, 0.5, seen, tuple(citations), (), tuple(passages), times, models)


_PASSAGES = st.builds(_passage, _HOSTILE, _HOSTILE)
_CITATIONS = st.builds(_citation, _HOSTILE, _HOSTILE)
_ANSWERS = st.builds(
    _answer, _HOSTILE, st.booleans(), st.lists(_CITATIONS, max_size=3), st.lists(_PASSAGES, max_size=3)
)
_EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(RetrievalStarted, _HOSTILE),
    st.builds(PassagesFound, st.lists(_PASSAGES, max_size=2).map(tuple)),
    st.builds(TokenDelta, _HOSTILE),
    st.builds(SpanResolved, st.just(1), _CITATIONS),
    st.builds(Abstained, st.floats(0, 1)),
    st.builds(AnswerDone, _ANSWERS),
    st.builds(Failed, _HOSTILE, _HOSTILE),
)
_STEPS = st.lists(st.one_of(_HOSTILE, _EVENTS, st.sampled_from(["cancel", "next"])), max_size=12)


def _play(steps: list[str | Event]) -> ChatState:
    state = ChatState()
    for step in steps:
        if step == "cancel":
            state = state.cancel()
        elif step == "next":
            state = state.next()
        else:
            state = state.ask(step) if isinstance(step, str) else state.happen(step)
    return state


@given(_STEPS)
def test_any_prefix_can_be_drawn_without_control_characters(steps: list[str | Event]) -> None:
    state = _play(steps)
    assert not any(turn.status == "running" for turn in state.turns[:-1])
    assert not state.queued or state.turns
    for turn in state.turns:
        drawn = [line.content for line in turn_lines(turn, ASCII)]
        drawn += [evidence_content(row, UNICODE) for row in evidence(turn.answer.answer, turn.answer.citations)]
        for content in drawn:
            assert isinstance(content, Content)
            assert not any(ord(char) < 32 and char != "\n" for char in content.plain)
            assert "\u202e" not in content.plain


@given(st.lists(_ANSWERS, max_size=3))
def test_a_stored_conversation_comes_back_with_what_has_changed(answers: list[Answer]) -> None:
    state = restored(answers, {}, "default")
    assert [turn.question for turn in state.turns] == [answer.question for answer in answers]
    for turn, answer in zip(state.turns, answers, strict=True):
        assert turn.status == "done"
        assert set(turn.stale) == {citation.document for citation in answer.citations}
        assert turn_lines(turn, UNICODE)
    current = {"default": {citation.document: 1 for answer in answers for citation in answer.citations}}
    assert not any(turn.stale for turn in restored(answers, current, "default").turns)


def test_questions_wait_for_the_one_being_answered_and_go_with_it_when_it_is_stopped() -> None:
    state = ChatState().ask("one").ask("two").ask("three")
    assert (len(state.turns), [asked.question for asked in state.queued]) == (1, ["two", "three"])
    done = state.happen(Failed("no", "")).next()
    assert [turn.status for turn in done.turns] == ["failed", "running"]
    assert done.queued[0].question == "three"
    stopped = done.cancel()
    assert (stopped.turns[-1].status, stopped.queued) == ("cancelled", ())
    assert stopped.happen(TokenDelta("late")) == stopped


@given(st.text(), st.data())
def test_a_highlight_keeps_the_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    plain = highlighted(text, Span(start, end)).plain
    assert not any(ord(char) < 32 and char not in "\n\t" for char in plain)
    if text.isprintable():
        assert plain == text
