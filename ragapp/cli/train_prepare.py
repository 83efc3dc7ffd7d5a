"""``ragapp train prepare``: from question files to a mixture that a reader learns from."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragapp.cli.console import make_folder, narrate, progress, write_json
from ragapp.cli.options import JsonOption
from ragapp.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragapp.readers.copy_fid.training.data import QaExample
    from ragapp.readers.copy_fid.training.mixture import Report

_NEGATIVES = 8


def prepare(
    data: Annotated[list[Path], typer.Option(help="Question files to learn from; may be given again.")],
    out: Annotated[Path, typer.Option(help="Folder for the mixture.")],
    against: Annotated[
        list[Path] | None, typer.Option(help="Files that will be evaluated on: nothing of them gets in.")
    ] = None,
    weight: Annotated[
        list[str] | None, typer.Option(help="DATASET=SHARE of a dataset to keep, 0 to 1; may be given again.")
    ] = None,
    near_miss: Annotated[
        list[str] | None, typer.Option(help="DATASET=SHARE: also change its questions into unanswerable ones.")
    ] = None,
    negatives: Annotated[
        bool, typer.Option(help="Search all contexts for each question's hardest distractors.")
    ] = True,
    seed: Annotated[int, typer.Option(help="Seed of what is chosen and changed.")] = 17,
    as_json: JsonOption = False,
) -> None:
    """Check, deduplicate and align questions, keep evaluation data out, and find each one's hardest distractors."""
    from ragapp.readers.copy_fid.training.data import load_examples
    from ragapp.readers.copy_fid.training.mixture import near_misses, weighted, without_contamination, write_mixture

    shares, missed = _shares("--weight", weight or []), _shares("--near-miss", near_miss or [])
    loaded = load_examples(*data)
    if against:
        loaded = without_contamination(loaded, load_examples(*against).examples)
    loaded = weighted(loaded, shares, seed)
    make_folder(out)
    examples = _with_negatives(loaded.examples) if negatives else loaded.examples
    report = write_mixture(out, [*examples, *near_misses(examples, missed, seed)], loaded.dropped, seed)
    _show(report, out, as_json)


def _with_negatives(examples: Sequence[QaExample]) -> Sequence[QaExample]:
    """Take every context into a collection of its own and ask it every question."""
    from ragapp.app import RagApp
    from ragapp.evals.reading import write_corpus
    from ragapp.readers.base import ReaderPassage
    from ragapp.readers.copy_fid.training.mixture import with_negatives
    from ragapp.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        files = write_corpus(root / "corpus", (example.context for example in examples))
        titles = {str(files[example.context]): example.title for example in examples}
        with RagApp(Settings(home=root / "home")) as app:
            narrate(f"{counted(len(files), 'context')} to take in, to search for distractors")
            app.ingest(root / "corpus")
            retriever = app.retriever

            def find(question: str) -> list[ReaderPassage]:
                found = retriever.retrieve(question, 2 * _NEGATIVES).passages
                return [ReaderPassage(f.passage.text, titles.get(f.passage.document, "")) for f in found]

            mined: list[QaExample] = []
            with progress(len(examples), "questions", "searching distractors") as advance:
                for example in examples:
                    mined.append(with_negatives(example, find, _NEGATIVES))
                    advance(1)
            return mined


def _shares(option: str, given: Sequence[str]) -> dict[str, float]:
    shares: dict[str, float] = {}
    for pair in given:
        name, _, share = pair.rpartition("=")
        try:
            shares[name] = float(share)
        except ValueError:
            shares[name] = -1.0
        if not name or not 0 <= shares[name] <= 1:
            raise typer.BadParameter(f"{pair!r} is not DATASET=SHARE with a share from 0 to 1", param_hint=option)
    return shares


def _show(report: Report, out: Path, as_json: bool) -> None:
    if as_json:
        write_json(asdict(report))
        return
    for reason, count in report.dropped.items():
        narrate(f"{count} dropped: {reason}")
    for dataset, count in report.questions.items():
        narrate(f"{count:7} {dataset}")
    questions = counted(sum(report.questions.values()), "question")
    narrate(f"{questions}, {report.answerable} answerable, {report.with_negatives} with")
    narrate(f"distractors from retrieval. Learn from them: ragapp train reader --data {out} --out RUN")
