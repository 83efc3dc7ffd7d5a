"""``ragapp ingest``."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Annotated, Self

import typer

from ragapp.cli.console import narrate, short_name, write, write_json
from ragapp.cli.options import CollectionOption, HomeOption, JsonOption, open_app
from ragapp.errors import ExitCode
from ragapp.text import counted, one_line

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from ragapp.ingest.events import JobEvent, JobReport


def ingest(
    paths: Annotated[list[str], typer.Argument(help="Files and folders.", show_default=False)],
    prune: Annotated[bool, typer.Option("--prune", help="Also remove documents whose files are gone.")] = False,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", help="Tag all of these documents, unchanged ones too; may be repeated.")
    ] = None,
    home: HomeOption = None,
    collection: CollectionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take files and folders in; unchanged ones cost nothing.

    A file that cannot be read is reported, the others go in, and the exit code is 1.
    """
    with open_app(home, collection, make=True) as ragapp, JobView() as view:
        report = ragapp.ingest(paths, prune=prune, tags=tags or (), on_event=view.show)
    if as_json:
        write_json(dataclasses.asdict(report))
    else:
        _tell(report)
    if report.status == "interrupted":
        narrate("interrupted; what was committed stays, and the same command goes on from there")
        raise typer.Exit(ExitCode.INTERRUPTED)
    if report.failures:
        raise typer.Exit(ExitCode.FAILED)


def _tell(report: JobReport) -> None:
    for failure in report.failures:
        narrate(f"not taken in: {one_line(failure.detail)}")
        if failure.hint:
            narrate(f"  try: {one_line(failure.hint)}")
    counts = {
        "added": report.added,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "failed": report.failed,
    }
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "no documents found"
    rate = report.size_bytes / 1e6 / max(report.seconds, 1e-9)
    write(f"{told}; {counted(report.passages, 'passage')} in {report.seconds:.1f} s ({rate:.2f} MB/s)")


class JobView:
    """Draws a job on standard error while it runs: a bar on a terminal, nothing elsewhere."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._files: TaskID | None = None
        self._encoded = 0

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.fields[detail]}", markup=False),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._files = self._bar.add_task("loading the encoder", total=None, detail="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def show(self, event: JobEvent) -> None:
        """Draw what happened.

        Args:
            event: An event of the job.
        """
        if self._bar is None or self._files is None:
            return
        from ragapp.ingest.events import FileDone, JobStarted, PassagesEncoded

        if isinstance(event, JobStarted):
            self._bar.update(self._files, description="ingesting", total=event.size_bytes)
            self._encoded = 0
        elif isinstance(event, PassagesEncoded):
            self._encoded += event.passages
            elapsed = self._bar.tasks[0].elapsed or 1e-9
            detail = f"{counted(self._encoded, 'passage')}, {self._encoded / elapsed:.0f}/s"
            self._bar.update(self._files, detail=detail)
        elif isinstance(event, FileDone):
            self._bar.advance(self._files, event.size_bytes)
            if event.status == "failed":
                self._bar.console.print(f"not taken in: {short_name(event.name)}", markup=False, highlight=False)
