"""``ragapp chat``: the application, which passes things on between the person, the session and the engine."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SystemCommand
from textual.screen import Screen

from ragapp.errors import ConfigError, RagappError
from ragapp.settings import Settings, remember
from ragapp.text import one_line
from ragapp.tui import engine, library
from ragapp.tui.background import BackgroundApp
from ragapp.tui.commands import COMMANDS, command
from ragapp.tui.composer import Prompt
from ragapp.tui.evaluating import SAMPLES as SAMPLE_QUESTIONS
from ragapp.tui.evaluating import parse
from ragapp.tui.help import KeysPanel
from ragapp.tui.keys import checked_theme
from ragapp.tui.screens.conversations import Choice, ConversationsScreen
from ragapp.tui.screens.line import LineScreen
from ragapp.tui.screens.theme import ThemeScreen
from ragapp.tui.welcome import SAMPLE_QUESTION, SAMPLES

if TYPE_CHECKING:
    from ragapp.readers.base import Reader


class ChatApp(BackgroundApp):
    """Talking with one's documents.

    Args:
        settings: Where the index is, which models to use, theme and keys.
        resume: Whether to go on with the last conversation.
        reader: A reader to use in place of the one that the settings name.
    """

    def __init__(self, settings: Settings, *, resume: bool = True, reader: Reader | None = None) -> None:
        super().__init__(settings, resume=resume, reader=reader)
        self._leaving = False

    async def on_prompt_commanded(self, message: Prompt.Commanded) -> None:
        """Do what was typed after the slash."""
        found = command(message.name)
        if found is None:
            near = difflib.get_close_matches(message.name, [each.name for each in COMMANDS if each.slash], n=1)
            hint = f"did you mean /{near[0]}?" if near else "type / for the list"
            self.notify(f"There is no command /{one_line(message.name)}; {hint}", severity="warning", markup=False)
        else:
            argument = f"({message.argument!r})" if found.argument and message.argument else ""
            await self.run_action(f"{found.action}{argument}", self.chat)

    def on_prompt_pasted(self, message: Prompt.Pasted) -> None:
        """Take a pasted text in as a document, and look into that for the next questions."""
        app = self.session.app
        if app and not self.ingesting.running:
            path = library.pasted(app, message.text)
            self.ingesting.start(app, [path])
            self.chat.on_prompt_mentioned(Prompt.Mentioned(str(path.resolve())))
            self.notify(f"{len(message.text)} characters pasted: taken in as {path.name}", markup=False)

    def action_help_quit(self) -> None:
        """Stop what runs; with nothing running, quit at the second Ctrl+C."""
        if self.state.busy or self.ingesting.running or self.evaluating.running:
            self.action_stop()
        elif self._leaving:
            self.exit()
        else:
            self._leaving = True
            self.set_timer(3, partial(setattr, self, "_leaving", False))
            self.notify("Ctrl+C again quits", markup=False)

    def action_stop(self) -> None:
        """Stop the answer, else the ingest job, else the evaluation, else go back to the prompt."""
        if not self.state.busy and self.ingesting.cancel():
            self.chat.status.tell(ingest="stopping …")
        elif not self.state.busy and self.evaluating.cancel():
            self.chat.status.tell(eval="stopping the evaluation …")
        else:
            self.chat.stop()

    def action_new(self) -> None:
        """Begin a new conversation."""
        self.session.new()
        self.chat.refresh_session(another=True)

    def action_conversations(self) -> None:
        """Choose among the conversations."""
        if self.session.app:
            self.push_screen(ConversationsScreen(self.session.app.index.conversations), self._chosen)

    def action_add(self, path: str = "") -> None:
        """Take in a file or folder; asks for one if none is given."""
        app = self.session.app
        if self.ingesting.running:
            self.notify("Documents are being taken in already; Escape stops that.", severity="warning", markup=False)
        elif app and path:
            self.chat.status.tell(ingest="looking for files …")
            self.ingesting.start(app, [Path(path)])
        elif app:
            ask = LineScreen("A file or folder to take in")
            self.push_screen(ask, lambda line: self.action_add(line) if line else None)

    def action_samples(self) -> None:
        """Take in the samples, and offer a question about them."""
        if self.session.app and not self.ingesting.running:
            self.chat.status.tell(ingest="taking in the samples …")
            self.ingesting.start(self.session.app, [SAMPLES], SAMPLE_QUESTION)

    def action_retry(self) -> None:
        """Take in the files that failed again."""
        if self.session.app and self.ingesting.failed and not self.ingesting.running:
            self.ingesting.start(self.session.app, list(self.ingesting.failed))
        else:
            self.notify("No file failed.", markup=False)

    def action_eval(self, typed: str = "") -> None:
        """Evaluate; with nothing judged yet, asks with which questions."""
        app = self.session.app
        if self.evaluating.running:
            self.notify("An evaluation is running already; Escape stops it.", severity="warning", markup=False)
        elif app and (typed or library.judged_file(app).exists()):
            try:
                self.evaluating.start(app, parse(typed, library.judged_file(app)))
                self.chat.status.tell(eval="preparing the evaluation …")
            except ConfigError as error:
                self.notify(f"{error.message} {error.hint}", severity="error", markup=False)
        elif app:
            title = f"A file of questions, or {SAMPLE_QUESTIONS} for those of ragapp; and gates, for instance f1=70"
            self.push_screen(LineScreen(title, SAMPLE_QUESTIONS), lambda line: self.action_eval(line) if line else None)

    def action_reader(self, name: str = "") -> None:
        """Answer with another reader; asks for its name if none is given."""
        app = self.session.app
        if app is None or not self.session.ready or self.state.busy:
            self.notify("The reader that is there has to be ready, and done.", severity="warning", markup=False)
        elif name:
            self.chat.status.tell(phase="loading the reader …")
            self.session.wait()
            self.off_thread(engine.change_reader, app, name)
        else:
            ask = LineScreen(f"A reader: {one_line(', '.join(library.readers(app)))}, or a folder")
            self.push_screen(ask, lambda line: self.action_reader(line) if line else None)

    def action_export(self, name: str = "") -> None:
        """Write the conversation to a file; asks for its name if none is given."""
        answers = self.session.answers
        if not answers:
            self.notify("There is nothing to write yet.", markup=False)
        elif name:
            self._export(name)
        else:
            title = "A file to write: .md, .html or .json"
            ask = LineScreen(title, "conversation.md")
            self.push_screen(ask, lambda line: self._export(line) if line else None)

    def action_theme(self, name: str = "") -> None:
        """Choose a theme and keep it; asks for one if none is given."""
        if name:
            self._keep_theme(name)
        else:
            self.push_screen(ThemeScreen(self.theme), lambda chosen: self._keep_theme(chosen) if chosen else None)

    def action_change_theme(self) -> None:
        """Choose a theme, from the palette."""
        self.action_theme()

    def action_doctor(self) -> None:
        """Check models, index, device and versions."""
        self.chat.status.tell(phase="checking …")
        self.off_thread(engine.look_over, self.given, True)

    def action_help(self) -> None:
        """Show or hide the keys that work where one is."""
        shown = self.screen.query(KeysPanel)
        if shown:
            shown.remove()
        else:
            self.screen.mount(KeysPanel())

    def action_show_help_panel(self) -> None:
        """Show the keys, from the palette."""
        self.action_help()

    def action_leave(self) -> None:
        """Quit, if nothing is typed; else do what the key does in a text field."""
        prompt = self.chat.prompt
        if prompt.text and self.focused is prompt:
            prompt.action_delete_right()
        else:
            self.exit()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer every command in the palette."""
        yield from super().get_system_commands(screen)
        for each in COMMANDS:
            if each.slash:
                keys = self.given.keys.get(each.id, each.keys)
                told = f"{each.description}  ({keys})" if keys else each.description
                yield SystemCommand(each.label, told, partial(self.run_action, each.action, self.chat))

    # How it is done

    def _chosen(self, choice: Choice | None) -> None:
        app = self.session.app
        if choice is None or app is None:
            return
        conversations, chosen = app.index.conversations, choice.conversation
        if choice.action == "delete":
            conversations.delete(chosen.id)
            self.notify(f"deleted: {one_line(chosen.title)}", markup=False)
            if chosen.id == self.session.conversation:
                self.action_new()
        elif choice.action == "rename":
            ask = LineScreen("The conversation's title", chosen.title)
            self.push_screen(ask, lambda title: conversations.rename(chosen.id, title) if title else None)
        else:
            self.session.restore(chosen.id)
            self.chat.refresh_session(another=True)
            if choice.action == "export":
                self.action_export()

    def _export(self, name: str) -> None:
        from ragapp.transcripts import export

        answers = self.session.answers
        path = Path(os.path.expanduser(name))  # noqa: PTH111 - Path fails on an unknown ~user
        self._attempt(lambda: export(answers[0].question, answers, path), f"written: {path}")

    def _keep_theme(self, name: str) -> None:
        def keep() -> None:
            self.theme = checked_theme(name, self.available_themes)
            remember("theme", name)

        self._attempt(keep, f"theme: {name}, kept for next time")

    def _attempt(self, work: Callable[[], object], done: str) -> None:
        """Do something that may fail, and tell either way."""
        try:
            work()
        except RagappError as error:
            self.notify(f"{error.message} {error.hint}", severity="error", markup=False)
        else:
            self.notify(done, markup=False)
