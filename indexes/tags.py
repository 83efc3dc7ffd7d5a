"""Tags: short names that documents are given, to look only into those that have them.

A tag belongs to a document's name, not to a version of it: a changed file keeps its tags, a removed one loses them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from ragapp.indexes.filters import live
from ragapp.indexes.models import DocumentRow, TagRow
from ragapp.indexes.records import in_parts


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
    """Give how many live documents each tag has, the most used first.

    Only live ones: a document that `Writer.repair` took out keeps its tags for when it is ingested again.
    """
    number = sa.func.count()
    query = (
        sa.select(TagRow.tag, number)
        .join(DocumentRow, sa.and_(DocumentRow.name == TagRow.name, live(collection_id)))
        .where(TagRow.collection_id == collection_id)
        .group_by(TagRow.tag)
        .order_by(number.desc(), TagRow.tag)
    )
    return {tag: count for tag, count in connection.execute(query)}
