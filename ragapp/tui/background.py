"""The chat's background: the index and the models it opens, the jobs it runs, and what they tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual import events
from textual.app import App
from textual.filter import LineFilter
from textual.screen import Screen

from ragapp.settings import Settings
from ragapp.text import one_line, printable
from ragapp.tui import engine, library
from ragapp.tui.clipboard import copy_text
from ragapp.tui.draw import checks_told, compared_told
from ragapp.tui.evaluating import EvalJob, found_told
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
    ReaderChanged,
)
from ragapp.tui.screens.chat import ChatScreen
from ragapp.tui.screens.inspect import InspectScreen
from ragapp.tui.screens.theme import HIGH_CONTRAST
from ragapp.tui.screens.told import ToldScreen
from ragapp.tui.session import Session
from ragapp.tui.state import ChatState

if TYPE_CHECKING:
    from ragapp.app import RagApp
    from ragapp.readers.base import Reader


class BackgroundApp(App[None]):
    """The application without what a person does with it: it opens, loads, runs jobs and shows what they tell.

    Args:
        settings: Where the index is, which models to use, theme and keys.
        resume: Whether to go on with the last conversation.
        reader: A reader to use in place of the one that the settings name.
    """

    TITLE = "ragapp"

    def __init__(self, settings: Settings, *, resume: bool = True, reader: Reader | None = None) -> None:
        super().__init__()
        self.given, self._resume, self._reader = settings, resume, reader
        keys = checked_keymap(settings.keys)
        self.glyphs = glyphs_for(None, ascii_only=settings.ascii)
        self._filters_of_signs = [PlainSigns()] if self.glyphs is ASCII else []
        self.session = Session(settings.collection, self.off_thread)
        self.chat = ChatScreen(self.session, self.glyphs, keys)
        self._former: list[RagApp] = []
        """Apps that a job may still use, from before another reader was chosen."""
        self.ingesting, self.evaluating = IngestJob(self.off_thread), EvalJob(self.off_thread)
        self.register_theme(HIGH_CONTRAST)
        self._theme = checked_theme(settings.theme, self.available_themes)
        self.set_keymap(keys)

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
        self.off_thread(engine.open_and_load, self.given, self._reader)

    def on_unmount(self) -> None:
        """Stop what runs and close the index."""
        self.session.cancel()
        self.ingesting.cancel()
        self.evaluating.cancel()
        for app in (self.session.app, *self._former):
            if app:
                app.close()

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
        self.chat.status.tell(phase="loading the models …", collection=one_line(self.given.collection))
        self.chat.prompt.remember(library.past_questions(message.app))
        listed = message.app.index.conversations.all()
        if self._resume and listed and self.state == ChatState():
            self.session.restore(listed[0].id)
        self.chat.refresh_session(another=True)

    def on_loaded(self, message: Loaded) -> None:
        """Answer what was asked in the meantime; where there are no documents yet, look whether all else is well."""
        self.chat.status.tell(phase="", documents=counted(message.documents))
        self.chat.welcome(message.documents)
        self.session.loaded()
        if not message.documents:
            self.off_thread(engine.look_over, self.given, False)

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
            texts = compared_told(self.chat.answer, message.answer, one_line(message.settings), self.glyphs)
            self.push_screen(ToldScreen(f"“{one_line(message.answer.question)}” twice", texts))

    def on_reader_changed(self, message: ReaderChanged) -> None:
        """Go on with another reader, or with the one there was."""
        self.chat.status.tell(phase="")
        if message.app is None:
            self.notify(f"{one_line(message.error)} {one_line(message.hint)}", severity="error", markup=False)
        else:
            if self.session.app:
                self._former.append(self.session.app)
            self.session.app, self.given = message.app, message.app.settings
            if not self.ingesting.running and not self.evaluating.running:
                while self._former:
                    self._former.pop().close()
            kept = f"reader = {str(self.given.reader)!r} in the settings keeps it"
            self.notify(f"{one_line(message.name)} answers now; {one_line(kept)}", markup=False)
        self.session.loaded()

    def on_checked(self, message: Checked) -> None:
        """Show what the doctor found: to whom asked on a screen, else with the welcome."""
        if message.asked:
            self.chat.status.tell(phase="")
            self.push_screen(ToldScreen("What works here", (checks_told(message.checks),)))
        elif self.session.app and not library.documents(self.session.app):
            self.chat.welcome(0, message.checks)

    def on_ingesting(self, message: Ingesting) -> None:
        """Tell how far the job is, and of a file that failed."""
        self.chat.status.tell(ingest=self.ingesting.told(message))
        if message.file and message.file.status == "failed":
            told = f"{one_line(message.file.detail)}\n{one_line(message.file.hint)}".strip()
            self.notify(told, title=one_line(message.file.name), severity="error", markup=False)

    def on_ingest_ended(self, message: IngestEnded) -> None:
        """Tell what the job did."""
        told, report = self.ingesting.ended(message), message.report
        if report is None:
            told = f"{one_line(message.error)} {one_line(message.hint)}".strip()
            self.notify(told, severity="warning", markup=False)
        else:
            self.notify(told, title="documents taken in", markup=False)
            self.chat.prompt.offer(self.ingesting.question)
        documents = len(library.documents(self.session.app)) if self.session.app else 0
        self.chat.status.tell(ingest="", documents=counted(documents))
        self.chat.welcome(documents)
        self.chat.tell_scope()
        self.chat.tell_changes()
        self.chat.refresh_session()

    def watch_app_focus(self, focus: bool) -> None:
        """Look whether another program changed the index while the person was at it."""
        if focus and self.session.app:
            self.chat.tell_changes()
            self.chat.refresh_session()

    def on_evaluating(self, message: Evaluating) -> None:
        """Tell how far the evaluation is."""
        self.chat.status.tell(eval=self.evaluating.told(message))

    def on_eval_ended(self, message: EvalEnded) -> None:
        """Show what the evaluation found; whoever is at something else is told how to see it."""
        self.evaluating.running = False
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

    def off_thread(self, work: Callable[..., None], *arguments: object) -> None:
        """Run work elsewhere; what it has to tell comes back as messages."""
        self.run_worker(partial(work, *arguments, self.post_message), thread=True, exit_on_error=True)


def counted(documents: int) -> str:
    """Tell how many documents there are."""
    return f"{documents} document{'' if documents == 1 else 's'}"
