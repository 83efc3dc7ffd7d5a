"""Which documents a search may look at, as SQL."""

from __future__ import annotations

import re
from datetime import date, datetime, time

import sqlalchemy as sa

from ragapp.indexes.models import DocumentRow, PassageRow, TagRow
from ragapp.indexes.types import SearchFilter, tag_names

_WILDCARD = re.compile(r"\*\*/?|\*|\?|\[!?+[^/][^\]/]*\]", re.DOTALL)
_SIMPLE = {"**": ".*", "**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
_LAST_YEAR = 2261
"""The last whole one whose nanoseconds since the epoch fit into 64 bits."""
_MEMBER = re.compile(r"(.)-(.)|(.)", re.DOTALL)


def live(collection_id: int, where: SearchFilter | None = None) -> sa.ColumnElement[bool]:
    """Give the condition on documents: of a collection, not removed, let through by the filter.

    Args:
        collection_id: The collection.
        where: The filter.

    Returns:
        A condition on `DocumentRow`.

    Raises:
        ConfigError: If the filter asks for what cannot be a tag.
    """
    conditions = [DocumentRow.collection_id == collection_id, DocumentRow.removed_at.is_(None)]
    if where and where.path_glob:
        conditions.append(DocumentRow.name.regexp_match(glob_pattern(where.path_glob)))
    if where and where.media_types:
        conditions.append(DocumentRow.media_type.in_(sorted(where.media_types)))
    if where and where.documents:
        conditions.append(DocumentRow.name.in_(sorted(where.documents)))
    if where and where.after:
        conditions.append(DocumentRow.mtime_ns >= _began_ns(where.after))
    if where and where.before:
        conditions.append(DocumentRow.mtime_ns < _began_ns(where.before))
    if where and where.tags:
        wanted = TagRow.tag.in_(tag_names(where.tags))
        tagged = sa.select(TagRow.name).where(TagRow.collection_id == collection_id, wanted)
        conditions.append(DocumentRow.name.in_(tagged))
    return sa.and_(*conditions)


def searchable(collection_id: int, where: SearchFilter) -> sa.ColumnElement[bool]:
    """Give the condition on passages: of a live document, and let through by the filter.

    Args:
        collection_id: The collection.
        where: The filter.

    Returns:
        A condition on `DocumentRow` and `PassageRow`.
    """
    return sa.and_(live(collection_id, where), PassageRow.id.not_in(sorted(where.without)))


def removed() -> sa.ColumnElement[bool]:
    """Give the condition on documents: removed and not yet erased.

    A comparison, because SQLite uses no index for ``IS NOT NULL`` and would read every document for it.
    """
    return DocumentRow.removed_at >= 0


def _began_ns(day: date) -> int:
    """Tell when a day began here, nanoseconds since the epoch; as far as the catalog's 64 bits go."""
    if day <= date(1970, 1, 1):
        return -(2**63)
    if day.year > _LAST_YEAR:
        return 2**63 - 1
    return int(datetime.combine(day, time.min).timestamp()) * 10**9


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
    for match in _WILDCARD.finditer(glob):
        parts.append(re.escape(glob[position : match.start()]))
        parts.append(_SIMPLE.get(match[0]) or _character_set(match[0][1:-1]))
        position = match.end()
    rest = glob[position:].rstrip("/") if position == 0 else glob[position:]
    parts.append(re.escape(rest))
    start = "^" if glob.startswith("/") else "(?:^(?!/)|/)"  # the root itself is no folder's name
    end = r"(?:/|\Z)" if position == 0 else r"\Z"
    # With (?s) and \Z a name may hold newlines.
    return "(?s)" + start + "".join(parts) + end


def _character_set(members: str) -> str:
    """Translate what stands between brackets; like every wildcard but ``**`` it matches no slash."""
    negated = members.startswith("!")
    parts: list[str] = []
    for low, high, single in _MEMBER.findall(members.removeprefix("!")):
        if single:
            parts.append(re.escape(single))
        elif low <= high:  # [z-a] holds nothing
            parts.append(f"{re.escape(low)}-{re.escape(high)}")
    inside = "".join(parts)
    if negated:
        return f"[^/{inside}]"
    return f"(?!/)[{inside}]" if inside else "(?!)"
