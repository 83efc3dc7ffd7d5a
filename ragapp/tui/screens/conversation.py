"""What is shown of a session: its turns, its evidence, what questions are kept to, and where one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Static

from ragapp.answers import Answer
from ragapp.tui import library
from ragapp.tui.composer import Composer, Prompt, ScopeLine
from ragapp.tui.draw import evidence, scope_told
from ragapp.tui.find import FindBar
from ragapp.tui.glyphs import Glyphs
from ragapp.tui.keys import key_names
from ragapp.tui.scope import Scope
from ragapp.tui.session import Session
from ragapp.tui.state import TurnState
from ragapp.tui.welcome import welcome_told
from ragapp.tui.widgets import Below, ConversationList, EvidencePane, StatusLine, Transcript

if TYPE_CHECKING:
    from ragapp.doctor import Check

_NARROW, _MEDIUM, _WIDE = 80, 110, 150
"""Columns from which the evidence has half the height, a place of its own, and the conversations one as well."""


class ConversationScreen(Screen[None]):
    """Shows a session; `ragapp.tui.screens.chat.ChatScreen` is what is done with it.

    Args:
        session: The session.
        glyphs: Signs that the terminal can show.
        keys: Keys of the settings, checked, by binding.
    """

    DEFAULT_CSS = """
    ConversationScreen:inline { height: 70vh; min-height: 16; }
    #main { height: 1fr; }
    #talk { width: 3fr; layers: base above; }
    #welcome { height: auto; margin: 1 2; color: $text-muted; }
    ConversationScreen.slim #evidence, ConversationScreen.narrow #evidence { display: none; }
    ConversationScreen.slim.evidence-wanted #evidence, ConversationScreen.narrow.evidence-wanted #evidence {
        display: block; dock: bottom; width: 100%; max-width: 100%; height: 50%;
    }
    ConversationScreen.slim.evidence-wanted #evidence { height: 100%; }
    ConversationScreen.evidence-hidden #evidence { display: none; }
    ConversationScreen #conversations { display: none; }
    ConversationScreen.wide #conversations { display: block; }
    ConversationScreen.list-hidden #conversations { display: none; }
    ConversationScreen.list-wanted #conversations { display: block; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "slim"), (_NARROW, "narrow"), (_MEDIUM, "medium"), (_WIDE, "wide")]  # noqa: RUF012 - as Textual has it

    class Ready(Message):
        """The first picture is there."""

    def __init__(self, session: Session, glyphs: Glyphs, keys: Mapping[str, str]) -> None:
        super().__init__()
        self.session, self.glyphs = session, glyphs
        self._keys = key_names(keys)
        self.at: int | None = None
        """The turn that one went to, from 0."""

    def compose(self) -> ComposeResult:
        """Lay out the conversations, the conversation, the evidence, the prompt, the status and the keys."""
        with Horizontal(id="main"):
            yield ConversationList()
            with Vertical(id="talk"):
                yield Static(welcome_told(self._keys, None), markup=False, id="welcome")
                yield Transcript(self.glyphs)
                yield Below(self.glyphs, self._keys["chat.newest"])
                yield FindBar()
            yield EvidencePane(self.glyphs)
        yield Composer()
        yield StatusLine()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin at the prompt."""
        self.post_message(self.Ready())
        self.prompt.focus()
        session = self.session
        self.prompt.suggest_from(lambda: library.mentions(session.app, session.scope) if session.app else ())

    def on_transcript_behind(self, message: Transcript.Behind) -> None:
        """Tell that there is more below, or no longer."""
        self.query_one(Below).display = message.more

    def on_below_wanted(self) -> None:
        """Go to the end."""
        self.query_one(Transcript).to_end()

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
        return turns[self.at] if self.at is not None and self.at < len(turns) else self.session.turn

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
        if another:
            self.at = None
            self.query_one(Transcript).clear()
            self.tell_changes()
        state, turn = self.session.state, self.chosen
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
        counts = app is not None and (scope.narrow or scope.collection)
        count = len(library.names_within(app, scope)) if app and counts else None
        self.query_one(ScopeLine).show(scope_told(scope, count))

    def tell_changes(self) -> None:
        """Tell if the index is no longer what the last answer was taken from."""
        told = f"the index changed: {self._keys['chat.again']} or /again asks again"
        self.status.tell(index=told if self.session.outdated() else "")

    def narrow(self, scope: Scope) -> None:
        """Keep the questions from here on to a scope.

        Raises:
            CollectionNotFound: If it names a collection that is not there; then nothing changes.
        """
        if self.session.app:
            if scope.collection == self.session.app.settings.collection:
                scope = scope._replace(collection="")
            library.names_within(self.session.app, scope)
        self.session.scope = scope
        self.tell_scope()
        self.refresh_session()

    def welcome(self, documents: int, checks: Sequence[Check] = ()) -> None:
        """Say how to begin; see `ragapp.tui.welcome.welcome_told`."""
        self.query_one("#welcome", Static).update(welcome_told(self._keys, documents, checks))

    def choose(self, turn: int | None) -> None:
        """Go to a turn, by its number from 0; to none with nothing."""
        self.at = turn
        self.query_one(Transcript).choose(self.session.state, turn)
        self.refresh_session()
