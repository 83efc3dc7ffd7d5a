"""``ragapp chat``: the application itself, which passes things on between the state, the widgets and the engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, ComposeResult, SystemCommand
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, HelpPanel, Static

from ragapp.errors import RagappError
from ragapp.settings import Settings
from ragapp.text import one_line
from ragapp.tui import engine, library
from ragapp.tui.clipboard import copy_text
from ragapp.tui.draw import Evidence, evidence
from ragapp.tui.glyphs import glyphs_for
from ragapp.tui.keys import BINDINGS, checked_keymap, checked_theme
from ragapp.tui.messages import FileTaken, Happened, IngestEnded, Loaded, Looked, NotOpened, Opened
from ragapp.tui.opening import open_file
from ragapp.tui.screens.conversations import Choice, ConversationsScreen
from ragapp.tui.screens.inspect import InspectScreen
from ragapp.tui.screens.line import LineScreen
from ragapp.tui.screens.passage import PassageScreen
from ragapp.tui.state import ChatState
from ragapp.tui.widgets import EvidencePane, Prompt, StatusLine, Transcript

if TYPE_CHECKING:
    from ragapp.answers import Answer
    from ragapp.app import RagApp
    from ragapp.readers.base import Reader

_SAMPLES = Path(__file__).parents[1] / "samples" / "documents"
_NARROW = 110
_TITLE_CHARS = 80

WELCOME = """\
Ask your own documents. Every answer shows the sentence it stands in; when the documents don't hold it, you are told.

  Ctrl+O      add a file or folder, or the samples that come with ragapp
  Ctrl+P      everything there is to do
  F1          the keys
