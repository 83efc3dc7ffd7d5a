"""The conversation with its evidence: what is shown of the session, and what is done with its turns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, TypeVar

from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Static

from ragapp.answers import Answer
from ragapp.errors import RagappError
from ragapp.text import one_line, printable
from ragapp.tui import engine, library
from ragapp.tui.commands import BINDINGS
from ragapp.tui.composer import Composer, Prompt
from ragapp.tui.draw import Evidence, evidence, holding, scope_told
from ragapp.tui.editor import edited, open_at
from ragapp.tui.find import FindBar
from ragapp.tui.glyphs import Glyphs
from ragapp.tui.opening import has_desktop, open_file
from ragapp.tui.screens.inspect import InspectScreen
from ragapp.tui.screens.line import LineScreen
from ragapp.tui.screens.passage import PassageScreen
from ragapp.tui.session import Session
from ragapp.tui.state import EVERYWHERE, Scope, TurnState
from ragapp.tui.widgets import ConversationList, EvidencePane, StatusLine, Transcript

T = TypeVar("T")

_MEDIUM, _WIDE = 110, 150
"""Columns from which the evidence has a place of its own, and the conversations as well."""

WELCOME = """\
Ask your own documents. Every answer shows the sentence it stands in; when the documents don't hold it, you are told.

  Ctrl+O  add a file or folder, or the samples of ragapp
  /       everything there is to do
  @       a document to look into
  F1      the keys
