"""What the conversation looks like: a pure fold of what happened, from which everything on the screen is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from ragapp.answers import Answer
from ragapp.events import AnswerDone, AnswerState, Event, Failed
from ragapp.indexes.types import SearchFilter, tag_name

TurnStatus = Literal["running", "done", "cancelled", "failed"]


class Scope(NamedTuple):
    """Where answers may come from."""

    documents: tuple[str, ...] = ()
    """Names of the only documents to look into, in the order chosen; empty for all."""
    glob: str = ""
    """Shell pattern over the documents' names; empty for all."""
    pinned: tuple[int, ...] = ()
    """Ids of passages to read whatever the question."""
    without: tuple[int, ...] = ()
    """Ids of passages to leave out."""
    tags: tuple[str, ...] = ()
    """Tags of which a document has one; empty for all."""

    @property
    def where(self) -> SearchFilter:
        """Give the filter for retrieval."""
        return SearchFilter(
            self.glob or None,
            documents=frozenset(self.documents),
            without=frozenset(self.without),
            tags=frozenset(self.tags),
        )

    def looking_into(self, name: str) -> Scope:
        """Give the scope with a document more, or, where it begins with ``#``, with a tag more.

        Raises:
            ConfigError: If that cannot be a tag.
        """
        if name.startswith("#"):
            return self._replace(tags=tuple(dict.fromkeys((*self.tags, tag_name(name)))))
        return self._replace(documents=tuple(dict.fromkeys((*self.documents, name))))

    def wider(self) -> Scope:
        """Give the scope without what was added to it last, by kind."""
        if self.without:
            return self._replace(without=self.without[:-1])
        if self.pinned:
            return self._replace(pinned=self.pinned[:-1])
        if self.glob:
            return self._replace(glob="")
        if self.tags:
            return self._replace(tags=self.tags[:-1])
        return self._replace(documents=self.documents[:-1])

    @property
    def narrow(self) -> bool:
        """Whether there are documents that are not looked into."""
        return bool(self.documents or self.glob or self.tags)


EVERYWHERE = Scope()


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

    def _last(self, turn: TurnState) -> ChatState:
        return replace(self, turns=(*self.turns[:-1], turn))


def restored(answers: Sequence[Answer], versions: dict[str, int]) -> ChatState:
    """Build the state of a stored conversation.

    Args:
        answers: Its answers, oldest first.
        versions: Current version of each document by name.

    Returns:
        Its turns, all done, each with the cited documents that are no longer what they were.
    """
    turns: list[TurnState] = []
    for answer in answers:
        state = AnswerState().apply(AnswerDone(answer))
        state = replace(
            state,
            question=answer.question,
            text="" if answer.abstained else answer.text,
            citations=answer.citations,
            passages=answer.passages,
            abstained=answer.abstained,
            grounding=answer.grounding,
        )
        stale = dict.fromkeys(c.document for c in answer.citations if versions.get(c.document) != c.version)
        asked, scope = answer.conditions, EVERYWHERE
        if asked:
            scope = Scope(
                tuple(sorted(asked.where.documents)),
                asked.where.path_glob or "",
                asked.pinned,
                tuple(sorted(asked.where.without)),
                tuple(sorted(asked.where.tags)),
            )
        turns.append(TurnState(answer.question, state, "done", tuple(stale), scope))
    return ChatState(tuple(turns))
