"""The evaluation beside the conversation: which questions, how far it is, and what it found.

It is a usual run of `ragapp.evals`: the same as ``ragapp eval run`` makes with the same questions and settings, in the
same place, so that either goes on where the other was stopped.
"""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from textual.content import Content

from ragapp.errors import ConfigError, RagappError
from ragapp.text import one_line
from ragapp.tui.job import Job, Run, time_left
from ragapp.tui.library import command_line
from ragapp.tui.messages import EvalEnded, EvalFigure, EvalFound, EvalGate, Evaluating

if TYPE_CHECKING:
    from textual.message import Message

    from ragapp.app import RagApp
    from ragapp.evals.gates import Gate
    from ragapp.evals.store import RunFolder

SAMPLES = "samples"
"""What is typed for the built-in suite."""
_SHOWN = ("answered", "f1", "wrong", "hallucination", "citation_recall", "citation_precision")
"""Figures that say whether answers can be relied on; ``ragapp eval show`` has the others."""
_SEED = 0
_TITLE = 34
"""Cells for the name of a figure."""


class Asked(NamedTuple):
    """What is to be evaluated: a file of questions, nothing for the built-in suite; and the gates as typed."""

    data: Path | None
    gates: tuple[str, ...]


def parse(typed: str, judged: Path) -> Asked:
    """Read what was typed after the command.

    Args:
        typed: A file or ``samples``, and gates such as ``f1=70``, in any order; without a file, what was judged.
        judged: The file of what was judged in the chat.

    Returns:
        What to evaluate; whether there is such a file is seen when it is read.

    Raises:
        ConfigError: If a quotation is not closed, or there are two files.
    """
    try:
        words = shlex.split(typed)
    except ValueError as error:
        raise ConfigError(f"{typed!r} cannot be read: {error}.", "close the quotation") from error
    files = [word for word in words if "=" not in word or Path(word).exists()]
    if len(files) > 1:
        raise ConfigError(f"{' and '.join(files)} are two sets of questions.", "evaluate one after the other")
    data = None if files == [SAMPLES] else Path(files[0]).expanduser() if files else judged
    return Asked(data, tuple(word for word in words if word not in files))


class EvalJob(Job):
    """Evaluates, off the application's thread.

    Args:
        run: Runs work elsewhere; what it has to tell comes back as messages.
    """

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._first: float | None = None

    def start(self, app: RagApp, asked: Asked) -> None:
        """Begin."""
        self._first = None
        self.begin(evaluate, app, asked)

    def told(self, message: Evaluating) -> str:
        """Tell how far it is, how fast, and how long it will take; models that had to load are not counted."""
        told = f"evaluating {message.done}/{message.questions}"
        now = time.monotonic()
        self._first = self._first or now
        if message.asked == 0 or now == self._first:
            return told
        each = (now - self._first) / message.asked
        return f"{told}, {1 / each:.1f} questions/s, {time_left(each * (message.questions - message.done))}"


def evaluate(app: RagApp, asked: Asked, cancelled: threading.Event, post: Callable[[Message], object]) -> None:
    """Ask every question of a set, unless it is stopped on the way; then the same goes on from there.

    Args:
        app: Whose reader answers; documents and settings are those of its home.
        asked: What to evaluate.
        cancelled: Set to stop; the question being answered is finished.
        post: Takes `Evaluating` and, once, `EvalEnded`.
    """

    def check(_event: object = None) -> None:
        if cancelled.is_set():
            raise KeyboardInterrupt  # what Ctrl-C is to the command line; the run keeps what it has

    try:
        post(EvalEnded(_evaluate(app, asked, check, post)))
    except RagappError as error:
        post(EvalEnded(None, error.message, error.hint))
    except KeyboardInterrupt:
        post(EvalEnded(None, "The evaluation was stopped;", "the same command goes on from there."))


def found_told(found: EvalFound) -> Content:
    """Draw what an evaluation found: the gates, the figures with their intervals, and how to see more of it."""
    lines: list[Content] = []
    for gate in found.gates:
        sign, style = ("missed", "$text-error") if gate.missed else ("passed", "$text-success")
        lines.append(Content.assemble((f"{sign}  ", f"bold {style}"), gate.missed or gate.gate))
    lines += [Content("")] if found.gates else []
    lines.append(Content.styled(f"{'':{_TITLE}}{'%':>6}  {'95 % interval':15}{'n':>5}", "dim"))
    for figure in found.figures:
        between = f"[{figure.low:.1f}, {figure.high:.1f}]"
        row = f"{figure.percent:6.1f}  {between:15}{figure.questions:>5}"
        lines.append(Content.assemble(f"{figure.title:{_TITLE}}", (row, "bold")))
    return Content("\n").join(
        [
            *lines,
            Content.styled(f"claims judged by {one_line(found.judge)}", "dim"),
            Content.styled("\n" + "\n".join(found.commands), "dim"),
        ]
    )


def _evaluate(app: RagApp, asked: Asked, check: Callable[..., None], post: Callable[[Message], object]) -> EvalFound:
    from ragapp.evals.datasets.load import load_dataset
    from ragapp.evals.gates import parse_gates
    from ragapp.evals.prepare import prepare, runs_folder
    from ragapp.evals.run import catalogue, load_judge, open_run, read_by, run
    from ragapp.evals.systems import EvalApp
    from ragapp.grounding.load import SHIPPED_NAME
    from ragapp.indexes.index import Index

    gates, dataset = parse_gates(asked.gates), load_dataset(asked.data)
    given = app.settings
    reader = str(given.reader or SHIPPED_NAME)
    prepared = prepare(dataset, given, "reranked", seed=_SEED, on_event=check, like=app)
    settings = prepared.settings.model_copy(update={"reader": read_by(reader, given)})
    loaded = app.checker if given.checker == SHIPPED_NAME else None
    judge = loaded or load_judge(SHIPPED_NAME, given)
    check()
    with Index.open(given.home) as index, EvalApp(settings, "reranked", prepared.names, app) as other:
        folder, system = open_run(other, dataset, prepared, reader, judge, runs_folder(given.home), _SEED)
        done, before = 0, len(folder.items())

        def tell(more: int) -> None:
            nonlocal done
            done += more
            post(Evaluating(done, done - before, len(prepared.questions)))
            check()

        if folder.finished:
            catalogue(folder, index.evaluations)
        else:
            run(folder, prepared, system, judge, other, index.evaluations, tell)
    commands = tuple(command_line(app, f"eval {what} {folder.name}") for what in ("show", "report"))
    return _found(folder, gates, commands)


def _found(folder: RunFolder, gates: list[Gate], commands: tuple[str, ...]) -> EvalFound:
    from ragapp.evals.figures import BY_NAME
    from ragapp.evals.gates import missed

    figures: Mapping[str, Any] = folder.figures()
    measured: Mapping[str, Any] = figures["figures"]
    rows = tuple(
        EvalFigure(BY_NAME[name].title, 100 * each["value"], 100 * each["low"], 100 * each["high"], each["n"])
        for name in dict.fromkeys((*_SHOWN, *(gate.name for gate in gates)))
        if (each := measured.get(name))
    )
    judged = tuple(EvalGate(str(gate), "".join(missed([gate], figures))) for gate in gates)
    manifest = folder.manifest
    asked = f"{manifest.questions} questions of {manifest.dataset}"
    return EvalFound(folder.name, commands, asked, manifest.judge, rows, judged)
