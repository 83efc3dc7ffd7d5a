"""What can be done in the chat besides asking: commands, scopes, turns, themes, pasting."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input, Static
from tui_samples import WaitingReader, app_of, ask, chat, on_screen, shown, told, until

from ragapp.app import RagApp
from ragapp.cli.main import main
from ragapp.confidence import load_confidence, save_confidence
from ragapp.errors import ConfigError
from ragapp.evals.systems import EvalApp
from ragapp.readers.registry import SHIPPED, ReaderCard, readers_folder, register
from ragapp.settings import Settings, config_files, load_settings
from ragapp.tui.composer import Prompt, Suggestions
from ragapp.tui.editor import edited, open_at
from ragapp.tui.help import KeysPanel
from ragapp.tui.screens.conversations import ConversationsScreen
from ragapp.tui.screens.inspect import InspectScreen
from ragapp.tui.screens.passage import PassageScreen
from ragapp.tui.screens.theme import ThemeScreen
from ragapp.tui.screens.told import ToldScreen
from ragapp.tui.widgets import ConversationList, EvidencePane, Transcript, TurnView


async def test_commands_are_offered_completed_and_done(home: Path) -> None:
    async with chat(home) as pilot:
        suggestions = pilot.app.screen.query_one(Suggestions)
        await pilot.press("slash")
        assert len(suggestions.listed) > 15
        await pilot.press("c", "o")
        assert [each.value for each in suggestions.listed] == ["conversations", "compare", "copy"]
        await pilot.press("down", "down", "tab")
        assert pilot.app.screen.query_one(Prompt).text == "/copy "
        assert not suggestions.display
        pilot.app.screen.query_one(Prompt).text = ""
        await pilot.press(*"/conv", "enter")  # without an argument it is done at once
        assert isinstance(pilot.app.screen, ConversationsScreen)
        await pilot.press("escape")
        await pilot.press(*"/exprot", "enter")
        await until(pilot, lambda: "no command /exprot; did you mean /export?" in told(pilot))
        await pilot.press(*"/export", "enter")
        await until(pilot, lambda: "nothing to write" in told(pilot))
        await pilot.press(*"/etc/fstab is what?", "enter")  # no command: a question
        await until(pilot, lambda: bool(app_of(pilot).state.turns))
        assert app_of(pilot).state.turns[0].question == "/etc/fstab is what?"


async def test_questions_are_kept_to_documents_until_that_is_let_go(home: Path) -> None:
    async with chat(home) as pilot:
        prompt, scope = pilot.app.screen.query_one(Prompt), pilot.app.screen.query_one("#scope", Static)
        await pilot.press(*"When did the Forth Bridge open? @mo", "enter")
        assert prompt.text == "When did the Forth Bridge open? "
        await until(pilot, lambda: "moon.txt" in str(scope.content))
        assert "1 document " in str(scope.content)
        await pilot.press("enter")
        await until(pilot, lambda: bool(app_of(pilot).state.turns) and not app_of(pilot).state.busy)
        (turn,) = app_of(pilot).state.turns
        assert turn.answer.abstained
        assert {scored.passage.document.rpartition("/")[2] for scored in turn.answer.passages} == {"moon.txt"}
        assert "/broaden asks all of them" in shown(pilot)

        await pilot.press("f3")
        await until(pilot, lambda: "1890" in shown(pilot))
        assert not scope.display
        await pilot.press(*"/scope *.txt", "enter")
        await until(pilot, lambda: "*.txt" in str(scope.content))
        await pilot.press("backspace")
        assert not scope.display
    async with chat(home, resume=True) as pilot:  # it is stored with the turn
        assert app_of(pilot).state.turns[0].scope.documents
        assert "in moon.txt" in shown(pilot)


async def test_passages_are_pinned_for_the_next_question_and_left_out(home: Path) -> None:
    async with chat(home) as pilot:
        await ask(pilot, "When did the Forth Bridge open?")
        pane = pilot.app.screen.query_one(EvidencePane)
        passage = pane.rows[0].passage
        pane.focus()
        pane.highlighted = 0
        await pilot.press("p")
        assert app_of(pilot).session.scope.pinned == (passage,)
        await until(pilot, lambda: "1 pinned" in str(pilot.app.screen.query_one("#scope", Static).content))
        await ask(pilot, "What is it made of?")
        assert app_of(pilot).state.turns[-1].scope.pinned == (passage,)
        assert app_of(pilot).session.scope.pinned == ()
        await pilot.press("alt+up", "alt+up")
        pane.focus()
        pane.highlighted = 0
        await pilot.press("x")
        await until(pilot, lambda: len(app_of(pilot).state.turns) == 3 and not app_of(pilot).state.busy)
        last = app_of(pilot).state.turns[-1]
        assert last.question == "When did the Forth Bridge open?"
        assert passage not in [scored.passage.id for scored in last.answer.passages]
        await pilot.press("escape", "backspace")
        assert app_of(pilot).session.scope.without == ()


async def test_one_goes_through_the_turns_finds_words_edits_and_forks(home: Path) -> None:
    async with chat(home, size=(160, 48)) as pilot:
        await ask(pilot, "When did the Forth Bridge open?")
        await ask(pilot, "When did Apollo 11 leave?")
        await ask(pilot, "How high are the towers of the Forth Bridge?")
        pane = pilot.app.screen.query_one(EvidencePane)
        await pilot.press("alt+up", "alt+up")
        assert [view.has_class("chosen") for view in pilot.app.screen.query(TurnView)] == [False, True, False]
        await until(pilot, lambda: "moon.txt" in pane.rows[0].document)
        await pilot.press("alt+1")
        assert isinstance(pilot.app.screen, PassageScreen)
        await pilot.press("escape", "f2")
        assert isinstance(pilot.app.screen, InspectScreen)
        assert "July 1969" in on_screen(pilot)
        await pilot.press("escape", "f4")
        prompt = pilot.app.screen.query_one(Prompt)
        assert prompt.text == "When did Apollo 11 leave?"
        prompt.text = ""

        await pilot.press("ctrl+f", *"FORTH")
        await until(pilot, lambda: "2/2" in shown(pilot, "FindBar Static"))
        await pilot.press("down")
        assert "1/2" in shown(pilot, "FindBar Static")
        assert pilot.app.screen.query(TurnView)[0].has_class("chosen")
        await pilot.press("escape")
        assert pilot.app.screen.focused is prompt
        assert not pilot.app.screen.query(".chosen")

        before = app_of(pilot).session.conversation
        await pilot.press("alt+up", "alt+up")
        await pilot.press(*"/fork", "enter")
        await until(pilot, lambda: len(app_of(pilot).state.turns) == 2)
        assert app_of(pilot).session.conversation != before
        beside = pilot.app.screen.query_one(ConversationList)
        assert beside.display
        await ask(pilot, "Who left with it?")
        beside.focus()
        beside.highlighted = 1
        await pilot.press("enter")
        await until(pilot, lambda: app_of(pilot).session.conversation == before)
        assert len(app_of(pilot).state.turns) == 3
        await pilot.press("ctrl+b")
        assert not beside.display


async def test_another_reader_answers_from_there_on(home: Path) -> None:
    mine = readers_folder(home) / "mine"
    shutil.copytree(SHIPPED, mine / "reader")
    save_confidence(load_confidence(SHIPPED)._replace(bias=-1000), mine / "reader")  # never sure of anything
    register(mine, ReaderCard("mine", "shipped", 40, 10, 0.5, 0.6, ""))
    async with chat(home) as pilot:
        await ask(pilot, "When did the Forth Bridge open?")
        before = app_of(pilot).session.app
        await pilot.press(*"/reader yours", "enter")
        await until(pilot, lambda: "no reader 'yours'" in told(pilot) and app_of(pilot).session.ready)
        assert app_of(pilot).session.app is before
        await pilot.press(*"/reader", "enter")
        assert "shipped, mine" in on_screen(pilot)
        await pilot.press(*"mine", "enter")
        await ask(pilot, "When did the Forth Bridge open?")  # waits for the reader
        first, second = (turn.answer for turn in app_of(pilot).state.turns)
        assert (first.abstained, second.abstained) == (False, True)
        assert "mine answers now" in told(pilot)


async def test_an_answer_is_compared_with_that_of_other_settings(home: Path) -> None:
    async with chat(home) as pilot:
        await ask(pilot, "When did the Forth Bridge open?")
        await pilot.press(*"/compare abstain_below=1", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ToldScreen))
        assert "4 March 1890" in on_screen(pilot)
        assert "Not in your documents" in on_screen(pilot)
        await pilot.press("escape")
        await pilot.press(*"/compare abstain=1", "enter")
        await until(pilot, lambda: "no setting 'abstain'" in told(pilot))
        assert len(app_of(pilot).state.turns) == 1


async def test_judged_answers_become_a_question_set(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with chat(home) as pilot:
        await ask(pilot, "When did the Forth Bridge open?")
        await pilot.press(*"/good", "enter")
        await until(pilot, lambda: "ragapp eval run" in told(pilot))
        assert f"--home {home}" in told(pilot)
        await ask(pilot, "Which fungus makes tempeh?")
        await pilot.press(*"/bad", "enter")
        await until(pilot, lambda: bool(pilot.app.screen.query("LineScreen Input")))
        pilot.app.screen.query_one(Input).value = "-"
        await pilot.press("enter")
    cases = (home / "judged.csv").read_text("utf-8").splitlines()
    assert cases[0] == "question,answer,document"
    assert cases[1].startswith("When did the Forth Bridge open?,4 March 1890,")
    assert cases[2] == "Which fungus makes tempeh?,,"
    capfd.readouterr()
    assert main(["eval", "run", "--data", str(home / "judged.csv"), "--home", str(home), "--json"]) == 0
    assert json.loads(capfd.readouterr().out)


async def test_a_theme_is_tried_and_kept(home: Path) -> None:
    async with chat(home) as pilot:
        await pilot.press(*"/theme", "escape", "enter")  # Escape closes the list, the command stays
        assert isinstance(pilot.app.screen, ThemeScreen)
        await pilot.press("up")
        assert pilot.app.theme != "textual-dark"
        await pilot.press("escape")
        assert pilot.app.theme == "textual-dark"
        config_files()[1].parent.mkdir(parents=True)
        config_files()[1].write_text("# mine\npassages = 4\n", "utf-8")
        await pilot.press(*"/theme nord", "enter")
        await until(pilot, lambda: pilot.app.theme == "nord")
        await until(pilot, lambda: "kept for next time" in told(pilot))
        await pilot.press(*"/theme sepia", "enter")
        await until(pilot, lambda: "no theme 'sepia'" in told(pilot))
    assert (load_settings().theme, load_settings().passages) == ("nord", 4)
    assert "# mine" in config_files()[1].read_text("utf-8")


async def test_before_there_are_documents_one_is_told_whether_all_is_well(tmp_path: Path) -> None:
    async with chat(tmp_path) as pilot:
        await until(pilot, lambda: "reader, device" in shown(pilot, "#welcome"))
        await pilot.press(*"/doctor", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ToldScreen))
        assert "OK   encoder" in on_screen(pilot)


async def test_a_long_paste_becomes_a_document_to_ask_about(home: Path, tmp_path: Path) -> None:
    async with chat(tmp_path) as pilot:
        text = "The lighthouse at Bell Rock was first lit in 1811. " + "Waves beat on it all winter. " * 100
        pilot.app.post_message(events.Paste(text))
        await until(pilot, lambda: "1 document" in shown(pilot, "#status"))
        assert "pasted-" in str(pilot.app.screen.query_one("#scope", Static).content)
        await ask(pilot, "When was the Bell Rock lighthouse first lit?")
        assert "1811" in shown(pilot)
        pilot.app.post_message(events.Paste("a short one"))
        await until(pilot, lambda: pilot.app.screen.query_one(Prompt).text == "a short one")


async def test_files_that_failed_are_tried_again(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    broken = tmp_path / "notes" / "later.txt"
    broken.write_bytes(b"\x00\x01\x02" * 100)
    async with chat(tmp_path / "home") as pilot:
        await pilot.press(*f"/add {tmp_path / 'notes'}", "enter")
        await until(pilot, lambda: "/retry takes the failed ones in again" in told(pilot))
        broken.write_text("Kimchi is made of napa cabbage and radish.", "utf-8")
        await pilot.press(*"/retry", "enter")
        await until(pilot, lambda: "1 document" in shown(pilot, "#status"))
        await pilot.press(*"/retry", "enter")
        await until(pilot, lambda: "No file failed" in told(pilot))


async def test_ctrl_c_copies_then_stops_then_quits(home: Path) -> None:
    reader = WaitingReader()
    async with chat(home, reader=reader) as pilot:
        prompt = pilot.app.screen.query_one(Prompt)
        prompt.text = "something"
        prompt.select_all()
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "9 characters" in told(pilot))
        prompt.text = ""
        await pilot.press(*"first?", "enter")
        await until(pilot, reader.asked.is_set)
        await pilot.press("ctrl+c")
        assert [turn.status for turn in app_of(pilot).state.turns] == ["cancelled"]
        reader.go_on.set()
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "Ctrl+C again quits" in told(pilot))
        assert pilot.app.is_running
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not pilot.app.is_running)


async def test_a_question_mark_alone_shows_the_keys(home: Path) -> None:
    async with chat(home) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: bool(pilot.app.screen.query(KeysPanel)))
        await pilot.press("w", "question_mark")
        assert pilot.app.screen.query_one(Prompt).text == "w?"


def test_a_question_is_written_in_the_editor_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "editor.py"
    script.write_text("import pathlib, sys\np = pathlib.Path(sys.argv[1])\np.write_text(p.read_text() + ' opened?\\n')")
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")
    assert edited("When was it") == "When was it opened?"
    script.write_text(f"import sys; open({str(tmp_path / 'told')!r}, 'w').write(' '.join(sys.argv[1:]))")
    open_at(tmp_path / "note.md", 7)
    assert (tmp_path / "told").read_text() == f"+7 {tmp_path / 'note.md'}"
    script.write_text("raise SystemExit(3)")
    with pytest.raises(ConfigError, match="ended with 3"):
        edited("x")
    monkeypatch.setenv("VISUAL", "no-such-editor")
    with pytest.raises(ConfigError, match="cannot be started"):
        edited("x")


def test_keys_are_printed(capfd: pytest.CaptureFixture[str]) -> None:
    file = config_files()[1]
    file.parent.mkdir(parents=True)
    file.write_text('keys = { "chat.new" = "ctrl+t" }', "utf-8")
    assert main(["keys", "--json"]) == 0
    keys = json.loads(capfd.readouterr().out)
    assert keys["chat.new"] == ["ctrl+t"]
    assert keys["prompt.newline"] == ["shift+enter", "ctrl+j", "alt+enter"]
    assert main(["keys"]) == 0
    assert "chat.new             ctrl+t" in capfd.readouterr().out
    file.write_text('keys = { "chat.new" = "ctrl+r" }', "utf-8")
    assert main(["keys"]) == ConfigError.exit_code


def test_other_settings_share_the_models(home: Path) -> None:
    with RagApp(Settings(home=home)) as app, app.varied({"passages": "2"}) as other:
        assert other.settings.passages == 2
        assert other.encoder is app.encoder
        assert other.reader is app.reader
        assert other.checker is app.checker
        with EvalApp(app.settings, "reranked", {}, app) as evaluated:
            assert (evaluated.encoder, evaluated.reader, evaluated.checker) == (app.encoder, app.reader, app.checker)
        named = app.settings.model_copy(update={"reader": SHIPPED})
        with EvalApp(named, "dense", {}, app) as evaluated:
            assert evaluated.reader is app.reader
        with app.varied({"checker": "off"}) as unchecked:
            assert unchecked.checker is None
            assert unchecked.reader is app.reader


async def test_where_nothing_is_typed_letters_and_digits_are_keys(home: Path) -> None:
    async with chat(home) as pilot:
        app, prompt = app_of(pilot), pilot.app.screen.query_one(Prompt)
        await ask(pilot, "When did the Forth Bridge open?")
        for place in (Transcript, EvidencePane):
            app.chat.query_one(place).focus()
            await pilot.press("1")
            assert isinstance(app.screen, PassageScreen)
            await pilot.press("escape")
        app.chat.query_one(Transcript).focus()
        await pilot.press("k")
        assert pilot.app.screen.query(".chosen")
        await pilot.press("j")
        assert not pilot.app.screen.query(".chosen")
        await pilot.press("y")
        await until(pilot, lambda: "copied" in told(pilot) or "clipboard" in told(pilot))
        await pilot.press("r")
        await until(pilot, lambda: len(app.state.turns) == 2 and not app.state.busy)
        app.chat.query_one(Transcript).focus()
        await pilot.press("e")
        assert prompt.text == "When did the Forth Bridge open?"


async def test_questions_are_kept_to_documents_with_a_tag(home: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(home, tmp_path / "home"))
    with RagApp(Settings(home=home)) as app:
        (forth,) = [each.name for each in app.index.documents(app.collection) if each.name.endswith("forth.md")]
        app.tag([forth], add=["bridges"])
    async with chat(home) as pilot:
        scope = pilot.app.screen.query_one("#scope", Static)
        await pilot.press(*"When did it open? @#br", "enter")
        await until(pilot, lambda: "#bridges" in str(scope.content))
        assert "1 document " in str(scope.content)
        await pilot.press("enter")
        await until(pilot, lambda: bool(app_of(pilot).state.turns) and not app_of(pilot).state.busy)
        (turn,) = app_of(pilot).state.turns
        assert turn.answer.answer
        assert {scored.passage.document for scored in turn.answer.answer.passages} == {forth}
        await pilot.press("backspace")
        assert not scope.display
        await pilot.press(*"/scope #a,b", "enter")
        await until(pilot, lambda: "cannot be a tag" in told(pilot))
        assert not scope.display
        await pilot.press(*"/scope #Bridges", "enter")
        await until(pilot, lambda: "#bridges" in str(scope.content))
    async with chat(home, resume=True) as pilot:  # it is stored with the turn
        assert app_of(pilot).state.turns[0].scope.tags == ("bridges",)
        assert "in #bridges" in shown(pilot)


async def test_a_person_there_is_not_is_no_place_to_take_from_or_write_to(home: Path) -> None:
    async with chat(home) as pilot:
        await ask(pilot, "When did the Forth Bridge open?")
        await pilot.press(*"/export ~nobody-here/talk.md", "enter")
        await until(pilot, lambda: "cannot be written" in told(pilot))
        await pilot.press(*"/add ~nobody-here/notes", "enter")
        await until(pilot, lambda: "No such file or directory" in told(pilot))
