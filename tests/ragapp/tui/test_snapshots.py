"""Pictures of the chat at three sizes, and where it is narrow; ``pytest --snapshot-update`` takes them anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import pytest
from textual.app import App
from textual.pilot import Pilot
from tui_samples import NOTES, WaitingReader, app_of, drawn, shown, until

from ragapp.answers import Alternative, Answer, Citation, ModelHashes
from ragapp.app import RagApp
from ragapp.confidence import Signals
from ragapp.events import (
    Abstained,
    AnswerDone,
    Event,
    Failed,
    GroundingChecked,
    PassagesFound,
    RetrievalStarted,
    SpanResolved,
    TokenDelta,
)
from ragapp.grounding.answer_check import ClaimVerdict
from ragapp.indexes.types import Passage, ScoredPassage, Span, StageScores
from ragapp.settings import Settings
from ragapp.tui.app import ChatApp
from ragapp.tui.messages import Happened, Ingesting

SIZES = [(80, 24), (120, 36), (160, 48)]
QUESTION = "When did the Forth Bridge open?"
TIMES = {"encode": 8.0, "search": 4.0, "rank": 210.0, "read": 130.0, "check": 18.0, "total": 370.0}


class SnapCompare(Protocol):
    def __call__(
        self, app: App[None], *, terminal_size: tuple[int, int], run_before: Callable[[Pilot[None]], Awaitable[None]]
    ) -> bool: ...


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    notes, home = tmp_path_factory.mktemp("notes"), tmp_path_factory.mktemp("home")
    for name, text in NOTES.items():
        (notes / name).write_text(text, "utf-8")
    with RagApp(Settings(home=home)) as app:
        app.ingest(notes)
    return home


def passage(number: int, name: str, text: str, rerank: float) -> ScoredPassage:
    scored = Passage(number, number, f"/notes/{name}", 1, Span(0, len(text)), text, "", ())
    return ScoredPassage(scored, number, StageScores(0.71, 8.2, 0.97, rerank))


PASSAGES = (
    passage(1, "forth.md", NOTES["forth.md"], 5.1),
    passage(2, "moon.txt", NOTES["moon.txt"], -4.2),
)
QUOTE = "The Forth Bridge opened on 4 March 1890."
START = NOTES["forth.md"].index(QUOTE)
CITATION = Citation(
    "/notes/forth.md", 1, START, START + len(QUOTE), QUOTE, START + 27, START + 39, None, "The Forth Bridge", 3, 1
)
VERDICT = ClaimVerdict(QUOTE, 0, 12, "supported", 0.98, "/notes/forth.md", START, START + len(QUOTE), QUOTE)


def answer(*, abstained: bool) -> Answer:
    return Answer(
        question=QUESTION,
        understood_as=QUESTION,
        text="4 March 1890",
        abstained=abstained,
        confidence=0.12 if abstained else 0.93,
        signals=Signals(0, 0, 0, 0, 0, 0),
        citations=(CITATION,),
        alternatives=(Alternative("1890", 0.04),),
        passages=PASSAGES,
        timings_ms=TIMES,
        models=ModelHashes("encoder@0", "reader@0"),
        grounding=() if abstained else (VERDICT,),
    )


BEGUN: list[Event] = [RetrievalStarted(QUESTION), PassagesFound(PASSAGES)]
WRITTEN: list[Event] = [*BEGUN, TokenDelta("4 March 1890"), SpanResolved(1, CITATION)]
CITED: list[Event] = [*WRITTEN, GroundingChecked((VERDICT,)), AnswerDone(answer(abstained=False))]
STATES: dict[str, list[Event]] = {
    "empty": [],
    "streaming": WRITTEN,
    "cited": CITED,
    "abstained": [*BEGUN, Abstained(0.12), AnswerDone(answer(abstained=True))],
    "cancelled": WRITTEN,
    "error": [*BEGUN, Failed("The index is damaged: segment 3 cannot be read.", "ragapp verify")],
    "ingesting": CITED,
}


def brought_to(state: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    """Give what brings the chat into a state; the events are those of a question, with times that stay the same."""

    async def run_before(pilot: Pilot[None]) -> None:
        app = app_of(pilot)
        await until(pilot, lambda: "document" in shown(pilot, "#status"))
        app.chat.prompt.cursor_blink = False
        assert app.session.app
        conversations, events = app.session.app.index.conversations, STATES[state]
        for earlier in conversations.all():  # of the picture before this one
            conversations.delete(earlier.id)
        if events:
            app.session.conversation = conversations.create("default", QUESTION)
            app.session.state = app.session.state.ask(QUESTION)
        for event in events:
            app.post_message(Happened(0, event))
        await pilot.pause()
        if state == "cancelled":
            await pilot.press("escape")
        elif state == "ingesting":
            app.post_message(Ingesting(3, 12, 0, 90_000, 0, None))
        await pilot.pause()

    return run_before


def opened(home: Path, *, theme: str = "textual-dark", ascii_only: bool = False) -> ChatApp:
    """Give the chat with no model loaded that a picture does not need."""
    settings = Settings(home=home, theme=theme, checker="off", ascii=ascii_only)
    return ChatApp(settings, resume=False, reader=WaitingReader())


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", STATES)
def test_it_looks_as_it_did(snap_compare: SnapCompare, home: Path, state: str, size: tuple[int, int]) -> None:
    assert snap_compare(opened(home), terminal_size=size, run_before=brought_to(state))


@pytest.mark.parametrize("theme", ["textual-light", "ansi-dark"])
def test_it_looks_as_it_did_in_other_colours(snap_compare: SnapCompare, home: Path, theme: str) -> None:
    app = opened(home, theme=theme)
    assert snap_compare(app, terminal_size=(80, 24), run_before=brought_to("cited"))


def test_it_looks_as_it_did_where_it_is_narrow(snap_compare: SnapCompare, home: Path) -> None:
    async def with_evidence(pilot: Pilot[None]) -> None:
        await brought_to("cited")(pilot)
        await pilot.press("ctrl+e")
        assert drawn(pilot).isascii()

    app = opened(home, ascii_only=True)
    assert snap_compare(app, terminal_size=(60, 20), run_before=with_evidence)
