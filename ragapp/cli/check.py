"""``ragapp check``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ragapp.cli.console import progress, write, write_json
from ragapp.cli.options import JsonOption, settings
from ragapp.errors import ConfigError
from ragapp.grounding.base import ClaimPair, Judgement
from ragapp.text import one_line

if TYPE_CHECKING:
    from ragapp.grounding.base import Checker
    from ragapp.settings import Settings

_BLOCK = 512
"""Pairs that are checked together: enough to sort them by length, few enough to show progress."""
_FORMAT = 'write one {"id": "1", "source": "…", "claim": "…"} a line'


class ClaimLine(NamedTuple):
    """A line of a claim file."""

    id: str | int
    pair: ClaimPair


def check(
    file: Annotated[Path, typer.Option("--file", help='Claims: {"id", "source", "claim"} lines.')],
    checker: Annotated[
        str | None,
        typer.Option(help="Folder or hub id of another checker or cross-encoder.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell of each claim whether its source supports it, and which sentence of it decides."""
    lines = read_claims(file)
    given = settings(None, None, checker=checker)
    judge = open_checker(given)
    with progress(len(lines), "claims", "checking") as advance:
        for start in range(0, len(lines), _BLOCK):
            block = lines[start : start + _BLOCK]
            for line, judgement in zip(block, judge.check([line.pair for line in block]), strict=True):
                _print(line, judgement, as_json)
            advance(len(block))


def open_checker(given: Settings) -> Checker:
    """Load the checker that the settings name; where they turn checking off, the shipped one.

    Args:
        given: The settings.

    Returns:
        The checker.

    Raises:
        ModelError: If it cannot be used.
    """
    from ragapp.grounding.load import OFF, SHIPPED_NAME, load_checker

    name = SHIPPED_NAME if given.checker == OFF else given.checker
    return load_checker(name, device=given.device, threads=given.threads or None, cache=given.home / "models")


def read_claims(path: Path) -> list[ClaimLine]:
    """Read a file of claims, all of it before any is checked.

    Args:
        path: JSON lines with the strings ``source`` and ``claim`` and an ``id``, a string or an integer; the line
            number serves for any other.

    Returns:
        The claims in order.

    Raises:
        ConfigError: If the file cannot be read or a line is wrong; names the line.
    """
    try:
        lines = path.read_text("utf-8-sig").split("\n")  # splitlines() also cuts at U+2028, which JSON strings may hold
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The claims {str(path)!r} cannot be read: {error}.", "give a UTF-8 file") from error
    claims: list[ClaimLine] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            claims.append(_claim(line, number, f"{str(path)!r} line {number}"))
    if not claims:
        raise ConfigError(f"{str(path)!r} holds no claim.", _FORMAT)
    return claims


def _claim(line: str, number: int, where: str) -> ClaimLine:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{where} is not JSON: {error}.", _FORMAT) from error
    if not isinstance(record, dict):
        raise ConfigError(f"{where} is not a JSON object.", _FORMAT)
    for field in ("source", "claim"):
        text = record.get(field)
        if not isinstance(text, str):
            raise ConfigError(f"{where} has no string {field!r}.", _FORMAT)
        if any("\ud800" <= char <= "\udfff" for char in text):
            raise ConfigError(f"{where} has a {field!r} that is not Unicode: {text[:80]!r}.", _FORMAT)
    if not record["claim"].strip():
        raise ConfigError(f"{where} has a blank 'claim'.", _FORMAT)
    identity = record.get("id")
    if not isinstance(identity, (str, int)) or isinstance(identity, bool):
        identity = number
    return ClaimLine(identity, ClaimPair(record["source"], record["claim"]))


def _print(line: ClaimLine, judgement: Judgement, as_json: bool) -> None:
    span = judgement.evidence
    quote = line.pair.source[span.start : span.end] if span else ""
    if as_json:
        evidence: dict[str, Any] | None = (
            {"char_start": span.start, "char_end": span.end, "quote": quote} if span else None
        )
        write_json(
            {
                "id": line.id,
                "p_supported": round(judgement.p_supported, 4),
                "verdict": judgement.verdict,
                "evidence": evidence,
            }
        )
        return
    write(f"{one_line(str(line.id))}  {judgement.verdict}  {judgement.p_supported:.2f}  {one_line(line.pair.claim)}")
    if quote:
        write(f"    “{one_line(quote)}”")
