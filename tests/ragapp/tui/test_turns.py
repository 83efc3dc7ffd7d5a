"""Going through the turns with the mouse and the keys: choosing, folding, opening citations."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Static
from tui_samples import WaitingReader, app_of, ask, chat, drawn, shown, until

from ragapp.tui.composer import Prompt
from ragapp.tui.screens.passage import PassageScreen
from ragapp.tui.widgets import Below, EvidencePane, Transcript, TurnView


def paragraphs(pilot: Pilot[None], turn: int) -> list[Static]:
    return list(pilot.app.screen.query(TurnView)[turn].query(Static))


def chosen(pilot: Pilot[None]) -> list[bool]:
    return [view.has_class("chosen") for view in pilot.app.screen.query(TurnView)]


async def test_a_click_goes_to_a_turn_and_on_a_number_opens_the_citation(home: Path) -> None:
    async with chat(home) as pilot:
        await ask(pilot, "When did the Forth Bridge open?")
        await ask(pilot, "When did Apollo 11 leave?")
        await pilot.click(paragraphs(pilot, 0)[1], offset=(3, 0))
        await until(pilot, lambda: chosen(pilot) == [True, False])
        await until(pilot, lambda: "forth.md" in pilot.app.screen.query_one(EvidencePane).rows[0].document)
        assert "4 March 1890" in str(paragraphs(pilot, 0)[1].content)
        answer = paragraphs(pilot, 1)[1]
        first = str(answer.content).split("\n")[0]
        await pilot.click(answer, offset=(answer.styles.padding.left + first.index("[1]") + 1, 0))
        await until(pilot, lambda: isinstance(pilot.app.screen, PassageScreen))
        assert "Apollo 11 left" in "\n".join(str(each.content) for each in pilot.app.screen.query(Static))
        await pilot.press("escape")
        assert chosen(pilot) == [False, True]


async def test_a_click_on_copy_copies_the_answer_of_that_turn(home: Path) -> None:
    async with chat(home) as pilot:
        await ask(pilot, "When did the Forth Bridge open?")
        await ask(pilot, "When did Apollo 11 leave?")
        answer = paragraphs(pilot, 0)[-1]
        last = str(answer.content).split("\n")[-1]
        assert last.endswith(" · copy")
        at = (answer.styles.padding.left + len(last) - 2, answer.size.height - 1)
        await pilot.click(answer, offset=at)
        await until(pilot, lambda: "4 March 1890" in pilot.app.clipboard)
        assert "forth.md" in pilot.app.clipboard
        assert chosen(pilot) == [True, False]


async def test_what_is_not_in_the_documents_is_not_copied_as_an_answer(home: Path) -> None:
    async with chat(home) as pilot:
        await ask(pilot, "Who painted the Mona Lisa?")
        assert "Not in your documents." in shown(pilot)
        assert "copy" not in shown(pilot)
        await pilot.press("ctrl+y")
        await until(pilot, lambda: pilot.app.clipboard == "Not in your documents.\n")


async def test_hints_name_the_keys_of_the_settings(home: Path, tmp_path: Path) -> None:
    keys = {"chat.add": "ctrl+t,f9", "chat.newest": "f12", "chat.again": "ctrl+u", "chat.samples": "f7"}
    async with chat(tmp_path, keys=keys) as pilot:
        first = shown(pilot, "#welcome")
        assert "Ctrl+T  add a file or folder" in first
        assert "F7      try it on samples" in first
        assert "Ctrl+O" not in first
        assert shown(pilot, "Below").endswith("new below: F12")
    async with chat(home, keys=keys) as pilot:
        assert "Ctrl+T  add a file or folder" in shown(pilot, "#welcome")


async def test_a_turn_folds_to_its_question_and_answer_and_unfolds(home: Path) -> None:
    async with chat(home) as pilot:
        await ask(pilot, "When did the Forth Bridge open?")
        await ask(pilot, "When did Apollo 11 leave?")
        whole = shown(pilot)
        await pilot.click(paragraphs(pilot, 0)[0], offset=(3, 0))
        await until(pilot, lambda: "▸ When did the Forth Bridge open?" in shown(pilot))
        await until(pilot, lambda: len(paragraphs(pilot, 0)) == 2)
        folded = str(paragraphs(pilot, 0)[1].content)
        assert folded.startswith("4 March 1890 [1]")
        assert folded.endswith("…")
        assert "\n" not in folded
        await until(pilot, lambda: chosen(pilot) == [True, False])  # it stays chosen, and is what is done with
        await pilot.press("f4")
        assert pilot.app.screen.query_one(Prompt).text == "When did the Forth Bridge open?"
        pilot.app.screen.query_one(Prompt).text = ""
        await pilot.press("f8")
        await until(pilot, lambda: shown(pilot) == whole)

        await pilot.press("escape")
        await until(pilot, lambda: "moon.txt" in pilot.app.screen.query_one(EvidencePane).rows[0].document)
        pilot.app.screen.query_one(Prompt).text = "/fold"
        await pilot.press("enter")  # the last one, where none is chosen
        await until(pilot, lambda: "▸ When did Apollo 11 leave?" in shown(pilot))
        assert "▸ When did Apollo 11 leave?" in drawn(pilot)
        await pilot.press("ctrl+f")
        pilot.app.screen.query_one("FindBar Input").focus()
        await pilot.press(*"Canaveral")
        await until(pilot, lambda: "❯ When did Apollo 11 leave?" in shown(pilot))  # what is found is seen
        assert app_of(pilot).session.conversation is not None
    async with chat(home, resume=True) as pilot:
        assert "▸" not in shown(pilot)


async def test_the_end_of_an_answer_stays_in_view_until_one_scrolls(home: Path) -> None:
    async with chat(home, size=(80, 16)) as pilot:
        transcript = pilot.app.screen.query_one(Transcript)
        for question in ("When did the Forth Bridge open?", "When did Apollo 11 leave?"):
            await ask(pilot, question)
            await until(pilot, lambda: transcript.scroll_y == transcript.max_scroll_y)
        assert transcript.max_scroll_y > 0
        transcript.scroll_to(y=0, animate=False)
        await until(pilot, lambda: transcript.scroll_y == 0)
        await pilot.press("f8")  # what is drawn anew does not move who reads further up
        await until(pilot, lambda: "▸" in shown(pilot))
        assert transcript.scroll_y == 0
        await ask(pilot, "How high are the towers of the Forth Bridge?")
        await until(pilot, lambda: transcript.scroll_y == transcript.max_scroll_y and transcript.scroll_y > 0)


async def test_what_grows_below_is_told_and_gone_to(home: Path) -> None:
    reader = WaitingReader()
    async with chat(home, size=(80, 16), reader=reader) as pilot:
        transcript, below = pilot.app.screen.query_one(Transcript), pilot.app.screen.query_one(Below)
        reader.go_on.set()
        for question in ("When did the Forth Bridge open?", "When did Apollo 11 leave?"):
            await ask(pilot, question)
        reader.go_on.clear()
        reader.asked.clear()
        await pilot.press(*"Who?", "enter")
        await until(pilot, reader.asked.is_set)
        await until(pilot, lambda: transcript.scroll_y == transcript.max_scroll_y)
        await pilot.press(*"And", "pageup", "pageup", "pageup")  # from the prompt
        await until(pilot, lambda: transcript.scroll_y == 0)
        assert not below.display
        await pilot.press("enter")  # who sends a question goes to the end; who scrolls then stays there
        await until(pilot, lambda: transcript.scroll_y == transcript.max_scroll_y)
        await pilot.press("pageup", "pageup", "pageup")
        await until(pilot, lambda: transcript.scroll_y == 0)
        reader.go_on.set()
        await until(pilot, lambda: not app_of(pilot).state.busy and below.display)
        assert transcript.scroll_y == 0
        assert "new below: Ctrl+End" in drawn(pilot)
        await pilot.press("ctrl+end")
        await until(pilot, lambda: not below.display and transcript.scroll_y == transcript.max_scroll_y)
        await pilot.press("pageup")
        await until(pilot, lambda: transcript.scroll_y < transcript.max_scroll_y)
        await pilot.press("pagedown")
        await until(pilot, lambda: transcript.scroll_y == transcript.max_scroll_y)
        await pilot.press("pageup", "pageup", "pageup")
        await until(pilot, lambda: transcript.scroll_y == 0)
        app_of(pilot).session.state = app_of(pilot).state.ask("one more?")
        app_of(pilot).chat.refresh_session()
        await until(pilot, lambda: below.display)
        await pilot.click(Below)
        await until(pilot, lambda: not below.display)
