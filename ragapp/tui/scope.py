"""Where answers may come from: what a person keeps a question to, as it is typed, shown and let go of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ragapp.indexes.types import MediaType, SearchFilter, day, media_type, tag_name
from ragapp.text import one_line

if TYPE_CHECKING:
    from ragapp.answers import Conditions

T = TypeVar("T")

KEYS = ("type", "after", "before", "collection")
"""What may stand before a colon."""


class Scope(NamedTuple):
    """Where answers may come from."""

    documents: tuple[str, ...] = ()
    """Names of the only documents to look into, in the order chosen; empty for all."""
    glob: str = ""
    """Shell pattern over the documents' names; empty for all."""
    pinned: tuple[int, ...] = ()
    """Ids of passages to read whatever the question."""
    without: tuple[int, ...] = ()
    """Ids of passages to leave out."""
    tags: tuple[str, ...] = ()
    """Tags of which a document has one; empty for all."""
    types: tuple[MediaType, ...] = ()
    """Kinds of document; empty for all."""
    after: date | None = None
    """The day on which a document was last changed, or later."""
    before: date | None = None
    """The day before which it was."""
    collection: str = ""
    """Another collection than the one that was opened; empty for that."""

    @classmethod
    def of(cls, conditions: Conditions, usual: str) -> Scope:
        """Give the scope that a stored question was asked in.

        Args:
            conditions: What it was answered under.
            usual: The collection that was opened.

        Returns:
            The scope.
        """
        where = conditions.where
        return cls(
            tuple(sorted(where.documents)),
            where.path_glob or "",
            conditions.pinned,
            tuple(sorted(where.without)),
            tuple(sorted(where.tags)),
            tuple(sorted(where.media_types)),
            where.after,
            where.before,
            "" if conditions.collection == usual else conditions.collection,
        )

    @property
    def where(self) -> SearchFilter:
        """Give the filter for retrieval."""
        return SearchFilter(
            self.glob or None,
            frozenset(self.types),
            frozenset(self.documents),
            frozenset(self.without),
            frozenset(self.tags),
            self.after,
            self.before,
        )

    @property
    def narrow(self) -> bool:
        """Whether there are documents of the collection that are not looked into."""
        return self._replace(pinned=(), without=(), collection="") != EVERYWHERE

    @property
    def widest(self) -> Scope:
        """The scope of all documents of the same collection."""
        return Scope(collection=self.collection)

    def looking_into(self, term: str) -> Scope:
        """Give the scope with one thing more to keep to.

        Args:
            term: A document's name, ``#TAG``, ``type:KIND``, ``after:DAY``, ``before:DAY`` or ``collection:NAME``. With
                several tags, kinds or documents any will do; of days and collections the new one counts.

        Returns:
            The scope.

        Raises:
            ConfigError: If there is no such kind or day, or something cannot be a tag.
        """
        key, colon, value = term.partition(":")
        if term.startswith("#"):
            return self._replace(tags=_with(self.tags, tag_name(term)))
        if not colon or key not in KEYS:
            return self._replace(documents=_with(self.documents, term))
        if key == "type":
            return self._replace(types=_with(self.types, media_type(value)))
        if key == "collection":
            return Scope(collection=value)  # the documents, tags and passages of another mean nothing in it
        return self._replace(after=day(value)) if key == "after" else self._replace(before=day(value))

    def kept_to(self, typed: str) -> Scope:
        """Give the scope with what was typed: terms as for `looking_into`, and a pattern over names.

        Args:
            typed: The terms, separated by spaces; what is none of them is the pattern.

        Returns:
            The scope.

        Raises:
            ConfigError: See `looking_into`.
        """
        scope, pattern = self, list[str]()
        for word in typed.split(" "):
            key, colon, _ = word.partition(":")
            if word.startswith("#") or (colon and key in KEYS):
                scope = scope.looking_into(word)
            else:
                pattern.append(word)
        glob = " ".join(pattern).strip()
        return scope._replace(glob=glob) if glob else scope

    @property
    def chips(self) -> tuple[Chip, ...]:
        """What the scope is made of, in the order shown, each with what is left without it."""
        chips = [Chip(f"collection:{self.collection}", Scope())] if self.collection else []
        chips += [
            Chip(name.rpartition("/")[2], self._replace(documents=_without(self.documents, name)))
            for name in self.documents
        ]
        chips += [Chip(f"#{tag}", self._replace(tags=_without(self.tags, tag))) for tag in self.tags]
        chips += [Chip(f"type:{kind}", self._replace(types=_without(self.types, kind))) for kind in self.types]
        chips += [Chip(f"after:{self.after}", self._replace(after=None))] if self.after else []
        chips += [Chip(f"before:{self.before}", self._replace(before=None))] if self.before else []
        chips += [Chip(self.glob, self._replace(glob=""))] if self.glob else []
        chips += [Chip(f"{len(self.pinned)} pinned", self._replace(pinned=self.pinned[:-1]))] if self.pinned else []
        left_out = len(self.without)
        chips += [Chip(f"{left_out} left out", self._replace(without=self.without[:-1]))] if left_out else []
        return tuple(chip._replace(label=one_line(chip.label)) for chip in chips)

    def wider(self) -> Scope:
        """Give the scope without the last chip."""
        return self.chips[-1].without if self.chips else self


class Chip(NamedTuple):
    """One thing that questions are kept to: what is shown of it, and the scope without it."""

    label: str
    without: Scope


EVERYWHERE = Scope()


def _with(values: Sequence[T], more: T) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*values, more)))


def _without(values: Sequence[T], one: T) -> tuple[T, ...]:
    return tuple(value for value in values if value != one)
