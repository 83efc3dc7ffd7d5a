"""``ragapp eval``: suites over readers and ways to retrieve, compared, gated and shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from ragapp.cli.console import narrate, progress, write, write_json
from ragapp.cli.options import CollectionOption, HomeOption, JsonOption, settings
from ragapp.errors import ConfigError, ExitCode
from ragapp.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ragapp.evals.datasets.base import Dataset, Format
    from ragapp.evals.prepare import Prepared
    from ragapp.evals.records import Retrieval
    from ragapp.evals.store import RunFolder
    from ragapp.grounding.base import Checker
    from ragapp.indexes.evaluations import Evaluations
    from ragapp.settings import Settings

app = typer.Typer(help="Measure answers, retrieval, grounding and confidence on questions with known answers.")

DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="Questions: a file or a BEIR folder; the built-in suite without.", show_default=False),
]
FormatOption = Annotated[
    str | None, typer.Option("--format", help="Format of the questions; found out by default.", show_default=False)
]
CountOption = Annotated[int, typer.Option("-n", help="How many questions; 0 for all.", min=0)]
SeedOption = Annotated[int, typer.Option(help="Seed of the choice of questions and of the resampling.")]


@app.callback()
def _group() -> None:
    """Measure answers, retrieval, grounding and confidence on questions with known answers."""


@app.command("run")
def run_command(
    data: DataOption = None,
    format_: FormatOption = None,
    readers: Annotated[
        list[str] | None, typer.Option("--reader", help="A reader's name or folder, or gemma; may be repeated.")
    ] = None,
    retrievals: Annotated[
        list[str] | None,
        typer.Option("--retrieval", help="reranked, hybrid, dense, lexical, gold or none; may be repeated."),
    ] = None,
    judge: Annotated[str, typer.Option(help="Judges claims: shipped, lexical, a folder or a hub id.")] = "shipped",
    count: CountOption = 0,
    seed: SeedOption = 0,
    passages: Annotated[int | None, typer.Option("-k", "--passages", help="How many passages to read.")] = None,
    fail_under: Annotated[
        list[str] | None, typer.Option("--fail-under", help="Exit with 5 if a figure misses it, e.g. f1=70.")
    ] = None,
    home: HomeOption = None,
    collection: CollectionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask every question of every reader with every retrieval, judge the answers and write down what came of it.

    The same command again goes on where a run was stopped, and does nothing once it is done.
    """
    from ragapp.evals.gates import missed, parse_gates
    from ragapp.evals.run import load_judge
    from ragapp.indexes.index import Index

    gates = parse_gates(fail_under or [])
    chosen: list[Retrieval] = [_retrieval(name) for name in retrievals or ["reranked"]]
    if "none" in chosen and readers != ["gemma"]:
        raise ConfigError("Only gemma answers without passages.", "--reader gemma --retrieval none")
    dataset = load(data, format_)
    given = settings(home, collection, passages=passages)
    asked = readers or [str(given.reader or "shipped")]
    failed: list[str] = []
    with Index.open(given.home, make=dataset.own_documents) as index:
        judged_by = load_judge(judge, given)
        for folder in evaluate(dataset, given, asked, chosen, judged_by, index.evaluations, count, seed):
            show(folder, as_json)
            failed += [f"{folder.name}: {sentence}" for sentence in missed(gates, folder.figures())]
    for sentence in failed:
        narrate(f"gate missed: {sentence}")
    if failed:
        raise typer.Exit(ExitCode.GATE)


