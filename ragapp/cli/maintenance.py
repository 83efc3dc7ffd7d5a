"""``ragapp verify`` and ``compact``."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from ragapp.cli.console import narrate, short_name, waiting, write, write_json
from ragapp.cli.options import HomeOption, JsonOption, open_app
from ragapp.errors import ExitCode
from ragapp.text import counted, one_line


def verify(
    repair: Annotated[
        bool, typer.Option("--repair", help="Take out documents whose vectors are lost; ingest restores them.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that catalog, segments and lexical index agree, and that nothing removed can be found."""
    with open_app(home, None) as ragapp:
        if repair:
            with ragapp.index.write() as writer:
                repaired = writer.repair()
            narrate(
                f"{counted(repaired.segments_dropped, 'segment')} dropped,"
                f" {counted(len(repaired.documents_dropped), 'document')} with them"
            )
            for name in repaired.documents_dropped:
                narrate(f"  ingest again: {short_name(name)}")
        report = ragapp.index.verify()
    if as_json:
        write_json(dataclasses.asdict(report))
    else:
        write(
            f"{counted(report.documents, 'document')}, {counted(report.passages, 'passage')},"
            f" {counted(report.segments, 'segment')} checked"
        )
        if report.awaiting_compaction:
            write(waiting(report.awaiting_compaction))
    for problem in report.problems:
        narrate(f"problem: {one_line(problem)}")
    if report.problems:
        raise typer.Exit(ExitCode.INDEX)


def compact(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Erase what is left of removed documents, and merge small segments."""
    with open_app(home, None) as ragapp, ragapp.index.write() as writer:
        report = writer.compact()
    if as_json:
        write_json(report._asdict())
    else:
        write(
            f"{counted(report.documents_erased, 'document')} and {counted(report.passages_erased, 'passage')} erased;"
            f" {counted(report.segments_before, 'segment')} {'is' if report.segments_before == 1 else 'are'} now"
            f" {report.segments_after}"
        )
