"""What the workers tell the application; each carries all that is needed to draw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from textual.message import Message

if TYPE_CHECKING:
    from ragapp.answers import Answer
    from ragapp.app import RagApp
    from ragapp.doctor import Check
    from ragapp.events import Event
    from ragapp.ingest.events import FileDone, JobReport


@dataclass
class Opened(Message):
    """The index is open and can be looked into; the models are not loaded yet."""

    app: RagApp


@dataclass
class Loaded(Message):
    """The models are loaded; a question will be answered at once."""

    documents: int


@dataclass
class NotOpened(Message):
    """The index or a model cannot be used."""

    what: str
    hint: str


@dataclass
class Happened(Message):
    """Something happened while the question of that number was answered."""

    number: int
    event: Event


@dataclass
class Ingesting(Message):
    """The ingest job went on: how far it is, and the file that was dealt with, if one was."""

    done: int
    files: int
    done_bytes: int
    all_bytes: int
    passages: int
    file: FileDone | None


@dataclass
class IngestEnded(Message):
    """The ingest job is over, or could not run: then there is an error and no report."""

    report: JobReport | None
    error: str = ""
    hint: str = ""


@dataclass
class Checked(Message):
    """What works here and what does not, and whether someone asked."""

    checks: tuple[Check, ...]
    asked: bool


@dataclass
class Compared(Message):
    """A question was answered under other settings, or could not be: then there is an error and no answer."""

    settings: str
    answer: Answer | None
    error: str = ""
    hint: str = ""


@dataclass
class ReaderChanged(Message):
    """Another reader answers from here on, or cannot: then there is an error and no app."""

    name: str
    app: RagApp | None
    error: str = ""
    hint: str = ""


@dataclass
class Evaluating(Message):
    """The evaluation went on: questions done, those of them asked since it was started, and all there are."""

    done: int
    asked: int
    questions: int


class EvalFigure(NamedTuple):
    """A figure with its 95 % interval, in percent, and how many questions it concerns."""

    title: str
    percent: float
    low: float
    high: float
    questions: int


class EvalGate(NamedTuple):
    """A gate, and the sentence that tells how it was missed; empty if it was passed."""

    gate: str
    missed: str


class EvalFound(NamedTuple):
    """What an evaluation found."""

    run: str
    """Its name in the catalog."""
    commands: tuple[str, ...]
    """What to type to see more of it."""
    dataset: str
    """Which questions, and how many."""
    judge: str
    figures: tuple[EvalFigure, ...]
    gates: tuple[EvalGate, ...]


@dataclass
class EvalEnded(Message):
    """The evaluation is over, or could not run: then there is an error and nothing found."""

    found: EvalFound | None
    error: str = ""
    hint: str = ""


class LookedAt(NamedTuple):
    """A word of the passage of that rank, and its share of the copy attention, 0 to 1."""

    rank: int
    word: str
    weight: float


@dataclass
class Looked(Message):
    """What the reader looked at while it copied an answer."""

    answer: Answer
    words: tuple[LookedAt, ...]
