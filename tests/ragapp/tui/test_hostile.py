"""Whatever stands in documents, questions and titles is shown as text: nothing of it is obeyed, nothing breaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from tui_samples import app_of, chat, until

from ragapp.answers import Answer, Citation, ModelHashes
from ragapp.app import RagApp
from ragapp.confidence import Signals
from ragapp.events import AnswerDone, Event, PassagesFound, RetrievalStarted, SpanResolved, TokenDelta
from ragapp.indexes.types import Passage, ScoredPassage, Span, StageScores
from ragapp.ingest.events import FileDone
from ragapp.serialization import to_json
from ragapp.settings import Settings
from ragapp.tui.messages import Compared, Happened, Ingesting, Looked, LookedAt
from ragapp.tui.widgets import EvidencePane

HOSTILE = {
    "markup": "[bold red]x[/] [1] [/] [@click=app.quit]leave[/] [link=http://x]y[/link] [[",
    "escapes": "\x1b[31mred\x1b[2J\x1b]52;c;aGk=\x07\x1b]8;;http://x\x1b\\link\x9b31m",
    "controls": "a\x00b\tc\r\nd\x7fe\x85f\u2028g",
    "bidi": "abc\u202edef\u2066ghi\u200f\ufeff",
    "joined": "👩\u200d👩\u200d👧 e\u0301\u0301\u0301 \u200b\u200d ﷽ 漢字かな",
    "long": "w" * 4000,
    "words": "word " * 5000,
    "surrogate": "caf\udce9 \ud800",
    "empty": "",
}


def answer(text: str, *, abstained: bool) -> Answer:
    passage = Passage(1, 1, f"/notes/{text[:200]}", 1, Span(0, len(text)), text, text[:200], ())
    citation = Citation(f"/notes/{text[:200]}", 1, 0, len(text), text, 0, len(text) // 2, 3, text[:200], 4, 1)
    return Answer(
        question=text,
        understood_as=text,
        text=text,
        abstained=abstained,
        confidence=0.5,
        signals=Signals(0, 0, 0, 0, 0, 0),
        citations=(citation,),
        alternatives=(),
        passages=(ScoredPassage(passage, 1, StageScores(0.1, 0.2, 0.3, 0.4)),),
        timings_ms={"total": 1.0},
        models=ModelHashes(text[:50], text[:50]),
    )


def told(text: str) -> Iterator[Event]:
    done = answer(text, abstained=False)
    yield RetrievalStarted(text)
    yield PassagesFound(done.passages)
    yield TokenDelta(text)
    yield SpanResolved(1, done.citations[0])
    yield AnswerDone(done)


def inert(pilot: Pilot[None]) -> bool:
    """Whether no line of the screen holds a character that a terminal or a person could be misled by."""
    strips = pilot.app.screen._compositor.render_strips()  # pyright: ignore[reportPrivateUsage]
    drawn = "".join(strip.text for strip in strips)
    return not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or char in "\u202e\u2066\u200f\u2028" for char in drawn)


@pytest.mark.parametrize("kind", HOSTILE)
async def test_every_widget_shows_it_as_text(home: Path, kind: str) -> None:
    text = HOSTILE[kind]
    async with chat(home) as pilot:
        app = app_of(pilot)
        app.session.state = app.session.state.ask(text)
        for event in told(text):
            app.post_message(Happened(0, event))
        await until(pilot, lambda: not app.state.busy)
        app.session.state = app.session.state.ask(text)
        app.post_message(Happened(0, AnswerDone(answer(text, abstained=True))))
        await until(pilot, lambda: not app.state.busy)
        app.post_message(Ingesting(1, 2, 1, 2, 3, FileDone(text[:300], "failed", detail=text, hint=text)))
        app.notify(text, title=text[:100], markup=False)
        app.chat.status.tell(phase="x", documents="y")
        await pilot.pause()
        assert inert(pilot)
        assert pilot.app.is_running

        app.chat.query_one(EvidencePane).focus()
        app.chat.query_one(EvidencePane).highlighted = 0
        await pilot.press("enter")  # the passage
        await pilot.pause()
        assert inert(pilot)
        await pilot.press("escape", "f2")  # why
        done = app.chat.answer
        assert done is not None
        app.post_message(Looked(done, (LookedAt(1, text[:50], 0.9),)))
        await pilot.pause()
        assert inert(pilot)
        await pilot.press("escape")
        app.post_message(Compared(text[:100], done))
        await pilot.pause()
        assert inert(pilot)
        await pilot.press("escape")
        app.chat.query_one(EvidencePane).focus()
        await pilot.press("p")
        app.chat.narrow(app.session.scope._replace(documents=("moon.txt",), glob="*.txt"))
        await pilot.press("f4")  # the question, into the prompt
        await pilot.pause()
        assert inert(pilot)
        await pilot.press("ctrl+f")
        app.post_message(events.Paste(text[:50]))
        await pilot.pause()
        assert inert(pilot)
        await pilot.resize_terminal(60, 20)
        await pilot.pause()
        assert inert(pilot)


@pytest.mark.parametrize("kind", [kind for kind in HOSTILE if kind not in {"surrogate", "empty"}])
async def test_it_comes_back_from_the_catalog_and_can_be_searched(tmp_path: Path, kind: str) -> None:
    text = HOSTILE[kind]
    (tmp_path / "note.txt").write_text("Kimchi is made of napa cabbage.", "utf-8")
    with RagApp(Settings(home=tmp_path / "home")) as ragapp:
        ragapp.ingest(tmp_path / "note.txt")
        conversation = ragapp.index.conversations.create("default", text)
        stored = to_json(replace(answer(text, abstained=False), passages=()))
        ragapp.index.conversations.add_turn(conversation, text, stored)
    async with chat(tmp_path / "home", resume=True) as pilot:
        assert inert(pilot)
        await pilot.press("ctrl+b")
        await pilot.press("ctrl+r")
        app_of(pilot).post_message(events.Paste(text[:100]))
        await pilot.pause()
        assert inert(pilot)
        await pilot.press("ctrl+t")  # rename: the title stands in the line
        await pilot.pause()
        assert inert(pilot)
        await pilot.press("escape", "escape", "up")  # the question, recalled
        await pilot.pause()
        assert inert(pilot)
        assert pilot.app.is_running
