"""Options that several commands share, and the app and settings they lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ragapp.cli.console import narrate

if TYPE_CHECKING:
    from ragapp.app import RagApp
    from ragapp.indexes.records import DocumentInfo
    from ragapp.indexes.types import SearchFilter
    from ragapp.settings import Settings

HomeOption = Annotated[str | None, typer.Option("--home", help="Folder of the index.", show_default=False)]
CollectionOption = Annotated[str | None, typer.Option("--collection", help="Which collection.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
PathOption = Annotated[
    str | None, typer.Option("--path", help="Only documents whose name matches, e.g. 'notes/**/*.md'.")
]
TypeOption = Annotated[
    list[str] | None, typer.Option("--type", help="Only documents of this kind: text, markdown, html, pdf, docx.")
]

TagOption = Annotated[
    list[str] | None, typer.Option("--tag", help="Only documents with this tag, or one of these; may be repeated.")
]
AfterOption = Annotated[
    str | None, typer.Option("--after", help="Only documents changed on this day or later, e.g. 2026-01-31.")
]
BeforeOption = Annotated[str | None, typer.Option("--before", help="Only documents last changed before this day.")]


def settings(home: str | None, collection: str | None, **flags: object) -> Settings:
    """Read the settings with a command's flags over them.

    Args:
        home: ``--home``, if given.
        collection: ``--collection``, if given.
        flags: Other settings by name; ``None`` for those not given.

    Returns:
        The settings.

    Raises:
        ConfigError: If one of them is wrong.
    """
    from ragapp.settings import load_settings

    return load_settings({"home": home, "collection": collection, **flags})


def open_app(home: str | None, collection: str | None, *, make: bool = False, **flags: object) -> RagApp:
    """Open the app with a command's flags; see `settings`.

    Args:
        home: ``--home``, if given.
        collection: ``--collection``, if given.
        make: Make the index if there is none: for a command that puts something there, and no other, lest a slip of the
            pen make a folder.
        flags: Other settings by name; ``None`` for those not given.

    Returns:
        The app.

    Raises:
        RagappError: If a setting is wrong, or the index cannot be used.
    """
    from ragapp.app import RagApp

    return RagApp(settings(home, collection, **flags), make=make)


def documents_within(ragapp: RagApp, where: SearchFilter) -> list[DocumentInfo]:
    """List the documents that a command's filter lets through, and tell if that is none.

    An empty answer for a slip of the pen would read as if the documents held nothing.

    Args:
        ragapp: The app.
        where: The filter.

    Returns:
        The documents.
    """
    from ragapp.indexes.types import SearchFilter

    documents = ragapp.index.documents(ragapp.collection, where)
    if not documents and where != SearchFilter():
        look = "ragapp tag" if where.tags else "ragapp ls"
        narrate(f"--path, --type, --tag, --after and --before let no document through; try: {look}")
    return documents


def search_filter(
    path: str | None,
    types: list[str] | None,
    tags: list[str] | None,
    after: str | None = None,
    before: str | None = None,
) -> SearchFilter:
    """Make a filter of ``--path``, ``--type``, ``--tag``, ``--after`` and ``--before``.

    Args:
        path: A shell pattern on document names.
        types: Kinds of document.
        tags: Tags, of which a document needs one.
        after: A day; only what was changed on it or later.
        before: A day; only what was last changed before it.

    Returns:
        The filter.

    Raises:
        ConfigError: If there is no such kind or day, or something cannot be a tag.
    """
    from ragapp.indexes.types import SearchFilter, day, media_type, tag_name

    return SearchFilter(
        path,
        frozenset(media_type(kind) for kind in types or ()),
        tags=frozenset(tag_name(tag) for tag in tags or ()),
        after=day(after) if after is not None else None,
        before=day(before) if before is not None else None,
    )
