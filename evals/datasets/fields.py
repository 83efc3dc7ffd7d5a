"""Reading untrusted records: every wrong field is told with file, line, field and what was expected."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, cast

from ragapp.errors import EvalError


@dataclass(frozen=True, slots=True)
class Record:
    """An object of a file and where it stands.

    Attributes:
        where: File and line, or path inside a JSON file, for messages.
        fields: What it holds.
    """

    where: str
    fields: Mapping[str, object]

    def text(self, name: str) -> str:
        """Give a field that must be text with something in it.

        Raises:
            EvalError: If it is missing, blank, or no Unicode text.
        """
        value = self.fields.get(name)
        if not isinstance(value, str) or not value.strip():
            self.fail(name, "text", value)
        self._check_unicode(name, value)
        return value

    def identity(self, *names: str) -> str | None:
        """Give the first of these fields that is there, a string or an integer, as text.

        Raises:
            EvalError: If it is something else, or no Unicode text.
        """
        for name in names:
            value = self.fields.get(name)
            if isinstance(value, bool) or (value is not None and not isinstance(value, (str, int))):
                self.fail(name, "a string or an integer", value)
            if value not in (None, ""):
                self._check_unicode(name, str(value))
                return str(value)
        return None

    def flag(self, name: str) -> bool:
        """Give a field that is true or false; false if it is missing.

        Raises:
            EvalError: If it is anything else, for instance the word "true".
        """
        value = self.fields.get(name)
        if value is not None and not isinstance(value, bool):
            self.fail(name, "true or false", value)
        return value is True

    def optional(self, name: str) -> str:
        """Give a field that may be missing or blank; empty then.

        Raises:
            EvalError: If it is there and no text.
        """
        value = self.fields.get(name)
        return "" if value is None or (isinstance(value, str) and not value.strip()) else self.text(name)

    def texts(self, name: str) -> tuple[str, ...]:
        """Give a field that must be a list of texts, none blank; the list may be empty.

        Raises:
            EvalError: If it is not.
        """
        return tuple(
            Record(f"{self.where}, {name}[{number}]", {name: value}).text(name)
            for number, value in enumerate(self._list(name))
        )

    def records(self, name: str) -> tuple[Record, ...]:
        """Give a field that must be a list of objects.

        Raises:
            EvalError: If it is not.
        """
        return tuple(
            Record(f"{self.where}, {name}[{number}]", as_object(value, f"{self.where}, {name}[{number}]"))
            for number, value in enumerate(self._list(name))
        )

    def has(self, name: str) -> bool:
        """Tell whether a field is there and not null."""
        return self.fields.get(name) is not None

    def fail(self, name: str, expected: str, value: object) -> NoReturn:
        """Say what is wrong with a field.

        Raises:
            EvalError: Always.
        """
        found = "is missing" if name not in self.fields else f"is {_shown(value)}"
        raise EvalError(f"{self.where}: the field {name!r} {found}, and should be {expected}.", "correct it there")

    def _check_unicode(self, name: str, value: str) -> None:
        """Refuse half a surrogate pair, which JSON can escape and no file can hold."""
        if any("\ud800" <= char <= "\udfff" for char in value):
            self.fail(name, "Unicode text", value)

    def _list(self, name: str) -> list[object]:
        value = self.fields.get(name)
        if not isinstance(value, list):
            self.fail(name, "a list", value)
        return cast("list[object]", value)


def read_text(path: Path) -> str:
    """Read a file of text, unpacked if its name ends with ``.gz``.

    Args:
        path: The file.

    Returns:
        Its text.

    Raises:
        EvalError: If it cannot be read or is no UTF-8.
    """
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return raw.decode("utf-8-sig")
    except (OSError, EOFError) as error:
        raise EvalError(f"{str(path)!r} cannot be read: {error}.", "check the path and the file") from error
    except UnicodeDecodeError as error:
        raise EvalError(f"{str(path)!r} is not UTF-8 text: {error}.", "re-save it as UTF-8") from error


def read_json(path: Path) -> object:
    """Read a JSON file.

    Raises:
        EvalError: If it is none; names the line.
    """
    return _parsed(read_text(path), repr(str(path)))


def read_lines(path: Path) -> Iterator[Record]:
    """Read a file with one JSON object a line; blank lines are skipped.

    Args:
        path: ``.jsonl``, perhaps gzipped.

    Yields:
        Records in file order.

    Raises:
        EvalError: If the file cannot be read or a line is no JSON object; names the line.
    """
    for number, line in enumerate(read_text(path).split("\n"), 1):  # splitlines() also cuts at U+2028
        if line.strip():
            where = f"{str(path)!r} line {number}"
            yield Record(where, as_object(_parsed(line, where), where))


def as_object(value: object, where: str) -> Mapping[str, object]:
    """Give a value that must be a JSON object.

    Raises:
        EvalError: If it is none.
    """
    if not isinstance(value, dict):
        raise EvalError(f"{where} is {_shown(value)}, and should be a JSON object.", "correct it there")
    return cast("dict[str, object]", value)


def _parsed(text: str, where: str) -> object:
    if not text.strip():
        raise EvalError(f"{where} is empty.", "give at least one question")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        hint = "check quotes, commas and brackets there"
        if str(error).startswith("Extra data"):
            hint = "one object a line makes a .jsonl file: rename it"
        raise EvalError(f"{where} is not JSON: {error}.", hint) from error


def _shown(value: object) -> str:
    shown = json.dumps(value, default=str)
    return shown if len(shown) <= 60 else f"{shown[:59]}…"
