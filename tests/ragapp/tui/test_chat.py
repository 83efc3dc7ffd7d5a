"""The chat as a person uses it: a real terminal application over real documents and models."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input, Static
from tui_samples import WaitingReader, app_of, ask, chat, drawn, on_screen, shown, until

from ragapp.app import RagApp
from ragapp.errors import ConfigError
from ragapp.settings import Settings
from ragapp.tui.app import ChatApp
from ragapp.tui.composer import Prompt
from ragapp.tui.help import KeysPanel
from ragapp.tui.keys import checked_keymap
from ragapp.tui.screens.conversations import ConversationsScreen
from ragapp.tui.screens.inspect import InspectScreen
from ragapp.tui.screens.passage import PassageScreen
from ragapp.tui.widgets import EvidencePane, TurnView


async def test_an_answer_stands_with_its_evidence(home: Path) -> None:
    async with chat(home) as pilot:
        await ask(pilot, "When did the Forth Bridge open?")
        assert "1890" in shown(pilot)
        assert "forth.md" in shown(pilot)
        row = pilot.app.query_one(EvidencePane).rows[0]
        assert row.number == 1
        assert "fused" in row.scores

        await ask(pilot, "and how high are its towers?")
        assert "understood as: How high are the Forth Bridge's towers?" in shown(pilot)
        assert "361 feet" in shown(pilot)

        await pilot.press("alt+1")
        assert isinstance(pilot.app.screen, PassageScreen)
        assert "opened on 4 March" in "\n".join(str(static.content) for static in pilot.app.screen.query(Static))
        await pilot.press("escape", "f2")
        assert isinstance(pilot.app.screen, InspectScreen)
        await until(pilot, lambda: "Words looked at" in str(pilot.app.screen.query_one("#told", Static).content))
        await pilot.press("escape", "f1")
        panel = pilot.app.screen.query_one(KeysPanel)
        await until(pilot, lambda: "Send" in on_screen(pilot))
        assert "f5  Ask again" in on_screen(pilot)
        assert "alt+1 … alt+9  Citation" in on_screen(pilot)
        assert "Cursor" not in on_screen(pilot)  # the toolkit's own
        pilot.app.screen.query_one(EvidencePane).focus()
        await until(pilot, lambda: "Copy quote" in on_screen(pilot) and "Send" not in on_screen(pilot))
        await pilot.press("f1")
        await until(pilot, lambda: not panel.is_attached)


async def test_what_is_not_there_is_said_not_to_be(home: Path) -> None:
    async with chat(home) as pilot:
        await ask(pilot, "Which fungus makes tempeh?")
        assert "Not in your documents." in shown(pilot)


async def test_escape_stops_the_answer_and_gives_waiting_questions_back(home: Path) -> None:
    reader = WaitingReader()
    async with chat(home, reader=reader) as pilot:
        prompt = pilot.app.query_one(Prompt)
        await pilot.press(*"first?", "enter")
        await until(pilot, reader.asked.is_set)
        await pilot.press(*"second?", "enter")
        assert "1 waiting" in shown(pilot, "#status")
        await pilot.press("escape")
        assert [turn.status for turn in app_of(pilot).state.turns] == ["cancelled"]
        assert "stopped" in shown(pilot)
        assert prompt.text == "second?"

        await pilot.press("ctrl+n", "enter")  # what comes late of the first question is not taken for the second
        assert [turn.question for turn in app_of(pilot).state.turns] == ["second?"]
        reader.go_on.set()
        await until(pilot, lambda: not app_of(pilot).state.busy)
        answer = app_of(pilot).state.turns[0].answer.answer
        assert answer is not None
        assert answer.question == "second?"


async def test_the_key_that_sends_never_overtakes_what_was_typed_before_it(home: Path) -> None:
    async with chat(home) as pilot:
        prompt = pilot.app.query_one(Prompt)
        names = {" ": "space", "?": "question_mark"}
        for char in "Who built it then?":  # as a terminal does: without waiting between keys
            pilot.app.post_message(events.Key(names.get(char, char), char))
        pilot.app.post_message(events.Key("enter", "\r"))
        await until(pilot, lambda: bool(app_of(pilot).state.turns))
        assert app_of(pilot).state.turns[0].question == "Who built it then?"
        assert prompt.text == ""


async def test_conversations_come_back_and_are_found(home: Path, tmp_path: Path) -> None:
    async with chat(home) as pilot:
        await ask(pilot, "When did Apollo 11 leave Cape Canaveral?")
        assert "16 July 1969" in shown(pilot)
    async with chat(home, resume=True) as pilot:
        assert "16 July 1969" in shown(pilot)
        await pilot.press("f2")
        assert "/again shows them" in on_screen(pilot)
        await pilot.press("escape", "ctrl+n")
        assert not pilot.app.query(TurnView)
        await pilot.press("ctrl+r")
        assert isinstance(pilot.app.screen, ConversationsScreen)
        await pilot.press(*"canaveral", "enter")
        await until(pilot, lambda: "16 July 1969" in shown(pilot))
        app_of(pilot).action_export()
        await until(pilot, lambda: bool(pilot.app.screen.query("LineScreen Input")))
        pilot.app.screen.query_one(Input).value = str(tmp_path / "talk.md")
        await pilot.press("enter")
        await until(pilot, lambda: (tmp_path / "talk.md").is_file())
        await pilot.press("ctrl+r", "ctrl+x")
        await until(pilot, lambda: not pilot.app.query(TurnView))


async def test_documents_are_taken_in_beside_the_conversation(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "kimchi.txt").write_text("Kimchi is made of napa cabbage and radish.", "utf-8")
    (tmp_path / "notes" / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    async with chat(tmp_path / "home") as pilot:
        await pilot.press("ctrl+o")
        pilot.app.screen.query_one(Input).value = str(tmp_path / "notes")
        await pilot.press("enter")
        await until(pilot, lambda: "1 document" in shown(pilot, "#status"))
        await ask(pilot, "What is kimchi made of?")
        assert "cabbage" in shown(pilot)


async def test_a_changed_document_makes_its_turns_stale(tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("The harbour was dug in 1590 by monks.", "utf-8")
    with RagApp(Settings(home=tmp_path / "home")) as app:
        app.ingest(note)
    async with chat(tmp_path / "home") as pilot:
        await ask(pilot, "When was the harbour dug?")
    note.write_text("The harbour was dug in 1690 by soldiers.", "utf-8")
    with RagApp(Settings(home=tmp_path / "home")) as app:
        app.ingest(note)
    async with chat(tmp_path / "home", resume=True) as pilot:
        assert "has changed since" in shown(pilot)
        await pilot.press("alt+1")
        assert "no longer in the index" in "\n".join(
            str(static.content) for static in pilot.app.screen.query(Static).results(Static)
        )


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 48)])
async def test_every_size_works(home: Path, size: tuple[int, int]) -> None:
    async with chat(home, size) as pilot:
        await ask(pilot, "When did the Forth Bridge open?")
        pane = pilot.app.query_one(EvidencePane)
        assert pane.display is (size[0] >= 110)
        await pilot.press("ctrl+e")
        assert pane.display is (size[0] < 110)
        await pilot.resize_terminal(200, 50)
        await pilot.resize_terminal(60, 20)
        assert "1890" in shown(pilot)


async def test_below_80_columns_the_evidence_covers_the_conversation_until_escape(home: Path) -> None:
    async with chat(home, (60, 20)) as pilot:
        await ask(pilot, "When did the Forth Bridge open?")
        await pilot.press("ctrl+e")
        await until(pilot, lambda: "forth.md" in drawn(pilot) and "When did" not in drawn(pilot))
        assert pilot.app.screen.query_one(EvidencePane).has_focus
        await pilot.press("escape")
        await until(pilot, lambda: "When did" in drawn(pilot))
        assert pilot.app.screen.query_one(Prompt).has_focus
        await pilot.press("ctrl+e")
        await ask(pilot, "Who walked on the Moon?")
        await until(pilot, lambda: "Who walked" in drawn(pilot))
        await pilot.press("f1")
        await until(pilot, lambda: "Where you are" in drawn(pilot) and "Everywhere" in drawn(pilot))


async def test_past_questions_are_recalled_by_what_was_typed(home: Path) -> None:
    async with chat(home) as pilot:
        prompt = pilot.app.query_one(Prompt)
        prompt.remember(["alpha one", "beta", "alpha two"])
        await pilot.press(*"alpha", "up")
        assert prompt.text == "alpha two"
        await pilot.press("up")
        assert prompt.text == "alpha one"
        await pilot.press("down", "down")
        assert prompt.text == "alpha"
        await pilot.press("ctrl+j", "x")
        assert prompt.text == "alpha\nx"


async def test_it_opens_with_the_settings_as_they_are(tmp_path: Path) -> None:
    app = ChatApp(Settings(home=tmp_path))
    async with app.run_test() as pilot:
        await until(pilot, lambda: "document" in shown(pilot, "#status"))
        assert app.theme == Settings().theme


def test_a_theme_there_is_not_is_refused_before_anything_opens(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no theme 'sepia'"):
        ChatApp(Settings(home=tmp_path, theme="sepia"))


def test_keys_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"bound to evidence\.copy and chat\.new|chat\.new and evidence\.copy"):
        checked_keymap({"chat.new": "y"})
    assert checked_keymap({"chat.new": "ctrl+t"}) == {"chat.new": "ctrl+t"}
    with pytest.raises(ConfigError, match=r"no key binding 'chat\.old'"):
        checked_keymap({"chat.old": "ctrl+t"})
    with pytest.raises(ConfigError, match=r"bound to chat\.new and chat\.conversations"):
        checked_keymap({"chat.new": "ctrl+r"})
