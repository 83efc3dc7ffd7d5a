"""``ragapp status``, ``ls``, ``tag`` and ``rm``."""

from __future__ import annotations

import dataclasses
import datetime
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ragapp.cli.console import narrate, short_name, stdout, waiting, write, write_json
from ragapp.cli.options import (
    AfterOption,
    BeforeOption,
    CollectionOption,
    HomeOption,
    JsonOption,
    PathOption,
    TagOption,
    TypeOption,
    documents_within,
    open_app,
    search_filter,
)
from ragapp.errors import ExitCode
from ragapp.text import counted, one_line, printable

if TYPE_CHECKING:
    from ragapp.app import RagApp
    from ragapp.indexes.records import Collection

_WIDE = 120
"""Columns of a terminal on which the details of a document fit beside its name."""


def status(home: HomeOption = None, collection: CollectionOption = None, as_json: JsonOption = False) -> None:
    """Tell what is in the index: collections, their sizes, encoders and chunkers."""
    with open_app(home, collection) as ragapp:
        if collection:
            _ = ragapp.collection  # a name that was asked for must be there
        records = [
            {
                "collection": each.name,
                **ragapp.index.stats(each)._asdict(),
                "encoder": each.encoder._asdict(),
                "chunker": each.chunker,
                "certificate": _certificate(ragapp, each),
            }
            for each in ragapp.index.collections()
            if collection in (None, each.name)
        ]
        if as_json:
            write_json({"home": str(ragapp.settings.home), "collections": records})
            return
        write(f"home: {ragapp.settings.home}")
    for record in records:
        write(
            f"{record['collection']}: {counted(record['documents'], 'document')},"
            f" {counted(record['passages'], 'passage')} in {counted(record['segments'], 'segment')}"
            f" ({_megabytes(record['segment_bytes'])}), cut by {record['chunker']}"
        )
        if record["certificate"]:
            write(f"  certificate: {record['certificate']}")
        if record["removed_documents"]:
            write(f"  {waiting(record['removed_documents'])}")
    if not records:
        narrate("nothing is ingested yet; try: ragapp ingest FOLDER")


def _certificate(ragapp: RagApp, collection: Collection) -> str:
    """Tell of the certificate of a collection, or of the package's, what can be told without loading a model.

    Empty if there is none, or the package's is for other models or settings.
    """
    from ragapp.calibration import certificate_path, load_certificate, shipped_certificate

    encoder, now = f"{collection.encoder.id}@{collection.encoder.hash}", ragapp.settings
    found = load_certificate(certificate_path(now.home, collection.name))
    if found is None:
        shipped = shipped_certificate(now)
        if shipped is None or shipped.pinned.encoder != encoder:
            return ""
        return f"made on {shipped.documents}, not on these documents: {shipped.sentence}"
    then = found.pinned
    changed = [
        what
        for what, same in (
            ("the documents", ragapp.index.fingerprint(collection) == found.collection_sha256),
            ("the encoder", encoder == then.encoder),
            ("the settings", (now.passages, now.rerank) == (then.passages, then.rerank)),
        )
        if not same
    ]
    return f"void, {' and '.join(changed)} changed; try: ragapp calibrate" if changed else found.sentence


