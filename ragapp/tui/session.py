"""The conversation in use: what is asked, answered, cancelled and stored; the widgets only show it."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from ragapp.text import one_line
from ragapp.tui import engine, library
from ragapp.tui.job import Run
from ragapp.tui.messages import Happened
from ragapp.tui.scope import EVERYWHERE, Scope
from ragapp.tui.state import ChatState, TurnState

if TYPE_CHECKING:
    from ragapp.answers import Answer
    from ragapp.app import RagApp

_TITLE_CHARS = 80


class Session:
    """One conversation at a time, over one index.

    Args:
        collection: Name of the collection.
        run: Runs work elsewhere; what it has to tell comes back as messages.
    """

    def __init__(self, collection: str, run: Run) -> None:
        self._collection, self.run = collection, run
        self.app: RagApp | None = None
        self.state = ChatState()
        self.scope = EVERYWHERE
        self.conversation: int | None = None
        self._ready = False
        self._number = 0
        self._cancelled = threading.Event()

    @property
    def ready(self) -> bool:
        """Whether the models are loaded and a question will be answered at once."""
        return self._ready

    @property
    def turn(self) -> TurnState | None:
        """The last turn, if there is one."""
        return self.state.turns[-1] if self.state.turns else None

    @property
    def answers(self) -> list[Answer]:
        """The answers of the conversation, oldest first."""
        return [turn.answer.answer for turn in self.state.turns if turn.answer.answer]

    def wait(self) -> None:
        """Leave what is asked from here on until models are loaded."""
        self._ready = False

    def loaded(self) -> None:
        """Answer what was asked while the models loaded."""
        self._ready = True
        if self.state.busy:
            self._answer()

    def ask(self, question: str, scope: Scope | None = None) -> None:
        """Ask, at once or behind the question that is being answered.

        Args:
            question: The question.
            scope: Where the answer may come from; by default where the conversation looks. Passages pinned for it are
                pinned no longer.
        """
        was_busy = self.state.busy
        self.state = self.state.ask(question, self.scope if scope is None else scope)
        self.scope = self.scope._replace(pinned=())
        if not was_busy and self._ready:
            self._answer()

    def happened(self, message: Happened) -> bool:
        """Fold what happened; what comes late of a question that was cancelled is dropped.

        Returns:
            Whether anything changed.
        """
        if message.number != self._number:
            return False
        self.state = self.state.happen(message.event)
        if not self.state.busy:
            self.state = self.state.next()
            if self.state.busy:
                self._answer()
        return True

    def cancel(self) -> list[str]:
        """Stop the question being answered.

        Returns:
            The questions that waited behind it.
        """
        self._cancelled.set()
        waiting = [asked.question for asked in self.state.queued]
        self.state = self.state.cancel()
        return waiting

    def new(self) -> None:
        """Begin a conversation."""
        self.cancel()
        self.conversation, self.state = None, ChatState()

    def restore(self, conversation: int) -> None:
        """Go on with a stored conversation."""
        if self.app:
            self.cancel()
            self.conversation, self.state = conversation, library.stored(self.app, conversation)

    def outdated(self) -> bool:
        """Tell whether the index changed since the last answer; then mark what of the documents cited did."""
        app, answers = self.app, self.answers
        if app is None or not answers or not library.outdated(app, answers[-1]):
            return False
        asked = {turn.scope.collection for turn in self.state.turns}
        self.state = self.state.compared(library.versions(app, asked), app.settings.collection)
        return True

    def fork(self, turns: int) -> None:
        """Go on in a new conversation with the first turns of this one.

        Args:
            turns: How many.
        """
        if self.app:
            kept = self.state.turns[:turns]
            answers = [turn.answer.answer for turn in kept if turn.answer.answer]
            self.conversation = library.copied(self.app, self._title(kept[0].question), answers)
            self.state = replace(self.state, turns=kept)

    def _answer(self) -> None:
        app, turn = self.app, self.turn
        if app is None or turn is None:
            return
        if self.conversation is None:
            self.conversation = app.index.conversations.create(self._collection, self._title(turn.question))
        self._number += 1
        self._cancelled = threading.Event()
        self.run(engine.answer, app, turn.question, turn.scope, self.conversation, self._number, self._cancelled)

    def _title(self, question: str) -> str:
        return one_line(question)[:_TITLE_CHARS]
