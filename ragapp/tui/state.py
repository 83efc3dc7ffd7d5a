"""What the conversation looks like: a pure fold of what happened, from which everything on the screen is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from ragapp.answers import Answer
from ragapp.events import AnswerDone, AnswerState, Event, Failed
from ragapp.tui.scope import EVERYWHERE, Scope

TurnStatus = Literal["running", "done", "cancelled", "failed"]
Versions = Mapping[str, Mapping[str, int]]
"""By collection the version that each document has now, by its name."""


class Asked(NamedTuple):
    """A question as it was sent."""

    question: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class TurnState:
    """A question and what is known of its answer.

    Attributes:
        question: The question as typed.
        answer: The fold of its events.
        status: Whether it is being answered, was answered, was cancelled or failed.
        stale: Cited documents that have changed or gone since it was answered.
        scope: Where the answer may come from.
    """

    question: str
    answer: AnswerState = field(default_factory=AnswerState)
    status: TurnStatus = "running"
    stale: tuple[str, ...] = ()
    scope: Scope = EVERYWHERE


@dataclass(frozen=True, slots=True)
class ChatState:
    """The conversation.

    Attributes:
        turns: Its turns, oldest first; only the last can be running.
        queued: Questions that were sent while one was being answered, in the order sent.
    """

    turns: tuple[TurnState, ...] = ()
    queued: tuple[Asked, ...] = ()

    @property
    def busy(self) -> bool:
        """Whether a question is being answered."""
        return bool(self.turns) and self.turns[-1].status == "running"

    def ask(self, question: str, scope: Scope = EVERYWHERE) -> ChatState:
        """Begin a question, or queue it behind the one that is being answered."""
        if self.busy:
            return replace(self, queued=(*self.queued, Asked(question, scope)))
        return replace(self, turns=(*self.turns, TurnState(question, scope=scope)))

    def next(self) -> ChatState:
        """Begin the first queued question, if there is one and nothing is being answered."""
        if self.busy or not self.queued:
            return self
        return replace(self, queued=self.queued[1:]).ask(*self.queued[0])

    def happen(self, event: Event) -> ChatState:
        """Fold an event into the question being answered; what comes after a cancellation is dropped."""
        if not self.busy:
            return self
        turn = self.turns[-1]
        status: TurnStatus = turn.status
        if isinstance(event, AnswerDone):
            status = "done"
        elif isinstance(event, Failed):
            status = "failed"
        return self._last(replace(turn, answer=turn.answer.apply(event), status=status))

    def cancel(self) -> ChatState:
        """Stop the question being answered; what was there stays, queued questions go."""
        if not self.busy:
            return self
        return replace(self._last(replace(self.turns[-1], status="cancelled")), queued=())

    def compared(self, versions: Versions, usual: str) -> ChatState:
        """Mark the cited documents that are no longer what they were.

        Args:
            versions: What the index holds now.
            usual: The collection of turns that name no other.

        Returns:
            The same turns, each with its stale documents.
        """
        turns: list[TurnState] = []
        for turn in self.turns:
            held = versions.get(turn.scope.collection or usual, {})
            cited = turn.answer.answer.citations if turn.answer.answer else ()
            stale = dict.fromkeys(each.document for each in cited if held.get(each.document) != each.version)
            turns.append(replace(turn, stale=tuple(stale)))
        return replace(self, turns=tuple(turns))

    def _last(self, turn: TurnState) -> ChatState:
        return replace(self, turns=(*self.turns[:-1], turn))


def finished(answer: Answer, scope: Scope = EVERYWHERE) -> TurnState:
    """Give the turn of a stored answer.

    Args:
        answer: The answer.
        scope: Where it was allowed to come from.

    Returns:
        The turn, done.
    """
    state = replace(
        AnswerState().apply(AnswerDone(answer)),
        question=answer.question,
        text="" if answer.abstained else answer.text,
        citations=answer.citations,
        passages=answer.passages,
        abstained=answer.abstained,
        grounding=answer.grounding,
    )
    return TurnState(answer.question, state, "done", scope=scope)


def restored(answers: Sequence[Answer], versions: Versions, usual: str) -> ChatState:
    """Build the state of a stored conversation.

    Args:
        answers: Its answers, oldest first.
        versions: What the index holds now.
        usual: The collection that was opened.

    Returns:
        Its turns, all done, each with the cited documents that are no longer what they were.
    """
    turns = [
        finished(answer, Scope.of(answer.conditions, usual) if answer.conditions else EVERYWHERE) for answer in answers
    ]
    return ChatState(tuple(turns)).compared(versions, usual)
