"""Running an evaluation: every question asked, judged and written down, from where an earlier run stopped."""

from __future__ import annotations

import hashlib
import json
import platform
import resource
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ragapp.evals.datasets.base import Dataset, EvalQuestion
from ragapp.evals.figures import measure
from ragapp.evals.metrics.citations import judge_claims
from ragapp.evals.peer import GEMMA, StuffChain, require_weights
from ragapp.evals.prepare import Prepared
from ragapp.evals.records import SCHEMA_VERSION, Item, Manifest, Timing, plain
from ragapp.evals.store import RunFolder
from ragapp.evals.systems import AppSystem, EvalApp, Response, System
from ragapp.grounding.base import Checker
from ragapp.grounding.baselines import LEXICAL_NAME, LexicalChecker
from ragapp.grounding.load import load_checker
from ragapp.indexes.evaluations import Evaluations
from ragapp.models import Models
from ragapp.readers.registry import find_reader
from ragapp.settings import Settings

_PACKAGES = ("faiss-cpu", "numpy", "ragapp", "tokenizers", "torch", "transformers")
"""Packages whose versions may change a figure."""


def load_judge(name: str, settings: Settings) -> Checker:
    """Load what judges claims.

    Args:
        name: ``lexical`` for the baseline, or what ``--checker`` takes.
        settings: Device, threads and where models are kept.

    Returns:
        The judge.

    Raises:
        ModelError: If it cannot be loaded.
    """
    if name == LEXICAL_NAME:
        return LexicalChecker()
    models = settings.home / "models"
    return load_checker(name, device=settings.device, threads=settings.threads or None, cache=models)


def read_by(name: str, settings: Settings, *, check: bool = False) -> Path | None:
    """Find a reader that a person names.

    Args:
        name: A reader's name or folder, or ``gemma``.
        settings: The person's settings.
        check: Whether to load it, too: in a grid, one that is broken should not wait for its turn.

    Returns:
        Its folder; ``None`` if the app's own does, as for ``gemma``, which only retrieves with it.

    Raises:
        ModelError: If there is none, or it cannot be loaded.
    """
    if name == GEMMA:
        require_weights()
        return None
    folder = find_reader(settings.home, Path(name))
    if check:
        _ = Models(settings.model_copy(update={"reader": folder}), lambda: None).reader
    return folder


def make_system(app: EvalApp, reader: str) -> System:
    """Make what a person names.

    Args:
        app: The app, which retrieves in any case.
        reader: Name or folder of a copy-fid reader, or ``gemma``.

    Returns:
        The system.
    """
    return StuffChain(app) if reader == GEMMA else AppSystem(app, reader)


def describe(
    dataset: Dataset, prepared: Prepared, system: System, judge: Checker, fingerprint: str, seed: int
) -> Manifest:
    """Write down what a run depends on.

    Args:
        dataset: What is asked.
        prepared: Where it is asked.
        system: Who answers.
        judge: Who judges.
        fingerprint: Of the documents, see `ragapp.indexes.index.Index.fingerprint`.
        seed: Seed of the choice of questions.

    Returns:
        The manifest.

    Raises:
        ModelError: If a model that it names cannot be loaded.
    """
    return Manifest(
        schema_version=SCHEMA_VERSION,
        dataset=dataset.name,
        dataset_format=dataset.format,
        dataset_sha256=dataset.sha256,
        collection_sha256=fingerprint,
        questions=len(prepared.questions),
        reader=system.reader,
        retrieval=system.retrieval,
        judge=judge.name,
        models={**system.models, "judge": judge.model_hash},
        settings=system.settings,
        seed=seed,
        revision=_revision(),
        packages={"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}},
    )


def open_run(
    app: EvalApp, dataset: Dataset, prepared: Prepared, reader: str, judge: Checker, root: Path, seed: int
) -> tuple[RunFolder, System]:
    """Open the run of one reader and one way to retrieve, or the one that an earlier start with the same inputs left.

    Args:
        app: The app over the documents that are asked.
        dataset: What is asked.
        prepared: Where it is asked.
        reader: Name or folder of a copy-fid reader, or ``gemma``.
        judge: Who judges.
        root: Where the runs are.
        seed: Seed of the choice of questions.

    Returns:
        The run's folder and who answers.

    Raises:
        RagappError: If there are no documents, another encoder embedded them, or a model cannot be loaded.
    """
    app.collection.require(app.encoder.pin)
    system = make_system(app, reader)
    fingerprint = app.index.fingerprint(app.collection)
    return RunFolder.create(root, describe(dataset, prepared, system, judge, fingerprint, seed)), system


def run(
    folder: RunFolder,
    prepared: Prepared,
    system: System,
    judge: Checker,
    app: EvalApp,
    evaluations: Evaluations,
    on_done: Callable[[int], None] = lambda done: None,
) -> None:
    """Ask what was not asked yet, and write down the figures.

    Args:
        folder: Where to write.
        prepared: What to ask.
        system: Who answers.
        judge: Who judges.
        app: Counts tokens.
        evaluations: The catalog's record of runs.
        on_done: Called with how many questions are done since the last call.
    """
    _begin(folder, evaluations)
    append = folder.resume()
    done = {item.id for item in folder.items()}
    on_done(len(done))
    for question in prepared.questions:
        if question.id not in done:
            response = system.respond(question)
            append(_item(question, response, judge), _timing(question.id, response, app))
            on_done(1)
    folder.finish(measure(folder.items(), folder.manifest.seed))
    catalogue(folder, evaluations)


def catalogue(folder: RunFolder, evaluations: Evaluations) -> None:
    """Bring the catalog up to a finished folder; a kill may have come between the two.

    Args:
        folder: The folder.
        evaluations: The catalog's record of runs.
    """
    _begin(folder, evaluations)
    pairs = [(item.id, json.dumps(plain(item), sort_keys=True)) for item in folder.items()]
    evaluations.finish(folder.name, json.dumps(folder.figures(), sort_keys=True), pairs)


def _begin(folder: RunFolder, evaluations: Evaluations) -> None:
    evaluations.start(folder.name, json.dumps(plain(folder.manifest), sort_keys=True))


def _item(question: EvalQuestion, response: Response, judge: Checker) -> Item:
    return Item(
        id=question.id,
        kind=question.kind,
        question=question.question,
        answers=question.answers,
        gold=question.gold,
        text=response.text,
        abstained=response.abstained,
        confidence=response.confidence,
        signals=response.signals,
        citations=response.citations,
        retrieved=response.retrieved,
        claims=judge_claims(judge, response.claims, response.sources),
        evidence=question.evidence,
    )


def _timing(identity: str, response: Response, app: EvalApp) -> Timing:
    tokens = sum(len(app.encoder.token_offsets(text)) for text in response.passages)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Timing(identity, response.stages_ms, tokens, kilobytes / 1000)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _revision() -> str:
    """Ask git which revision this code is; empty where it is installed and no checkout.

    What was changed since is part of it: other code must not go on with a run, or find it done.
    """
    here = Path(__file__).resolve().parent
    if not (here.parent / ".git").exists():
        return ""
    git = ["git", "-C", str(here)]
    try:
        revision = _said([*git, "rev-parse", "--short=12", "HEAD"]).decode().strip()
        changes = _said([*git, "diff", "HEAD"])
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{revision}-dirty-{hashlib.sha256(changes).hexdigest()[:8]}" if changes else revision


def _said(command: list[str]) -> bytes:
    return subprocess.run(command, capture_output=True, check=True).stdout  # noqa: S603
