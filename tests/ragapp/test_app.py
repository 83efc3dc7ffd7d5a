"""The library as a person uses it: open, ingest, ask, stream, delete, from one thread and from two."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from ragapp.app import RagApp
from ragapp.errors import CollectionMismatch, CollectionNotFound, ConfigError, IndexError_, IndexNotFound
from ragapp.events import AnswerDone, AnswerState, Failed, GroundingChecked, PassagesFound, RetrievalStarted
from ragapp.indexes.encoder import DEFAULT_ENCODER
from ragapp.indexes.types import EncoderPin, SearchFilter
from ragapp.readers.base import ReaderPassage, Reading
from ragapp.serialization import from_json
from ragapp.settings import Settings

NOTES = {
    "bridges.md": "# Bridges\n\n## Forth\n\nThe Forth Bridge opened on 4 March 1890. It crosses the Firth of Forth.\n",
    "food.txt": "Kimchi is made by salting cabbage. It ferments for some days at room temperature.\n",
    "space/voyager.txt": "Voyager 1 was launched in September 1977. It left the heliosphere in August 2012.\n",
    "space/rosetta.html": "<html><title>Rosetta</title><h1>Probe</h1><p>Philae landed on a comet in 2014.</p></html>",
}


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("notes").resolve()
    for name, text in NOTES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def app(notes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RagApp]:
    with RagApp.open(tmp_path_factory.mktemp("home")) as app:
        assert app.ingest(notes).added == len(NOTES)
        yield app


def test_it_answers_with_the_place_the_answer_stands_at(app: RagApp, notes: Path) -> None:
    answer = app.ask("When did the Forth Bridge open?")
    assert not answer.abstained
    assert "1890" in answer.text
    citation = answer.citations[0]
    assert citation.document == str(notes / "bridges.md")
    assert citation.quote == "The Forth Bridge opened on 4 March 1890."
    assert citation.heading is not None
    assert "Forth" in citation.heading
    text = app.index.document_text(answer.passages[0].passage.document_id)
    assert text[citation.char_start : citation.char_end] == citation.quote
    assert text[citation.answer_start : citation.answer_end] == answer.text
    assert set(answer.timings_ms) == {"encode", "search", "rank", "read", "check", "total"}
    assert "@" in answer.models.encoder
    assert answer.passages[0].rank == 1


def test_an_answer_carries_the_verdict_on_its_claim(app: RagApp) -> None:
    events = list(app.stream("When did the Forth Bridge open?"))
    checked, done = events[-2:]
    assert isinstance(checked, GroundingChecked)
    assert isinstance(done, AnswerDone)
    answer = done.answer
    assert answer.grounding == checked.verdicts
    (verdict,) = answer.grounding
    assert verdict.verdict == "supported"
    assert verdict.claim == f"When did the Forth Bridge open? {answer.text}"
    assert answer.text[verdict.answer_start : verdict.answer_end] == answer.text
    text = app.index.document_text(answer.passages[0].passage.document_id)
    assert text[verdict.char_start : verdict.char_end] == verdict.quote
    assert "1890" in verdict.quote
    assert answer.models.checker.startswith("cross-check@")
    state = AnswerState()
    for event in events:
        state = state.apply(event)
    assert state.grounding == answer.grounding


def test_answers_are_not_checked_where_that_is_turned_off(app: RagApp) -> None:
    with RagApp(app.settings.model_copy(update={"checker": "off"})) as unchecked:
        events = list(unchecked.stream("When did the Forth Bridge open?"))
    done = events[-1]
    assert isinstance(done, AnswerDone)
    assert done.answer.grounding == ()
    assert done.answer.models.checker == ""
    assert not any(isinstance(event, GroundingChecked) for event in events)


def test_what_the_documents_do_not_hold_is_said_so(app: RagApp) -> None:
    answer = app.ask("Who won the football world cup in 1994?")
    assert answer.abstained
    assert answer.confidence < 0.5
    assert answer.passages


def test_the_stream_ends_with_the_same_answer(app: RagApp) -> None:
    events = list(app.stream("Where did Philae land?"))
    assert isinstance(events[0], RetrievalStarted)
    assert isinstance(events[1], PassagesFound)
    last = events[-1]
    assert isinstance(last, AnswerDone)
    assert last.answer.text == app.ask("Where did Philae land?").text


def test_a_question_that_is_no_text_is_told_so(app: RagApp) -> None:
    (failed,) = app.stream("caf\udce9?")
    assert isinstance(failed, Failed)
    assert "not Unicode" in failed.message


@pytest.mark.parametrize("question", ["", " \n"])
def test_a_question_that_asks_nothing_is_told_so(app: RagApp, question: str) -> None:
    with pytest.raises(ConfigError, match="is blank"):
        app.ask(question)


def test_an_unknown_conversation_is_told_before_any_work(app: RagApp) -> None:
    events = list(app.stream("When did the Forth Bridge open?", conversation=999))
    assert [type(event) for event in events] == [RetrievalStarted, Failed]
    assert isinstance(events[1], Failed)
    assert "no conversation 999" in events[1].message


def test_filters_narrow_what_is_read(app: RagApp) -> None:
    answer = app.ask("When was it launched?", where=SearchFilter(path_glob="space/*"))
    assert {Path(p.passage.document).parent.name for p in answer.passages} == {"space"}
    answer = app.ask("When did it land?", where=SearchFilter(media_types=frozenset({"html"})))
    assert {Path(p.passage.document).name for p in answer.passages} == {"rosetta.html"}


def test_passages_are_read_because_pinned_and_left_out_because_excluded(app: RagApp) -> None:
    with RagApp(app.settings.model_copy(update={"passages": 1})) as reads_one:
        bridge = reads_one.ask("When did the Forth Bridge open?").passages[0].passage.id
        kimchi = reads_one.ask("What is kimchi made of?").passages[0].passage.id
        pinned = reads_one.ask("What is kimchi made of?", pinned=[bridge])
        assert [scored.passage.id for scored in pinned.passages] == [bridge]
    answer = app.ask("What is kimchi made of?", where=SearchFilter(without=frozenset({kimchi})))
    assert kimchi not in [scored.passage.id for scored in answer.passages]
    answer = app.ask("What is kimchi made of?", pinned=[bridge])
    assert answer.passages[0].passage.id == kimchi


def test_two_threads_get_the_same_answers_as_one(app: RagApp) -> None:
    questions = ["When did the Forth Bridge open?", "How is kimchi made?", "When was Voyager 1 launched?"] * 4
    alone = [app.ask(question).text for question in questions]
    with ThreadPoolExecutor(2) as threads:
        together = [answer.text for answer in threads.map(app.ask, questions)]
    assert together == alone


def test_turns_keep_the_answer_and_its_quotes_but_no_passages(app: RagApp) -> None:
    conversation = app.index.conversations.create("default", "Bridges")
    answer = app.ask("When did the Forth Bridge open?", conversation=conversation)
    (turn,) = app.index.conversations.turns(conversation)
    assert turn.question == answer.question
    assert from_json(turn.answer) == replace(answer, passages=())


def test_deleted_documents_are_not_found_again(tmp_path: Path, notes: Path) -> None:
    with RagApp.open(tmp_path) as app:
        app.ingest([notes / "food.txt", notes / "bridges.md"])
        assert app.delete([str(notes / "food.txt")]) == 1
        answer = app.ask("How is kimchi made?")
        assert {Path(p.passage.document).name for p in answer.passages} == {"bridges.md"}


def test_an_empty_home_says_what_to_do(tmp_path: Path) -> None:
    with RagApp.open(tmp_path) as app:
        with pytest.raises(CollectionNotFound) as error:
            app.ask("Anything?")
        assert "ragapp ingest" in error.value.hint
        (failed,) = [event for event in app.stream("Anything?") if isinstance(event, Failed)]
        assert "no collection" in failed.message


def test_a_home_is_not_made_where_none_is_to_be(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFound, match="no index"):
        RagApp.open(tmp_path / "mistyped", make=False)
    with pytest.raises(ConfigError, match="it is empty"):
        RagApp.open("")
    assert list(tmp_path.iterdir()) == []


def test_a_closed_app_frees_its_threads_and_says_that_it_is_closed(tmp_path: Path, notes: Path) -> None:
    before = set(threading.enumerate())
    app = RagApp.open(tmp_path)
    app.ingest(notes / "food.txt")
    app.ask("How is kimchi made?")
    started = set(threading.enumerate()) - before
    assert started
    app.close()
    app.close()
    for thread in started:
        thread.join(timeout=10)
    assert not any(thread.is_alive() for thread in started)
    with pytest.raises(IndexError_, match="was closed"):
        app.ask("How is kimchi made?")
    (*_, failed) = app.stream("How is kimchi made?")
    assert isinstance(failed, Failed)
    with pytest.raises(IndexError_, match="was closed"):
        app.ingest(notes / "bridges.md")


def test_an_answer_on_its_way_ends_when_the_app_is_closed_and_loads_nothing(tmp_path: Path, notes: Path) -> None:
    before = set(threading.enumerate())
    app = RagApp.open(tmp_path)
    app.ingest(notes / "food.txt")
    events = app.stream("How is kimchi made?")
    while not isinstance(next(events), PassagesFound):
        pass
    app.close()
    failed = list(events)[-1]
    assert isinstance(failed, Failed)
    assert "closed" in failed.message
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_models_that_another_app_shares_outlive_the_one_that_loaded_them(tmp_path: Path, notes: Path) -> None:
    with RagApp.open(tmp_path) as app:
        app.ingest(notes / "food.txt")
        expected = app.ask("How is kimchi made?").text
        other = app.varied({"passages": 4})
    with other:
        assert other.ask("How is kimchi made?").text == expected


def test_another_chunker_is_refused_with_the_remedy(tmp_path: Path, notes: Path) -> None:
    with RagApp(Settings(home=tmp_path)) as app:
        app.ingest(notes / "food.txt")
    with RagApp(Settings(home=tmp_path, chunk_tokens=64)) as app, pytest.raises(CollectionMismatch) as error:
        app.ingest(notes / "food.txt")
    assert "RAGAPP_CHUNK_TOKENS" in error.value.hint


def test_vectors_of_another_encoder_are_not_searched(tmp_path: Path) -> None:
    with RagApp(Settings(home=tmp_path, encoder=DEFAULT_ENCODER)) as app:
        app.index.ensure_collection("default", EncoderPin("someone/else", "0" * 64, 384), "any")
        with pytest.raises(CollectionMismatch, match=r"'someone/else' .* cannot be searched with '") as error:
            app.ask("Anything?")
        assert "RAGAPP_ENCODER=someone/else" in error.value.hint


class SilentReader:
    """A reader that never finds anything."""

    name = "silent"
    model_hash = "0" * 64

    def read(self, question: str, passages: Sequence[ReaderPassage]) -> Reading:
        return Reading((), 1.0, (0.0,) * len(passages))

    def rank(self, question: str, passages: Sequence[ReaderPassage]) -> tuple[float, ...]:
        return (0.0,) * len(passages)


def test_any_reader_can_answer_and_a_silent_one_abstains(tmp_path: Path, notes: Path) -> None:
    with RagApp.open(tmp_path, reader=SilentReader()) as app:
        app.ingest(notes / "food.txt")
        answer = app.ask("How is kimchi made?")
    assert answer.abstained
    assert answer.text == ""
    assert answer.citations == ()
    assert answer.models.reader == f"silent@{'0' * 64}"