def ls(
    path: PathOption = None,
    types: TypeOption = None,
    tags: TagOption = None,
    after: AfterOption = None,
    before: BeforeOption = None,
    home: HomeOption = None,
    collection: CollectionOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the documents."""
    where = search_filter(path, types, tags, after, before)
    with open_app(home, collection) as ragapp:
        documents = documents_within(ragapp, where)
    if as_json:
        write_json([dataclasses.asdict(document) for document in documents])
        return
    if not sys.stdout.isatty():
        for document in documents:
            write(printable(document.name))  # one line each, whatever the name
        return
    from rich.table import Table
    from rich.text import Text

    console = stdout()
    details = ("type", "version", "passages", "size", "changed", "added") if console.width >= _WIDE else ()
    table = Table(box=None, header_style="bold")
    table.add_column("document", overflow="fold")
    for detail in details:
        table.add_column(detail, no_wrap=True)
    table.add_column("tags", overflow="fold")
    for document in documents:
        size, changed, added = _megabytes(document.size), _local(document.modified_at), _local(document.added_at)
        cells = (document.media_type, str(document.version), str(document.passages), size, changed, added)
        shown = cells if details else ()
        table.add_row(Text(short_name(document.name)), *shown, Text(", ".join(document.tags)))
    console.print(table)


def tag(
    names: Annotated[
        list[str] | None, typer.Argument(help="Files, folders or patterns such as 'notes/*.md'.", show_default=False)
    ] = None,
    add: Annotated[list[str] | None, typer.Option(help="A tag that they get; may be repeated.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="A tag that they lose; may be repeated.")] = None,
    home: HomeOption = None,
    collection: CollectionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tag documents, or list the tags there are."""
    from ragapp.errors import ConfigError

    if bool(names) != bool(add or remove):
        raise ConfigError("Which documents, and which tags?", "ragapp tag notes --add work, or ragapp tag")
    with open_app(home, collection) as ragapp:
        chosen = {name: _matching(ragapp, name) for name in names or ()}
        tagged = ragapp.tag(sorted(set().union(*chosen.values())), add=add or (), remove=remove or ()) if chosen else 0
        counts = ragapp.index.tags(ragapp.collection)
    unknown = [name for name, found in chosen.items() if not found]
    if as_json:
        write_json({"tagged": tagged, "tags": counts, "unknown": unknown})
    elif names:
        write(counted(tagged, "document"))
    else:
        for each, count in counts.items():
            write(f"{each}  {counted(count, 'document')}")
    if not counts and not names:
        narrate("no document has a tag; try: ragapp tag notes --add work")
    _tell_unknown(unknown)


def rm(
    names: Annotated[list[str], typer.Argument(help="Files, folders or patterns such as 'notes/*.md'.")],
    home: HomeOption = None,
    collection: CollectionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove documents: no search finds them from here on; `ragapp compact` erases their text.

    The files themselves are left alone.
    """
    with open_app(home, collection) as ragapp:
        chosen = {name: _matching(ragapp, name) for name in names}
        removed = ragapp.delete(sorted(set().union(*chosen.values())))
    unknown = [name for name, found in chosen.items() if not found]
    if as_json:
        write_json({"removed": removed, "unknown": unknown})
    else:
        write(f"{counted(removed, 'document')} removed")
    _tell_unknown(unknown)


def _tell_unknown(names: list[str]) -> None:
    for name in names:
        narrate(f"no document is called {one_line(name) or repr(name)}; try: ragapp ls")
    if names:
        raise typer.Exit(ExitCode.FAILED)


def _matching(ragapp: RagApp, name: str) -> set[str]:
    """Find documents by their file, by a folder above them, or by a pattern.

    An empty name, as an unset variable of a shell makes it, means none of them and not all below this folder.
    """
    from ragapp.indexes.types import SearchFilter
    from ragapp.ingest.discovery import document_name

    if not name:
        return set()
    path = document_name(os.path.realpath(os.path.expanduser(name)))  # noqa: PTH111 - Path fails on an unknown ~user
    known = {document.name for document in ragapp.index.documents(ragapp.collection)}
    meant = {each for each in known if each in (name, path) or each.startswith(path.rstrip(os.sep) + os.sep)}
    if meant or not any(char in name for char in "*?["):
        return meant  # a file whose name has brackets is that file, not what they would match
    return {document.name for document in ragapp.index.documents(ragapp.collection, SearchFilter(name))}


def _local(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def _megabytes(size: object) -> str:
    return f"{int(str(size)) / 1e6:.2f} MB"
