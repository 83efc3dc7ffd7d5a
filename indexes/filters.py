"""Which documents a search may look at, as SQL."""

from __future__ import annotations

import re

import sqlalchemy as sa

from ragapp.indexes.models import DocumentRow
from ragapp.indexes.types import SearchFilter


def live(collection_id: int, where: SearchFilter | None = None) -> sa.ColumnElement[bool]:
    """Give the condition on documents: of a collection, not removed, let through by the filter.

    Args:
        collection_id: The collection.
        where: The filter.

    Returns:
        A condition on `DocumentRow`.
    """
    conditions = [DocumentRow.collection_id == collection_id, DocumentRow.removed_at.is_(None)]
    if where and where.path_glob:
        conditions.append(DocumentRow.name.regexp_match(glob_pattern(where.path_glob)))
    if where and where.media_types:
        conditions.append(DocumentRow.media_type.in_(sorted(where.media_types)))
    return sa.and_(*conditions)


def glob_pattern(glob: str) -> str:
    """Translate a shell pattern to a regular expression.

    ``*`` and ``?`` stop at slashes, ``**`` does not, ``[…]`` is a set. A pattern that does not begin with a slash may
    begin at any folder of the document's name, and one without a wildcard also names all documents under it.

    Args:
        glob: The pattern.

    Returns:
        An expression for ``re.search``.
    """
    parts: list[str] = []
    position = 0
    for match in re.finditer(r"\*\*/?|\*|\?|\[[^\]/]+\]", glob):
        parts.append(re.escape(glob[position : match.start()]))
        token = match[0]
        simple = {"**": ".*", "**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
        parts.append(simple.get(token) or "[" + token[1:-1].replace("\\", r"\\").replace("!", "^", 1) + "]")
        position = match.end()
    rest = glob[position:].rstrip("/") if position == 0 else glob[position:]
    parts.append(re.escape(rest))
    start = "^" if glob.startswith("/") else "(?:^|/)"
    end = "(?:/|$)" if position == 0 else "$"
    return start + "".join(parts) + end
