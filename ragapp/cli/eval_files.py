"""``ragapp eval report`` and ``ragapp eval make``: what evaluations write for people to read and edit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ragapp.cli.console import narrate, write, writing
from ragapp.cli.eval import SeedOption, find
from ragapp.cli.options import CollectionOption, HomeOption, open_app
from ragapp.errors import ConfigError
from ragapp.text import counted


def report(
    run: Annotated[str, typer.Argument(help="A run: its name, the beginning or end of it, or its folder.")],
    output: Annotated[
        Path | None, typer.Option(help="Where to write it; default report.html in the run's folder.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Write a run's report: one HTML file with figures, curves, times, and the worst answers with their evidence."""
    from ragapp.evals.report import render
    from ragapp.evals.store import write_atomically

    folder = find(run, home)
    path = output or folder.path / "report.html"
    rendered = render(folder)
    with writing(path):
        write_atomically(path, rendered.encode())
    write(str(path))


def make(
    output: Annotated[Path, typer.Argument(help="The table to write, .csv.")],
    count: Annotated[int, typer.Option("-n", help="How many questions.", min=1)] = 30,
    seed: SeedOption = 0,
    home: HomeOption = None,
    collection: CollectionOption = None,
) -> None:
    """Draft questions out of the documents, as a table to edit in a spreadsheet and evaluate with."""
    from ragapp.evals.drafting import as_csv, draft_questions

    if output.exists():
        raise ConfigError(f"{str(output)!r} is there already.", "give another name, or remove it first")
    with open_app(home, collection) as ragapp:
        drafts = draft_questions(ragapp.index, ragapp.collection, count, seed)
    with writing(output):
        output.write_text(as_csv(drafts), "utf-8")
    write(str(output))
    what = "reword them, and add questions that the documents do not answer, answer left empty"
    narrate(f"{counted(len(drafts), 'draft')}; {what}")
    narrate(f"  then: ragapp eval run --data {output}")