"""


class ChatApp(App[None]):
    """Talking with one's documents.

    Args:
        settings: Where the index is, which models to use, theme and keys.
        resume: Whether to go on with the last conversation.
        reader: A reader to use in place of the one that the settings name.
    """

    CSS = """
    #main { height: 1fr; }
    #talk { width: 3fr; }
    #welcome { height: auto; margin: 1 2; color: $text-muted; }
    .narrow #evidence { display: none; }
    .narrow.evidence-wanted #evidence { display: block; dock: bottom; width: 100%; max-width: 100%; height: 50%; }
    .evidence-hidden #evidence { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*BINDINGS]
    TITLE = "ragapp"

    def __init__(self, settings: Settings, *, resume: bool = True, reader: Reader | None = None) -> None:
        super().__init__()
        self._settings, self._resume, self._reader = settings, resume, reader
        self._glyphs = glyphs_for(None, ascii_only=settings.ascii)
        self.state = ChatState()
        self._app: RagApp | None = None
        self._conversation: int | None = None
        self._asked = 0
        self._cancelled = threading.Event()
        self._ingest_cancelled = threading.Event()
        self._ingesting = False
        self._answers_now = False
        self._theme = checked_theme(settings.theme, self.available_themes)
        self.set_keymap(checked_keymap(settings.keys))

    def compose(self) -> ComposeResult:
        """Lay out the conversation, the evidence, the prompt, the status and the keys."""
        with Horizontal(id="main"):
            with Vertical(id="talk"):
                yield Static(Content(WELCOME), markup=False, id="welcome")
                yield Transcript(self._glyphs)
            yield EvidencePane(self._glyphs)
        yield Prompt()
        yield StatusLine()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Show the first picture, then load behind it."""
        self.theme = self._theme
        self._status.tell(phase="opening the index …")
        self.query_one(Prompt).focus()
        self._fit()
        self._off_thread(engine.open_and_load, self._settings, self._reader)

    def on_unmount(self) -> None:
        """Stop what runs and close the index."""
        self._cancelled.set()
        self._ingest_cancelled.set()
        if self._app:
            self._app.close()

    def on_resize(self) -> None:
        """Give the evidence a place that there is room for."""
        self._fit()

    # What the engine tells

    def on_opened(self, message: Opened) -> None:
        """Show the last conversation while the models load."""
        self._app = message.app
        self._status.tell(phase="loading the models …", collection=one_line(self._settings.collection))
        self.query_one(Prompt).remember(library.past_questions(message.app))
        listed = message.app.index.conversations.all()
        if self._resume and listed and self.state == ChatState():
            self._restore(message.app, listed[0].id)
        self._show()

    def on_loaded(self, message: Loaded) -> None:
        """Answer what was asked in the meantime."""
        self._answers_now = True
        self._status.tell(phase="", documents=f"{message.documents} documents")
        if self.state.busy:
            self._answer()

    def on_not_opened(self, message: NotOpened) -> None:
        """Say what keeps questions from being answered."""
        self._status.tell(phase=f"{one_line(message.what)}  try: {one_line(message.hint)}")

    def on_happened(self, message: Happened) -> None:
        """Fold what happened; what comes late of a question that was cancelled is dropped."""
        if message.number != self._asked:
            return
        self.state = self.state.happen(message.event)
        if not self.state.busy:
            self.state = self.state.next()
            if self.state.busy:
                self._answer()
        self._show()

    def on_looked(self, message: Looked) -> None:
        """Show the copy attention where the answer is being looked into."""
        if isinstance(self.screen, InspectScreen):
            self.screen.show_attention(message.answer, message.words)

    def on_file_taken(self, message: FileTaken) -> None:
        """Tell how far the job is, and of a file that failed."""
        self._status.tell(ingest=f"taking in {message.done}/{message.files}")
        if message.file.status == "failed":
            told = f"{one_line(message.file.detail)}\n{one_line(message.file.hint)}".strip()
            self.notify(told, title=one_line(message.file.name), severity="error", markup=False)

    def on_ingest_ended(self, message: IngestEnded) -> None:
        """Tell what the job did."""
        self._ingesting = False
        report = message.report
        if report is None:
            told = f"{one_line(message.error)} {one_line(message.hint)}".strip()
            self.notify(told, severity="warning", markup=False)
        else:
            told = (
                f"{report.added} added, {report.changed} changed, {report.unchanged} unchanged, {report.failed} failed"
            )
            self.notify(told, title="documents taken in", markup=False)
        self._status.tell(ingest="", documents=f"{len(library.documents(self._app)) if self._app else 0} documents")

    # What the person does

    def on_prompt_sent(self, message: Prompt.Sent) -> None:
        """Ask, at once or behind the question that is being answered."""
        self._ask(message.text)

    def on_evidence_pane_wanted(self, message: EvidencePane.Wanted) -> None:
        """Show, open or copy a row of the evidence."""
        row = message.row
        if message.action == "passage":
            self._open(row)
        elif message.action == "open":
            self.notify(open_file(Path(row.document)), markup=False)
        else:
            place = " · ".join(part for part in (row.document, row.place) if part)
            self.notify(copy_text(f"“{row.quote}”\n— {place}\n", self.copy_to_clipboard), markup=False)

    def action_cancel(self) -> None:
        """Stop the answer, else the ingest job, else go back to the prompt."""
        if self.state.busy:
            self._cancelled.set()
            prompt, waiting = self.query_one(Prompt), self.state.queued
            self.state = self.state.cancel()
            prompt.text = "\n".join([*waiting, prompt.text]).strip()
            self._show()
        elif self._ingesting and not self._ingest_cancelled.is_set():
            self._ingest_cancelled.set()
            self._status.tell(ingest="stopping …")
        else:
            self.query_one(Prompt).focus()

    def action_again(self) -> None:
        """Ask the last question again."""
        if self.state.turns and not self.state.busy:
            self._ask(self.state.turns[-1].question)

    def action_new(self) -> None:
        """Begin a new conversation."""
        if self.state.busy:
            self.action_cancel()
        self._conversation, self.state = None, ChatState()
        self.query_one(Transcript).clear()
        self._show()

    def action_conversations(self) -> None:
        """Choose among the conversations."""
        if self._app:
            self.push_screen(ConversationsScreen(self._app.index.conversations), self._chosen)

    def action_add(self) -> None:
        """Ask for a file or folder and take it in behind the conversation."""
        if self._app and not self._ingesting:
            title = "A file or folder to take in (the samples that come with ragapp stand here at first)"
            self.push_screen(LineScreen(title, "" if library.documents(self._app) else str(_SAMPLES)), self._take_in)

    def action_evidence(self) -> None:
        """Show or hide the evidence; where there is no room beside the conversation, in its lower half."""
        narrow = self.screen.has_class("narrow")
        self.screen.toggle_class("evidence-wanted" if narrow else "evidence-hidden")
        pane = self.query_one(EvidencePane)
        (pane if pane.display and self.focused is not pane else self.query_one(Prompt)).focus()

    def action_citation(self, number: int) -> None:
        """Open the nth citation of the last answer."""
        row = next((row for row in self.query_one(EvidencePane).rows if row.number == number), None)
        if row:
            self._open(row)

    def action_inspect(self) -> None:
        """Show why the last answer was given."""
        if self._answered:
            self.push_screen(InspectScreen(self._answered[-1]))
            if self._app and self._answers_now:
                self._off_thread(engine.attention, self._app, self._answered[-1])

    def action_help(self) -> None:
        """Show or hide the keys that work where one is."""
        if self.screen.query(HelpPanel):
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()

    def action_older(self) -> None:
        """Scroll back, and bring older turns to the screen when at the top."""
        transcript = self.query_one(Transcript)
        if transcript.scroll_y == 0:
            transcript.show_older(self.state)
        transcript.scroll_page_up()

    def action_copy_answer(self) -> None:
        """Copy the last answer with its quotes."""
        if self._answered:
            answer = self._answered[-1]
            quotes = [f"“{citation.quote}” — {citation.document}" for citation in answer.citations]
            self.notify(copy_text("\n".join([answer.text, *quotes]) + "\n", self.copy_to_clipboard), markup=False)

    def action_leave(self) -> None:
        """Quit, if nothing is typed; else do what the key does in a text field."""
        prompt = self.query_one(Prompt)
        if prompt.text and self.focused is prompt:
            prompt.action_delete_right()
        else:
            self.exit()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer every action in the palette."""
        yield from super().get_system_commands(screen)
        for binding in BINDINGS:
            if binding.id and not binding.action.startswith("citation"):
                yield SystemCommand(binding.description, f"key {binding.key}", partial(self.run_action, binding.action))
        yield SystemCommand("Export", "write this conversation to a file", self.action_export)

    def action_export(self) -> None:
        """Write the conversation to a file."""
        if self._answered:
            self.push_screen(LineScreen("A file to write: .md, .html or .json", "conversation.md"), self._export)

    # How it is done

    @property
    def _status(self) -> StatusLine:
        return self.query_one(StatusLine)

    @property
    def _answered(self) -> list[Answer]:
        return [turn.answer.answer for turn in self.state.turns if turn.answer.answer]

    def _off_thread(self, work: Callable[..., None], *arguments: object) -> None:
        self.run_worker(partial(work, *arguments, self.post_message), thread=True, exit_on_error=True)

    def _ask(self, question: str) -> None:
        was_busy = self.state.busy
        self.state = self.state.ask(question)
        if not was_busy and self._answers_now:
            self._answer()
        self._show()

    def _answer(self) -> None:
        app, question = self._app, self.state.turns[-1].question
        if app is None:
            return
        if self._conversation is None:
            title = one_line(question)[:_TITLE_CHARS]
            self._conversation = app.index.conversations.create(self._settings.collection, title)
        self._asked += 1
        self._cancelled = threading.Event()
        self._off_thread(engine.answer, app, question, self._conversation, self._asked, self._cancelled)

    def _show(self) -> None:
        self.query_one("#welcome").display = not self.state.turns
        self.query_one(Transcript).show(self.state)
        if self.state.turns:
            answer = self.state.turns[-1].answer
            self.query_one(EvidencePane).show(evidence(answer.answer, answer.citations))
        else:
            self.query_one(EvidencePane).show(())
        waiting = len(self.state.queued)
        self._status.tell(queue=f"{waiting} waiting" if waiting else "")

    def _restore(self, app: RagApp, conversation: int) -> None:
        self._conversation = conversation
        self.query_one(Transcript).clear()
        self.state = library.stored(app, conversation)
        self._show()

    def _open(self, row: Evidence) -> None:
        self.push_screen(PassageScreen(row, library.text_of(self._app, row) if self._app else None))

    def _chosen(self, choice: Choice | None) -> None:
        app = self._app
        if choice is None or app is None:
            return
        conversations, chosen = app.index.conversations, choice.conversation
        if choice.action == "resume":
            self._restore(app, chosen.id)
        elif choice.action == "delete":
            conversations.delete(chosen.id)
            if chosen.id == self._conversation:
                self.action_new()
            self.notify(f"deleted: {one_line(chosen.title)}", markup=False)
        elif choice.action == "rename":
            rename = LineScreen("The conversation's title", chosen.title)
            self.push_screen(rename, partial(self._rename, chosen.id))
        else:
            self._restore(app, chosen.id)
            self.action_export()

    def _rename(self, conversation: int, title: str | None) -> None:
        if title and self._app:
            self._app.index.conversations.rename(conversation, title)

    def _export(self, name: str | None) -> None:
        from ragapp.transcripts import export

        if name is None:
            return
        path = Path(name).expanduser()
        try:
            export(self._answered[0].question, self._answered, path)
            self.notify(f"written: {path}", markup=False)
        except RagappError as error:
            self.notify(f"{error.message} {error.hint}", severity="error", markup=False)

    def _take_in(self, name: str | None) -> None:
        if name and self._app:
            self._ingesting = True
            self._ingest_cancelled = threading.Event()
            self._status.tell(ingest="looking for files …")
            self._off_thread(engine.take_in, self._app, Path(name).expanduser(), self._ingest_cancelled)

    def _fit(self) -> None:
        self.screen.set_class(self.size.width < _NARROW, "narrow")