"""


class ChatScreen(Screen[None]):
    """Shows a session.

    Args:
        session: The session.
        glyphs: Signs that the terminal can show.
    """

    DEFAULT_CSS = """
    #main { height: 1fr; }
    #talk { width: 3fr; }
    #welcome { height: auto; margin: 1 2; color: $text-muted; }
    ChatScreen.narrow #evidence { display: none; }
    ChatScreen.narrow.evidence-wanted #evidence {
        display: block; dock: bottom; width: 100%; max-width: 100%; height: 50%;
    }
    ChatScreen.evidence-hidden #evidence { display: none; }
    ChatScreen #conversations { display: none; }
    ChatScreen.wide #conversations { display: block; }
    ChatScreen.list-hidden #conversations { display: none; }
    ChatScreen.list-wanted #conversations { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*BINDINGS]
    HORIZONTAL_BREAKPOINTS = [(0, "narrow"), (_MEDIUM, "medium"), (_WIDE, "wide")]  # noqa: RUF012 - as Textual has it

    class Ready(Message):
        """The first picture is there."""

    def __init__(self, session: Session, glyphs: Glyphs) -> None:
        super().__init__()
        self.session, self._glyphs = session, glyphs
        self._chosen: int | None = None
        self._found: list[int] = []

    def compose(self) -> ComposeResult:
        """Lay out the conversations, the conversation, the evidence, the prompt, the status and the keys."""
        with Horizontal(id="main"):
            yield ConversationList()
            with Vertical(id="talk"):
                yield Static(Content(WELCOME), markup=False, id="welcome")
                yield Transcript(self._glyphs)
                yield FindBar()
            yield EvidencePane(self._glyphs)
        yield Composer()
        yield StatusLine()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin at the prompt."""
        self.post_message(self.Ready())
        self.prompt.focus()
        self.prompt.suggest_from(lambda: library.mentions(self.session.app) if self.session.app else ())

    @property
    def prompt(self) -> Prompt:
        """Where questions are typed."""
        return self.query_one(Prompt)

    @property
    def status(self) -> StatusLine:
        """What is going on, on one line."""
        return self.query_one(StatusLine)

    @property
    def chosen(self) -> TurnState | None:
        """The turn that one went to, else the last."""
        turns = self.session.state.turns
        return turns[self._chosen] if self._chosen is not None and self._chosen < len(turns) else self.session.turn

    @property
    def answer(self) -> Answer | None:
        """The answer of the turn chosen; while that has none, the last one there is."""
        turn, answers = self.chosen, self.session.answers
        return (turn.answer.answer if turn else None) or (answers[-1] if answers else None)

    def refresh_session(self, *, another: bool = False) -> None:
        """Draw the session as it is.

        Args:
            another: Whether it is another conversation than was drawn before.
        """
        state, turn = self.session.state, self.chosen
        if another:
            self._choose(None)
            self.query_one(Transcript).clear()
        self.query_one("#welcome").display = not state.turns
        self.query_one(Transcript).show(state)
        rows = evidence(turn.answer.answer, turn.answer.citations) if turn else ()
        self.query_one(EvidencePane).show(rows, self.session.scope.pinned)
        waiting = len(state.queued)
        self.status.tell(queue=f"{waiting} waiting" if waiting else "")
        if self.session.app:
            self.query_one(ConversationList).show(self.session.app.index.conversations.all(), self.session.conversation)

    def tell_scope(self) -> None:
        """Tell what the next question is kept to."""
        scope, app = self.session.scope, self.session.app
        told = scope_told(scope)
        if told and app and scope.narrow:
            count = len(library.names_within(app, scope))
            told += f"   {count} document{'' if count == 1 else 's'}"
        self.query_one(Composer).keep_to(f"{told}   Backspace widens" if told else "")

    def narrow(self, scope: Scope) -> None:
        """Keep the questions from here on to a scope."""
        self.session.scope = scope
        self.tell_scope()
        self.refresh_session()

    def welcome(self, told: Content) -> None:
        """Put something below the welcome."""
        self.query_one("#welcome", Static).update(Content("\n").join([Content(WELCOME), told]))

    # What the widgets tell

    def on_prompt_sent(self, message: Prompt.Sent) -> None:
        """Ask, at once or behind the question that is being answered."""
        self._ask(message.text)

    def on_prompt_mentioned(self, message: Prompt.Mentioned) -> None:
        """Look into a document, or into those with a tag."""
        self.narrow(self.session.scope.looking_into(message.name))

    def on_prompt_widen(self) -> None:
        """Let go of the last thing that the question is kept to."""
        self.narrow(self.session.scope.wider())

    async def on_prompt_help(self) -> None:
        """Show the keys."""
        await self.run_action("app.help")

    def on_prompt_interrupted(self) -> None:
        """Do what Ctrl+C does without a selection."""
        self.app.action_help_quit()

    def on_find_bar_wanted(self, message: FindBar.Wanted) -> None:
        """Go to the next turn that holds the words."""
        state, bar = self.session.state, self.query_one(FindBar)
        self._found = holding(state.turns, message.words, self._glyphs) if message.words else []
        self.query_one(Transcript).find(state, message.words)
        at = self._found.index(self._chosen) if self._chosen in self._found else len(self._found) - 1
        at = (at + message.step) % len(self._found) if self._found else -1
        self._choose(self._found[at] if self._found else None)
        bar.tell(at + 1, len(self._found))

    def on_find_bar_closed(self) -> None:
        """Go back to the prompt."""
        self.query_one(Transcript).find(self.session.state, "")
        self._choose(None)
        self.prompt.focus()

    def on_conversation_list_chosen(self, message: ConversationList.Chosen) -> None:
        """Go on with a conversation."""
        self.session.restore(message.conversation)
        self.refresh_session(another=True)
        self.prompt.focus()

    def on_evidence_pane_wanted(self, message: EvidencePane.Wanted) -> None:
        """Show, open, copy, pin or leave out a row of the evidence."""
        row, scope = message.row, self.session.scope
        if message.action == "passage":
            self._open(row)
        elif message.action == "open":
            self._open_file(Path(row.document), row.line)
        elif message.action == "copy":
            place = " · ".join(part for part in (row.document, row.place) if part)
            self.app.copy_to_clipboard(f"“{row.quote}”\n— {place}\n")
        elif message.action == "pin":
            kept = tuple(id for id in scope.pinned if id != row.passage)
            self.narrow(scope._replace(pinned=kept if row.passage in scope.pinned else (*kept, row.passage)))
        else:
            self.narrow(scope._replace(without=(*scope.without, row.passage)))
            self.action_again()

    # What the person does

    def stop(self) -> None:
        """Stop the answer; else go back to the last turn and the prompt."""
        if self.session.state.busy:
            waiting = self.session.cancel()
            self.prompt.text = "\n".join([*waiting, self.prompt.text]).strip()
            self.refresh_session()
        else:
            self._choose(None)
            self.prompt.focus()

    def action_list(self) -> None:
        """Show or hide the conversations at the left."""
        shown = self.query_one(ConversationList)
        wide, wanted = self.has_class("wide"), not shown.display
        self.set_class(wanted and not wide, "list-wanted")
        self.set_class(not wanted and wide, "list-hidden")
        (shown if wanted else self.prompt).focus()

    def action_scope(self, pattern: str = "") -> None:
        """Keep the questions from here on to documents of these names, or with this ``#tag``; without one, to none."""
        scope = self.session.scope if pattern else EVERYWHERE
        self.narrow(scope.looking_into(pattern) if pattern[:1] == "#" else scope._replace(glob=pattern))

    def action_again(self) -> None:
        """Ask the question of the turn chosen again."""
        turn = self.chosen
        if turn and not self.session.state.busy:
            self._ask(turn.question)

    def action_broaden(self) -> None:
        """Ask the question of the turn chosen again, of all documents."""
        if self.chosen and not self.session.state.busy:
            self.narrow(EVERYWHERE)
            self.action_again()

    def action_edit(self) -> None:
        """Put the question of the turn chosen into the prompt."""
        if self.chosen:
            self.prompt.text = printable(self.chosen.question, keep="\n")
            self.prompt.move_cursor(self.prompt.document.end)
            self.prompt.focus()

    def action_editor(self) -> None:
        """Write the question in an editor."""
        text = self._lend(lambda: edited(self.prompt.text))
        if text is not None:
            self.prompt.text = text
            self.prompt.move_cursor(self.prompt.document.end)

    def action_find(self, words: str = "") -> None:
        """Look for words in the conversation."""
        self.query_one(FindBar).open(words)

    def action_earlier(self) -> None:
        """Go to the turn before."""
        last = len(self.session.state.turns) - 1
        if last >= 0:
            self._choose(max(0, (last if self._chosen is None else self._chosen - 1)))

    def action_later(self) -> None:
        """Go to the turn after; from the last one, to none."""
        if self._chosen is not None:
            after = self._chosen + 1
            self._choose(after if after < len(self.session.state.turns) else None)

    def action_fork(self) -> None:
        """Go on in a new conversation from the turn chosen."""
        turns = self.session.state.turns
        if turns and not self.session.state.busy:
            self.session.fork(1 + (len(turns) - 1 if self._chosen is None else self._chosen))
            self.refresh_session(another=True)
            self.notify("a conversation of its own from here on", markup=False)

    def action_evidence(self) -> None:
        """Show or hide the evidence; where there is no room beside the conversation, in its lower half."""
        self.toggle_class("evidence-wanted" if self.has_class("narrow") else "evidence-hidden")
        pane = self.query_one(EvidencePane)
        (pane if pane.display and self.focused is not pane else self.prompt).focus()

    def action_citation(self, number: int) -> None:
        """Open the nth citation of the turn chosen."""
        row = next((row for row in self.query_one(EvidencePane).rows if row.number == number), None)
        if row:
            self._open(row)

    def action_why(self) -> None:
        """Show how the answer came about."""
        answer, app = self.answer, self.session.app
        if answer:
            self.app.push_screen(InspectScreen(answer))
            if app and self.session.ready:
                self.session.run(engine.attention, app, answer)

    def action_compare(self, changes: str = "") -> None:
        """Answer the question of the turn chosen under other settings."""
        turn, app = self.chosen, self.session.app
        if not changes:
            title = "Settings to answer the last question under, for instance: passages=4 rerank=0"
            self.app.push_screen(LineScreen(title), lambda line: self.action_compare(line) if line else None)
        elif turn and app and self.session.ready:
            self.status.tell(phase="answering it under other settings …")
            self.session.run(engine.compare, app, turn.question, turn.scope, changes)

    def action_copy(self) -> None:
        """Copy the answer with its quotes."""
        if self.answer:
            quotes = [f"“{citation.quote}” — {citation.document}" for citation in self.answer.citations]
            self.app.copy_to_clipboard("\n".join([self.answer.text, *quotes]) + "\n")

    def action_good(self) -> None:
        """Keep the question with its answer as a case for ``ragapp eval``."""
        if answer := self.answer:
            self._keep(answer, "" if answer.abstained else answer.text)

    def action_bad(self, right: str | None = None) -> None:
        """Keep the question with the right answer as a case for ``ragapp eval``."""
        answer = self.answer
        if answer and right:
            self._keep(answer, right)
        elif answer:
            title = f"The right answer to “{one_line(answer.question)}” (- if the documents don't hold it)"
            self.app.push_screen(LineScreen(title), lambda line: self.action_bad(line) if line else None)

    def action_older(self) -> None:
        """Scroll back, and bring older turns to the screen when at the top."""
        transcript = self.query_one(Transcript)
        if transcript.scroll_y == 0:
            transcript.show_older(self.session.state)
        transcript.scroll_page_up()

    # How it is done

    def _ask(self, question: str) -> None:
        self._choose(None)
        self.session.ask(question)
        self.tell_scope()
        self.refresh_session()

    def _choose(self, turn: int | None) -> None:
        self._chosen = turn
        self.query_one(Transcript).choose(self.session.state, turn)
        if turn is not None:
            self.refresh_session()

    def _lend(self, work: Callable[[], T]) -> T | None:
        """Lend the terminal to an editor; nothing if that cannot be."""
        try:
            with self.app.suspend():
                return work()
        except SuspendNotSupported:
            self.notify("This terminal cannot be lent to an editor.", severity="warning", markup=False)
        except RagappError as error:
            self.notify(f"{error.message} {error.hint}", severity="error", markup=False)
        return None

    def _open_file(self, path: Path, line: int | None) -> None:
        """Open a file on the desktop; where there is none, in the editor at its line."""
        if has_desktop() or line is None or not path.is_file():
            self.notify(open_file(path), markup=False)
        else:
            self._lend(lambda: open_at(path, line))

    def _open(self, row: Evidence) -> None:
        app = self.session.app
        self.app.push_screen(PassageScreen(row, library.text_of(app, row) if app else None))

    def _keep(self, answer: Answer, right: str) -> None:
        app = self.session.app
        if app:
            nowhere = right in {"", "-"}
            document = answer.citations[0].document if answer.citations and not nowhere else ""
            path = library.keep_case(app, answer.understood_as, "" if nowhere else right, document)
            self.notify(f"kept for: ragapp eval run --data {path}", markup=False)
