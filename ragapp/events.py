"""What happens while a question is answered, as typed events, and the pure fold that every skin shows.

The core yields events; the command line, the terminal app and ``--json`` fold them with `AnswerState.apply` and differ
only in how they draw the state.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from ragapp.answers import Answer, Citation
from ragapp.errors import ExitCode
from ragapp.grounding.answer_check import ClaimVerdict
from ragapp.indexes.types import ScoredPassage


@dataclass(frozen=True, slots=True)
class RetrievalStarted:
    """The question was taken; the index is being searched."""

    question: str
    type: Literal["retrieval_started"] = "retrieval_started"


@dataclass(frozen=True, slots=True)
class PassagesFound:
    """Retrieval is done; the reader begins."""

    passages: tuple[ScoredPassage, ...]
    type: Literal["passages_found"] = "passages_found"


@dataclass(frozen=True, slots=True)
class TokenDelta:
    """The next piece of the answer's text."""

    text: str
    type: Literal["token_delta"] = "token_delta"


@dataclass(frozen=True, slots=True)
class SpanResolved:
    """The answer's next citation; its number, from 1, never changes."""

    number: int
    citation: Citation
    type: Literal["span_resolved"] = "span_resolved"


@dataclass(frozen=True, slots=True)
class Abstained:
    """The documents are held not to answer; the passages found are the nearest there is."""

    confidence: float
    type: Literal["abstained"] = "abstained"


@dataclass(frozen=True, slots=True)
class GroundingChecked:
    """Each claim of the answer was judged by the passages it cites; comes once, after the citations."""

    verdicts: tuple[ClaimVerdict, ...]
    type: Literal["grounding_checked"] = "grounding_checked"


@dataclass(frozen=True, slots=True)
class AnswerDone:
    """The whole answer; nothing follows."""

    answer: Answer
    type: Literal["answer_done"] = "answer_done"


@dataclass(frozen=True, slots=True)
class Failed:
    """The question could not be answered; what happened and what to type next. Nothing follows."""

    message: str
    hint: str
    exit_code: ExitCode = ExitCode.FAILED
    type: Literal["failed"] = "failed"


Event = (
    RetrievalStarted | PassagesFound | TokenDelta | SpanResolved | Abstained | GroundingChecked | AnswerDone | Failed
)
"""One thing that happened while a question was answered, told apart by ``type``."""

Phase = Literal["idle", "retrieving", "reading", "done", "failed"]


@dataclass(frozen=True, slots=True)
class AnswerState:
    """What a skin shows of one question; every prefix of its events gives a state that can be shown.

    Attributes:
        phase: What is going on.
        question: The question.
        text: The answer so far; empty while abstained.
        citations: Resolved citations; number n is at index n - 1.
        passages: What retrieval found.
        abstained: Whether the documents are held not to answer.
        confidence: The answer's confidence, once known.
        grounding: What the checker holds of the answer's claims, once known.
        answer: The whole answer, once done.
        error: What failed.
        hint: What to type next.
    """

    phase: Phase = "idle"
    question: str = ""
    text: str = ""
    citations: tuple[Citation, ...] = ()
    passages: tuple[ScoredPassage, ...] = ()
    abstained: bool = False
    confidence: float | None = None
    grounding: tuple[ClaimVerdict, ...] = ()
    answer: Answer | None = field(default=None)
    error: str = ""
    hint: str = ""

    def apply(self, event: Event) -> AnswerState:
        """Fold one event into the state.

        Args:
            event: What happened.

        Returns:
            The next state; this one stays as it is.
        """
        match event:
            case RetrievalStarted(question=question):
                return AnswerState(phase="retrieving", question=question)
            case PassagesFound(passages=passages):
                return replace(self, phase="reading", passages=passages)
            case TokenDelta(text=text):
                return replace(self, text=self.text + text)
            case SpanResolved(citation=citation):
                return replace(self, citations=(*self.citations, citation))
            case Abstained(confidence=confidence):
                return replace(self, abstained=True, confidence=confidence)
            case GroundingChecked(verdicts=verdicts):
                return replace(self, grounding=verdicts)
            case AnswerDone(answer=answer):
                return replace(self, phase="done", answer=answer, confidence=answer.confidence)
            case Failed(message=message, hint=hint):
                return replace(self, phase="failed", error=message, hint=hint)
