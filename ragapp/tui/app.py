"""``ragapp chat``: the application, which passes things on between the person, the session and the engine."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import events
from textual.app import App, SystemCommand
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widgets import HelpPanel

from ragapp.errors import ConfigError, RagappError
from ragapp.settings import Settings, remember
from ragapp.text import one_line, printable
from ragapp.tui import engine, library
from ragapp.tui.clipboard import copy_text
from ragapp.tui.commands import COMMANDS, command
from ragapp.tui.composer import Prompt
from ragapp.tui.draw import checks_told, compared_told
from ragapp.tui.evaluating import SAMPLES, EvalJob, found_told, parse
from ragapp.tui.glyphs import ASCII, PlainSigns, glyphs_for
from ragapp.tui.ingesting import IngestJob
from ragapp.tui.keys import checked_keymap, checked_theme
from ragapp.tui.messages import (
    Checked,
    Compared,
    EvalEnded,
    Evaluating,
    Happened,
    IngestEnded,
    Ingesting,
    Loaded,
    Looked,
    NotOpened,
    Opened,
)
from ragapp.tui.screens.chat import ChatScreen
from ragapp.tui.screens.conversations import Choice, ConversationsScreen
from ragapp.tui.screens.inspect import InspectScreen
from ragapp.tui.screens.line import LineScreen
from ragapp.tui.screens.theme import ThemeScreen
from ragapp.tui.screens.told import ToldScreen
from ragapp.tui.session import Session
from ragapp.tui.state import ChatState

if TYPE_CHECKING:
    from ragapp.readers.base import Reader

_SAMPLES = Path(__file__).parents[1] / "samples" / "documents"


class ChatApp(App[None]):
    """Talking with one's documents.

    Args:
        settings: Where the index is, which models to use, theme and keys.
        resume: Whether to go on with the last conversation.
        reader: A reader to use in place of the one that the settings name.
    """

    TITLE = "ragapp"

    def __init__(self, settings: Settings, *, resume: bool = True, reader: Reader | None = None) -> None:
        super().__init__()
        self._settings, self._resume, self._reader = settings, resume, reader
        self._glyphs = glyphs_for(None, ascii_only=settings.ascii)
        self._filters_of_signs = [PlainSigns()] if self._glyphs is ASCII else []
        self.session = Session(settings.collection, self._off_thread)
        self.chat = ChatScreen(self.session, self._glyphs)
        self._ingest, self._eval = IngestJob(self._off_thread), EvalJob(self._off_thread)
        self._leaving = False
        self._theme = checked_theme(settings.theme, self.available_themes)
        self.set_keymap(checked_keymap(settings.keys))

    @property
    def state(self) -> ChatState:
        """The conversation as it is."""
        return self.session.state

    def get_default_screen(self) -> Screen[None]:
        """Begin with the conversation."""
        return self.chat

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Draw in ASCII where no other signs can be shown."""
        return [*super().get_line_filters(), *self._filters_of_signs]

    def on_mount(self) -> None:
        """Show the first picture in the right colours."""
        self.theme = self._theme

    def on_conversation_screen_ready(self) -> None:
        """Load behind the first picture."""
        self.chat.status.tell(phase="opening the index …")
        self._off_thread(engine.open_and_load, self._settings, self._reader)

    def on_unmount(self) -> None:
        """Stop what runs and close the index."""
        self.session.cancel()
        self._ingest.cancel()
        self._eval.cancel()
        if self.session.app:
            self.session.app.close()

    async def on_event(self, event: events.Event) -> None:
        """Take control characters out of what is pasted, wherever that goes."""
        if isinstance(event, events.Paste):
            event.text = printable(event.text, keep="\n\t")
        await super().on_event(event)

    def copy_to_clipboard(self, text: str) -> None:
        """Copy text without control characters, which a shell that it is pasted into would obey; tell which way."""
        self.notify(copy_text(printable(text, keep="\n\t"), super().copy_to_clipboard), markup=False)

    # What the engine tells

    def on_opened(self, message: Opened) -> None:
        """Show the last conversation while the models load."""
        self.session.app = message.app
        self.chat.status.tell(phase="loading the models …", collection=one_line(self._settings.collection))
        self.chat.prompt.remember(library.past_questions(message.app))
        listed = message.app.index.conversations.all()
        if self._resume and listed and self.state == ChatState():
            self.session.restore(listed[0].id)
        self.chat.refresh_session()

    def on_loaded(self, message: Loaded) -> None:
        """Answer what was asked in the meantime; where there are no documents yet, look whether all else is well."""
        self.chat.status.tell(phase="", documents=f"{message.documents} documents")
        self.session.loaded()
        if not message.documents:
            self._off_thread(engine.look_over, self._settings, False)

    def on_not_opened(self, message: NotOpened) -> None:
        """Say what keeps questions from being answered."""
        self.chat.status.tell(phase=f"{one_line(message.what)}  try: {one_line(message.hint)}")

    def on_happened(self, message: Happened) -> None:
        """Show what became of the question."""
        if self.session.happened(message):
            self.chat.refresh_session()

    def on_looked(self, message: Looked) -> None:
        """Show the copy attention where the answer is being looked into."""
        if isinstance(self.screen, InspectScreen):
            self.screen.show_attention(message.answer, message.words)

    def on_compared(self, message: Compared) -> None:
        """Show two answers side by side."""
        self.chat.status.tell(phase="")
        if message.answer is None:
            told = f"{one_line(message.error)} {one_line(message.hint)}".strip()
            self.notify(told, severity="error", markup=False)
        elif self.chat.answer:
            texts = compared_told(self.chat.answer, message.answer, one_line(message.settings), self._glyphs)
            self.push_screen(ToldScreen(f"“{one_line(message.answer.question)}” twice", texts))

    def on_checked(self, message: Checked) -> None:
        """Show what the doctor found: to whom asked on a screen, else with the welcome."""
        told = checks_told(message.checks)
        if message.asked:
            self.chat.status.tell(phase="")
            self.push_screen(ToldScreen("What works here", (told,)))
        else:
            self.chat.welcome(told)

    def on_ingesting(self, message: Ingesting) -> None:
        """Tell how far the job is, and of a file that failed."""
        self.chat.status.tell(ingest=self._ingest.told(message))
        if message.file and message.file.status == "failed":
            told = f"{one_line(message.file.detail)}\n{one_line(message.file.hint)}".strip()
            self.notify(told, title=one_line(message.file.name), severity="error", markup=False)

    def on_ingest_ended(self, message: IngestEnded) -> None:
        """Tell what the job did."""
        told, report = self._ingest.ended(message), message.report
        if report is None:
            told = f"{one_line(message.error)} {one_line(message.hint)}".strip()
            self.notify(told, severity="warning", markup=False)
        else:
            told += "\nF5 asks the last question again" if report.added + report.changed and self.state.turns else ""
            self.notify(told, title="documents taken in", markup=False)
        documents = len(library.documents(self.session.app)) if self.session.app else 0
        self.chat.status.tell(ingest="", documents=f"{documents} documents")
        self.chat.tell_scope()

    def on_evaluating(self, message: Evaluating) -> None:
        """Tell how far the evaluation is."""
        self.chat.status.tell(eval=self._eval.told(message))

    def on_eval_ended(self, message: EvalEnded) -> None:
        """Show what the evaluation found; whoever is at something else is told how to see it."""
        self._eval.running = False
        self.chat.status.tell(eval="")
        found = message.found
        if found is None:
            told = f"{one_line(message.error)} {one_line(message.hint)}".strip()
            self.notify(told, severity="warning", markup=False)
        elif self.screen is self.chat and not self.chat.prompt.text:
            self.push_screen(ToldScreen(f"Evaluated: {one_line(found.dataset)}", (found_told(found),)))
        else:
            missed = sum(bool(gate.missed) for gate in found.gates)
            gates = f"; {missed} of {len(found.gates)} gates missed" if found.gates else ""
            self.notify(f"evaluated{gates}\nthe same /eval again shows the figures", markup=False)

    # What the person does

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
        if app and not self._ingest.running:
            path = library.pasted(app, message.text)
            self._ingest.start(app, [path])
            self.chat.on_prompt_mentioned(Prompt.Mentioned(str(path.resolve())))
            self.notify(f"{len(message.text)} characters pasted: taken in as {path.name}", markup=False)

    def action_help_quit(self) -> None:
        """Stop what runs; with nothing running, quit at the second Ctrl+C."""
        if self.state.busy or self._ingest.running or self._eval.running:
            self.action_stop()
        elif self._leaving:
            self.exit()
        else:
            self._leaving = True
            self.set_timer(3, partial(setattr, self, "_leaving", False))
            self.notify("Ctrl+C again quits", markup=False)

    def action_stop(self) -> None:
        """Stop the answer, else the ingest job, else the evaluation, else go back to the prompt."""
        if not self.state.busy and self._ingest.cancel():
            self.chat.status.tell(ingest="stopping …")
        elif not self.state.busy and self._eval.cancel():
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
        if self._ingest.running:
            self.notify("Documents are being taken in already; Escape stops that.", severity="warning", markup=False)
        elif app and path:
            self.chat.status.tell(ingest="looking for files …")
            self._ingest.start(app, [Path(path)])
        elif app:
            samples = "" if library.documents(app) else str(_SAMPLES)
            title = f"A file or folder to take in{', for instance the samples of ragapp' if samples else ''}"
            self.push_screen(LineScreen(title, samples), lambda line: self.action_add(line) if line else None)

    def action_retry(self) -> None:
        """Take in the files that failed again."""
        if self.session.app and self._ingest.failed and not self._ingest.running:
            self._ingest.start(self.session.app, list(self._ingest.failed))
        else:
            self.notify("No file failed.", markup=False)

    def action_eval(self, typed: str = "") -> None:
        """Evaluate; with nothing judged yet, asks with which questions."""
        app = self.session.app
        if self._eval.running:
            self.notify("An evaluation is running already; Escape stops it.", severity="warning", markup=False)
        elif app and (typed or library.judged_file(app).exists()):
            try:
                self._eval.start(app, parse(typed, library.judged_file(app)))
                self.chat.status.tell(eval="preparing the evaluation …")
            except ConfigError as error:
                self.notify(f"{error.message} {error.hint}", severity="error", markup=False)
        elif app:
            title = f"A file of questions, or {SAMPLES} for those of ragapp; and gates, for instance f1=70"
            self.push_screen(LineScreen(title, SAMPLES), lambda line: self.action_eval(line) if line else None)

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
        self._off_thread(engine.look_over, self._settings, True)

    def action_help(self) -> None:
        """Show or hide the keys that work where one is."""
        if self.screen.query(HelpPanel):
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()

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
                yield SystemCommand(each.label, each.description, partial(self.run_action, each.action, self.chat))

    # How it is done

    def _off_thread(self, work: Callable[..., None], *arguments: object) -> None:
        self.run_worker(partial(work, *arguments, self.post_message), thread=True, exit_on_error=True)

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