@app.command("list")
def list_command(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the runs, newest first."""
    import json

    from ragapp.evals.prepare import runs_folder
    from ragapp.evals.store import count_items
    from ragapp.indexes.index import Index

    given = settings(home, None)
    with Index.open(given.home, make=False) as index:
        runs = index.evaluations.all()
    records = [
        {
            "run": run.name,
            "status": "done" if run.status == "done" else "partial",
            "asked": count_items(runs_folder(given.home) / run.name),
            "questions": json.loads(run.manifest)["questions"],
            "f1": json.loads(run.figures).get("figures", {}).get("f1", {}).get("value"),
        }
        for run in runs
    ]
    if as_json:
        write_json(records)
        return
    for record in records:
        f1 = "" if record["f1"] is None else f"F1 {100 * record['f1']:.1f} %"
        asked = f"{record['asked']} of " if record["status"] == "partial" else ""
        write(f"{record['run']}  {record['status']}  {asked}{counted(record['questions'], 'question')}  {f1}".rstrip())
    if not records:
        narrate("nothing was evaluated yet; try: ragapp eval run")


@app.command("show")
def show_command(
    run: Annotated[str, typer.Argument(help="A run: its name, the beginning or end of it, or its folder.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the figures of a run with their intervals."""
    show(find(run, home), as_json)


@app.command("compare")
def compare_command(
    before: Annotated[str, typer.Argument(help="A run.")],
    after: Annotated[str, typer.Argument(help="Another run over the same questions.")],
    gate: Annotated[
        bool, typer.Option("--fail-on-regression", help="Exit with 5 if a figure is worse by more than chance.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two runs question by question: paired intervals and tests, wins and losses."""
    from ragapp.cli.eval_tables import comparison_lines
    from ragapp.evals.compare import caveats, compare

    first, second = find(before, home), find(after, home)
    compared = compare(first.items(), second.items(), second.manifest.seed)
    notes = caveats(first.manifest, second.manifest)
    notes += [f"{run.name} is partial." for run in (first, second) if not run.finished]
    for note in notes:
        narrate(f"note: {note}")
    if as_json:
        write_json(
            {
                "before": first.name,
                "after": second.name,
                "questions": compared.questions,
                "only_before": compared.only_before,
                "only_after": compared.only_after,
                "notes": notes,
                "differences": [{**each._asdict(), "worse": each.worse} for each in compared.differences],
                "wins": [each._asdict() for each in compared.wins],
                "losses": [each._asdict() for each in compared.losses],
            }
        )
    else:
        for line in comparison_lines(first.name, second.name, compared):
            write(line)
    worse = [each.title for each in compared.differences if each.worse]
    if worse and gate:
        narrate(f"worse by more than chance: {', '.join(worse)}")
        raise typer.Exit(ExitCode.GATE)


def load(data: Path | None, format_: str | None) -> Dataset:
    """Read the questions of a command.

    Args:
        data: ``--data``.
        format_: ``--format``.

    Returns:
        The dataset.

    Raises:
        RagappError: If it cannot be read, or there is no such format.
    """
    from ragapp.evals.datasets.base import Format
    from ragapp.evals.datasets.load import load_dataset

    if format_ is not None and format_ not in get_args(Format):
        raise ConfigError(f"There is no format {format_!r}.", f"--format {'|'.join(get_args(Format))}")
    return load_dataset(data, cast("Format | None", format_))


def find(run: str, home: str | None) -> RunFolder:
    """Find a run of a home.

    Args:
        run: As a person names it.
        home: ``--home``.

    Returns:
        The run.

    Raises:
        EvalError: If there is none, or more than one.
    """
    from ragapp.evals.prepare import runs_folder
    from ragapp.evals.store import find_run

    return find_run(runs_folder(settings(home, None).home), run)


def show(folder: RunFolder, as_json: bool) -> None:
    """Print a run's figures; of a partial run those of the questions that were asked.

    Args:
        folder: The run.
        as_json: Whether to print JSON.
    """
    from ragapp.cli.eval_tables import figure_lines
    from ragapp.evals.figures import measure
    from ragapp.evals.performance import performance
    from ragapp.evals.records import plain

    items = folder.items()
    figures = folder.figures() if folder.finished else measure(items, folder.manifest.seed)
    measured = performance(folder.timings())
    if as_json:
        record = {"run": folder.name, "folder": str(folder.path), "finished": folder.finished}
        write_json({**record, "manifest": plain(folder.manifest), **figures, "performance": measured})
        return
    for line in figure_lines(folder, figures, measured):
        write(line)


def evaluate(
    dataset: Dataset,
    given: Settings,
    readers: Sequence[str],
    retrievals: Sequence[Retrieval],
    judge: Checker,
    evaluations: Evaluations,
    count: int,
    seed: int,
) -> Iterator[RunFolder]:
    """Run a grid of readers and retrievals, or what is left of it; all of it is checked before the first question.

    Args:
        dataset: What to ask.
        given: The person's settings.
        readers: Names or folders of the readers, or ``gemma``.
        retrievals: Ways to choose passages.
        judge: Judges claims.
        evaluations: The catalog's record of runs.
        count: How many questions; 0 for all.
        seed: Seed of the choice.

    Yields:
        Each run once it is finished.

    Raises:
        RagappError: If a reader cannot be loaded, or the questions do not fit the documents.
    """
    from ragapp.cli.ingest import JobView
    from ragapp.evals.prepare import prepare
    from ragapp.evals.run import read_by

    settings_of = {reader: read_by(reader, given, check=len(readers) > 1) for reader in readers}
    with JobView() as view:
        prepared = {each: prepare(dataset, given, each, count, seed, view.show) for each in retrievals}
    for reader in readers:
        for retrieval in retrievals:
            where = prepared[retrieval]
            ready = where._replace(settings=where.settings.model_copy(update={"reader": settings_of[reader]}))
            yield _evaluate_one(dataset, given, ready, reader, retrieval, judge, evaluations, seed)


def _evaluate_one(
    dataset: Dataset,
    given: Settings,
    prepared: Prepared,
    reader: str,
    retrieval: Retrieval,
    judge: Checker,
    evaluations: Evaluations,
    seed: int,
) -> RunFolder:
    from ragapp.evals.prepare import runs_folder
    from ragapp.evals.run import catalogue, open_run, run
    from ragapp.evals.systems import EvalApp

    with EvalApp(prepared.settings, retrieval, prepared.names) as ragapp:
        folder, system = open_run(ragapp, dataset, prepared, reader, judge, runs_folder(given.home), seed)
        if folder.finished:
            narrate(f"{folder.name} is done already; nothing of it has changed")
            catalogue(folder, evaluations)
            return folder
        with progress(len(prepared.questions), "questions", f"{reader}, {retrieval}") as advance:
            run(folder, prepared, system, judge, ragapp, evaluations, advance)
    return folder


def _retrieval(name: str) -> Retrieval:
    from ragapp.evals.records import Retrieval

    if name not in get_args(Retrieval):
        raise ConfigError(f"There is no retrieval {name!r}.", f"--retrieval {'|'.join(get_args(Retrieval))}")
    return cast("Retrieval", name)
