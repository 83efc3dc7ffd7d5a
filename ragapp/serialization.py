"""Answers and events as JSON and back."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter

from ragapp.answers import Answer


@cache
def _answers() -> TypeAdapter[Answer]:
    return TypeAdapter(Answer)


def to_json(answer: Answer) -> str:
    """Write an answer as JSON.

    Args:
        answer: The answer.

    Returns:
        One line of JSON that `from_json` reads back.
    """
    return _answers().dump_json(answer).decode()


def to_dict(answer: Answer) -> dict[str, Any]:
    """Give an answer as plain JSON types.

    Args:
        answer: The answer.

    Returns:
        Nested dictionaries, lists, strings and numbers.
    """
    plain: dict[str, Any] = _answers().dump_python(answer, mode="json")
    return plain


def from_json(text: str) -> Answer:
    """Read what `to_json` wrote.

    Args:
        text: The JSON.

    Returns:
        An equal answer.
    """
    return _answers().validate_json(text)
