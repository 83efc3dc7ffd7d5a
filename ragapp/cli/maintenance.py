"""``ragapp verify`` and ``compact``."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from ragapp.cli.console import narrate, short_name, write, write_json
from ragapp.cli.options import HomeOption, JsonOption, open_app
from ragapp.errors import ExitCode
from ragapp.text import one_line


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
                f"{repaired.segments_dropped} segments dropped, {len(repaired.documents_dropped)} documents with them"
            )
            for name in repaired.documents_dropped:
                narrate(f"  ingest again: {short_name(name)}")
        report = ragapp.index.verify()
    if as_json:
        write_json(dataclasses.asdict(report))
    else:
        write(f"{report.documents} documents, {report.passages} passages, {report.segments} segments checked")
        if report.awaiting_compaction:
            write(f"{report.awaiting_compaction} removed documents await `ragapp compact`")
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
            f"{report.documents_erased} documents and {report.passages_erased} passages erased;"
            f" {report.segments_before} segments are now {report.segments_after}"
        )
