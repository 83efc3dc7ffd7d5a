"""Citations quote whole sentences, to the letter, and events fold to what a skin shows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ragapp.answers import Answer, ModelHashes, cite, sentence_around
from ragapp.confidence import Signals
from ragapp.events import (
    Abstained,
    AnswerDone,
    AnswerState,
    Event,
    Failed,
    PassagesFound,
    RetrievalStarted,
    SpanResolved,
    TokenDelta,
)
from ragapp.indexes.types import Landmark, Locator, Passage, ScoredPassage, Span, StageScores
from ragapp.readers.base import Candidate, Place
from ragapp.serialization import from_json, to_json

DOCUMENT = "Preface here. The bridge opened in 1890. It is red, and long.\n\nAnother part follows."


def _scored(text: str, offset: int, rank: int = 1, document: str = "bridge.txt") -> ScoredPassage:
    passage = Passage(
        rank,
        1,
        document,
        2,
        Span(offset, offset + len(text)),
        text,
        "Bridges",
        (Landmark(0, Locator(page=3, heading="Bridges")), Landmark(offset + len(text) - 2, Locator(page=4))),
    )
    return ScoredPassage(passage, rank, StageScores(0.5, 2.0, 0.9))


def _candidate(passage: int, text: str, answer: str) -> Candidate:
    start = text.index(answer)
    return Candidate(answer, 0.8, 0.8, (Place(passage, Span(start, start + len(answer)), 0.8),))


def test_a_citation_quotes_the_sentence_at_document_offsets() -> None:
    offset = DOCUMENT.index("The bridge")
    passage = _scored(DOCUMENT[offset:], offset)
    (citation,) = cite(_candidate(0, passage.passage.text, "1890"), (passage,))
    assert citation.quote == "The bridge opened in 1890."
    assert DOCUMENT[citation.char_start : citation.char_end] == citation.quote
    assert DOCUMENT[citation.answer_start : citation.answer_end] == "1890"
    assert (citation.document, citation.version, citation.page, citation.heading) == ("bridge.txt", 2, 3, "Bridges")


def test_places_in_other_documents_are_cited_too_and_weak_ones_are_not() -> None:
    texts = ("It opened in 1890.", "They say 1890 was the year.", "In 1890 it rained.")
    passages = tuple(_scored(text, 0, rank, f"{rank}.txt") for rank, text in enumerate(texts, 1))
    places = tuple(
        Place(i, Span(text.index("1890"), text.index("1890") + 4), probability)
        for i, (text, probability) in enumerate(zip(texts, (0.6, 0.3, 0.01), strict=True))
    )
    citations = cite(Candidate("1890", 0.91, 0.91, places), passages)
    assert [citation.document for citation in citations] == ["1.txt", "2.txt"]


def test_a_quote_does_not_begin_with_the_heading_above_it() -> None:
    text = "The rent is due monthly.\n## 1. Term\nThis lease ends on 28 February.\n# Other"
    assert cite(_candidate(0, text, "28 February"), (_scored(text, 0),))[0].quote == "This lease ends on 28 February."
    assert cite(_candidate(0, text, "Term"), (_scored(text, 0),))[0].quote.startswith("Term")


@given(st.text(min_size=1, max_size=300), st.data())
def test_the_sentence_holds_the_answer_in_any_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    sentence = sentence_around(text, Span(start, end))
    assert 0 <= sentence.start <= start < end <= sentence.end <= len(text)


def test_of_a_long_list_only_the_line_is_quoted() -> None:
    rows = [f"bridge number {i} | {1800 + i} | steel and stone" for i in range(40)]
    text = "\n".join(rows)
    start = text.index("1817")
    sentence = sentence_around(text, Span(start, start + 4))
    assert text[sentence.start : sentence.end] == rows[17]


def _answer() -> Answer:
    passage = _scored(DOCUMENT, 0)
    citations = cite(_candidate(0, DOCUMENT, "1890"), (passage,))
    return Answer(
        "When?",
        "When?",
        "1890",
        False,
        0.8,
        Signals(2, -0.1, 3, 1, 0.5, 0.9),
        citations,
        (),
        (passage,),
        {"total": 12.5},
        ModelHashes("e@1", "r@2"),
    )


def test_an_answer_survives_json() -> None:
    assert from_json(to_json(_answer())) == _answer()


def _events() -> list[Event]:
    answer = _answer()
    return [
        RetrievalStarted("When?"),
        PassagesFound(answer.passages),
        TokenDelta("18"),
        TokenDelta("90"),
        SpanResolved(1, answer.citations[0]),
        AnswerDone(answer),
    ]


def test_events_fold_to_the_answer() -> None:
    state = AnswerState()
    phases: list[str] = []
    for event in _events():
        state = state.apply(event)
        phases.append(state.phase)
    assert phases == ["retrieving", "reading", "reading", "reading", "reading", "done"]
    assert (state.text, state.confidence, len(state.citations), state.abstained) == ("1890", 0.8, 1, False)


@given(st.lists(st.sampled_from([*_events(), Abstained(0.1), Failed("no", "do")]), max_size=12))
def test_any_sequence_of_events_gives_a_state(events: list[Event]) -> None:
    state = AnswerState()
    for event in events:
        state = state.apply(event)
    assert state.phase in {"idle", "retrieving", "reading", "done", "failed"}


def test_a_new_question_starts_afresh() -> None:
    state = AnswerState()
    for event in _events():
        state = state.apply(event)
    assert state.apply(RetrievalStarted("Why?")) == AnswerState(phase="retrieving", question="Why?")
