"""Tags: short names that documents are given, to look only into those that have them.

A tag belongs to a document's name, not to a version of it: a changed file keeps its tags, a removed one loses them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from ragapp.errors import ConfigError
from ragapp.indexes.filters import live
from ragapp.indexes.models import DocumentRow, TagRow
from ragapp.indexes.records import in_parts

_LONGEST = 50


def tag_name(text: str) -> str:
    """Give a tag as it is stored and looked for: without case, and without space around it.

    Args:
        text: As it was typed.

    Returns:
        The tag.

    Raises:
        ConfigError: If it is empty, longer than 50 characters, or has white space, a comma or a character that cannot
            be shown.
    """
    tag = text.strip().casefold().removeprefix("#")
    if not 0 < len(tag) <= _LONGEST or "," in tag or not tag.isprintable() or any(char.isspace() for char in tag):
        raise ConfigError(
            f"{text!r} cannot be a tag: it needs 1 to {_LONGEST} characters, no white space and no comma.",
            "--tag contracts",
        )
    return tag


def change(connection: Connection, collection_id: int, names: Sequence[str], add: set[str], remove: set[str]) -> int:
    """Give tags to live documents and take tags from them.

    Args:
        connection: Within a transaction.
        collection_id: The collection.
        names: The documents; those that are not there are passed over.
        add: Tags that they get.
        remove: Tags that they lose.

    Returns:
        How many of the documents there are.
    """
    there = 0
    for part in in_parts(dict.fromkeys(names)):
        query = sa.select(DocumentRow.name).where(live(collection_id), DocumentRow.name.in_(part))
        found = list(connection.scalars(query))
        there += len(found)
        forget(connection, collection_id, found, add | remove)  # a tag that is there already is not there twice
        rows = [{"collection_id": collection_id, "tag": tag, "name": name} for name in found for tag in sorted(add)]
        if rows:
            connection.execute(sa.insert(TagRow), rows)
    return there


def forget(connection: Connection, collection_id: int, names: Iterable[str], tags: set[str] | None = None) -> None:
    """Take tags from documents; all that they have if none are named."""
    for part in in_parts(names):
        which = [] if tags is None else [TagRow.tag.in_(sorted(tags))]
        connection.execute(
            sa.delete(TagRow).where(TagRow.collection_id == collection_id, TagRow.name.in_(part), *which)
        )


def by_document(connection: Connection, collection_id: int) -> dict[str, tuple[str, ...]]:
    """Give the tags of each document that has some, in alphabetical order."""
    query = sa.select(TagRow.name, TagRow.tag).where(TagRow.collection_id == collection_id).order_by(TagRow.tag)
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, tag in connection.execute(query):
        found[name].append(tag)
    return {name: tuple(tags) for name, tags in found.items()}


def counted(connection: Connection, collection_id: int) -> dict[str, int]:
    """Give how many documents each tag has, the most used first."""
    tags = by_document(connection, collection_id).values()
    counts = Counter(tag for each in tags for tag in each)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
