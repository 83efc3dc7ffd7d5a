"""What is done with the conversation: its turns, its evidence, its prompt."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, TypeVar

from textual.app import SuspendNotSupported
from textual.binding import BindingType

from ragapp.answers import Answer
from ragapp.errors import RagappError
from ragapp.text import one_line, printable
from ragapp.tui import engine, library
from ragapp.tui.commands import BINDINGS
from ragapp.tui.composer import Prompt, ScopeLine
from ragapp.tui.draw import NOT_HELD, Evidence, holding
from ragapp.tui.editor import edited, open_at
from ragapp.tui.find import FindBar
from ragapp.tui.glyphs import Glyphs
from ragapp.tui.opening import has_desktop, open_file
from ragapp.tui.scope import EVERYWHERE
from ragapp.tui.screens.conversation import ConversationScreen
from ragapp.tui.screens.inspect import InspectScreen
from ragapp.tui.screens.line import LineScreen
from ragapp.tui.screens.passage import PassageScreen
from ragapp.tui.session import Session
from ragapp.tui.widgets import ConversationList, EvidencePane, Transcript, TurnView

T = TypeVar("T")


class ChatScreen(ConversationScreen):
    """A conversation and what is done with it.

    Args:
        session: The session.
        glyphs: Signs that the terminal can show.
        keys: Keys of the settings, checked, by binding.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*BINDINGS]

    def __init__(self, session: Session, glyphs: Glyphs, keys: Mapping[str, str]) -> None:
        super().__init__(session, glyphs, keys)
        self._found: list[int] = []

    # What the widgets tell

    def on_prompt_sent(self, message: Prompt.Sent) -> None:
        """Ask, at once or behind the question that is being answered."""
        self._ask(message.text)

    def on_prompt_mentioned(self, message: Prompt.Mentioned) -> None:
        """Look into a document, a collection, or the documents of a tag or kind."""
        self.narrow(self.session.scope.looking_into(message.name))

    def on_prompt_widen(self) -> None:
        """Let go of the last thing that the question is kept to."""
        self.narrow(self.session.scope.wider())

    def on_scope_line_let_go(self, message: ScopeLine.LetGo) -> None:
        """Let go of what was clicked on."""
        self.narrow(self.session.scope.chips[message.chip].without)

    def on_prompt_paged(self, message: Prompt.Paged) -> None:
        """Scroll the conversation from the prompt."""
        (self.action_older if message.pages < 0 else self.action_newer)()

    def on_turn_view_clicked(self, message: TurnView.Clicked) -> None:
        """Go to the turn that was clicked on, and do what stands there: open a citation, copy the answer, fold it."""
        self.choose(self.query_one(Transcript).number(message.view))
        if message.citation is not None:
            self.action_citation(message.citation)
        elif message.on_copy:
            self.action_copy()
        elif message.on_question:
            self.action_fold()

    async def on_prompt_help(self) -> None:
        """Show the keys."""
        await self.run_action("app.help")

    def on_prompt_interrupted(self) -> None:
        """Do what Ctrl+C does without a selection."""
        self.app.action_help_quit()

    def on_find_bar_wanted(self, message: FindBar.Wanted) -> None:
        """Go to the next turn that holds the words."""
        state, bar = self.session.state, self.query_one(FindBar)
        self._found = holding(state.turns, message.words, self.glyphs) if message.words else []
        transcript = self.query_one(Transcript)
        transcript.find(state, message.words)
        at = self._found.index(self.at) if self.at in self._found else len(self._found) - 1
        at = (at + message.step) % len(self._found) if self._found else -1
        self.choose(self._found[at] if self._found else None)
        if self.at is not None and transcript.is_folded(self.at):
            transcript.fold(state, self.at)
        bar.tell(at + 1, len(self._found))

    def on_find_bar_closed(self) -> None:
        """Go back to the prompt."""
        self.query_one(Transcript).find(self.session.state, "")
        self.choose(None)
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
        """Stop the answer; else go back to the last turn and the prompt, from evidence that covers them, too."""
        if self.session.state.busy:
            waiting = self.session.cancel()
            self.prompt.text = "\n".join([*waiting, self.prompt.text]).strip()
            self.refresh_session()
        else:
            self._uncover()
            self.choose(None)
            self.prompt.focus()

    def action_list(self) -> None:
        """Show or hide the conversations at the left."""
        shown = self.query_one(ConversationList)
        wide, wanted = self.has_class("wide"), not shown.display
        self.set_class(wanted and not wide, "list-wanted")
        self.set_class(not wanted and wide, "list-hidden")
        (shown if wanted else self.prompt).focus()

    def action_scope(self, pattern: str = "") -> None:
        """Keep the questions from here on to some documents, see `Scope.kept_to`; without a pattern, to all of them."""
        try:
            self.narrow(self.session.scope.kept_to(pattern) if pattern else EVERYWHERE)
        except RagappError as error:
            self.notify(f"{error.message} {error.hint}", severity="error", markup=False)

    def action_again(self) -> None:
        """Ask the question of the turn chosen again."""
        turn = self.chosen
        if turn and not self.session.state.busy:
            self._ask(turn.question)

    def action_broaden(self) -> None:
        """Ask the question of the turn chosen again, of all documents."""
        if self.chosen and not self.session.state.busy:
            self.narrow(self.session.scope.widest)
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
            self.choose(max(0, (last if self.at is None else self.at - 1)))

    def action_later(self) -> None:
        """Go to the turn after; from the last one, to none."""
        if self.at is not None:
            after = self.at + 1
            self.choose(after if after < len(self.session.state.turns) else None)

    def action_fold(self) -> None:
        """Fold the turn chosen to its question and the first line of its answer, or unfold it."""
        turns = self.session.state.turns
        if turns:
            self.query_one(Transcript).fold(self.session.state, len(turns) - 1 if self.at is None else self.at)

    def action_fork(self) -> None:
        """Go on in a new conversation from the turn chosen."""
        turns = self.session.state.turns
        if turns and not self.session.state.busy:
            self.session.fork(1 + (len(turns) - 1 if self.at is None else self.at))
            self.refresh_session(another=True)
            self.notify("a conversation of its own from here on", markup=False)

    def action_evidence(self) -> None:
        """Show or hide the evidence; where there is no room beside the conversation, in its lower half or over it."""
        beside = self.has_class("medium") or self.has_class("wide")
        self.toggle_class("evidence-hidden" if beside else "evidence-wanted")
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
        """Copy the answer with its quotes; what was not found is not copied as if it were an answer."""
        if answer := self.answer:
            quotes = [f"“{citation.quote}” — {citation.document}" for citation in answer.citations]
            lines = [NOT_HELD] if answer.abstained else [answer.text, *quotes]
            self.app.copy_to_clipboard("\n".join(lines) + "\n")

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
        transcript.release_anchor()
        transcript.scroll_page_up()

    def action_newer(self) -> None:
        """Scroll on, towards the end."""
        self.query_one(Transcript).scroll_page_down()

    def action_newest(self) -> None:
        """Go to the end of the conversation."""
        self.query_one(Transcript).to_end()

    # How it is done

    def _uncover(self) -> None:
        """Put evidence away that covers the conversation."""
        if self.has_class("slim"):
            self.remove_class("evidence-wanted")

    def _ask(self, question: str) -> None:
        self._uncover()
        self.choose(None)
        self.session.ask(question)
        self.tell_scope()
        self.status.tell(index="")
        self.refresh_session()
        self.query_one(Transcript).to_end()

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
            command = library.command_line(app, f"eval run --data {shlex.quote(str(path))}", asks=True)
            self.notify(f"kept for: {command}", markup=False)
