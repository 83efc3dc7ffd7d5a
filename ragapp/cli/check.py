"""``ragapp check``."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ragapp.cli.console import narrate, progress, write, write_json
from ragapp.cli.options import JsonOption, settings
from ragapp.errors import ConfigError, ExitCode
from ragapp.grounding.base import ClaimPair, Judgement
from ragapp.text import counted, one_line

if TYPE_CHECKING:
    from ragapp.grounding.base import Checker
    from ragapp.settings import Settings

_BLOCK = 512
"""Pairs that are checked together: enough to sort them by length, few enough to show progress."""
_MOST_TOLD = 20
"""Bad lines that are told one by one: a file of another kind has as many as lines."""
_FORMAT = 'write one {"id": "1", "source": "…", "claim": "…"} a line'


class ClaimLine(NamedTuple):
    """A line of a claim file."""

    id: str | int
    pair: ClaimPair


class ClaimFile(NamedTuple):
    """A claim file: its claims in order, and what is wrong with its other lines, each with its number."""

    lines: list[ClaimLine]
    wrong: list[str]


def check(
    file: Annotated[Path, typer.Option("--file", help='Claims: {"id", "source", "claim"} lines.')],
    checker: Annotated[
        str | None,
        typer.Option(help="Folder or hub id of another checker or cross-encoder.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell of each claim whether its source supports it, and which sentence of it decides.

    Lines that are wrong are told with their numbers, the others are checked, and the exit code is 1.
    """
    claims = read_claims(file)
    for what in claims.wrong[:_MOST_TOLD]:
        narrate(f"not checked: {what}")
    if len(claims.wrong) > _MOST_TOLD:
        narrate(f"not checked: {counted(len(claims.wrong) - _MOST_TOLD, 'more line')}")
    if not claims.lines:
        raise ConfigError(f"{str(file)!r} holds no claim that can be checked.", _FORMAT)
    judge = open_checker(settings(None, None, checker=checker))
    began = time.perf_counter()
    with progress(len(claims.lines), "claims", "checking") as advance:
        for start in range(0, len(claims.lines), _BLOCK):
            block = claims.lines[start : start + _BLOCK]
            for line, judgement in zip(block, judge.check([line.pair for line in block]), strict=True):
                _print(line, judgement, as_json)
            advance(len(block))
    seconds = time.perf_counter() - began
    rate = f"{counted(len(claims.lines), 'pair')} in {seconds:.1f} s ({len(claims.lines) / seconds:.1f} pairs/s)"
    narrate(f"{rate}; lines not checked: {len(claims.wrong)}" if claims.wrong else rate)
    if claims.wrong:
        raise typer.Exit(ExitCode.FAILED)


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


def read_claims(path: Path) -> ClaimFile:
    """Read a file of claims, all of it before any is checked.

    Args:
        path: JSON lines with the strings ``source``, which may be empty, and ``claim``, and perhaps an ``id``, a string
            or an integer; without one the line number serves.

    Returns:
        The claims in order, and what is wrong with the other lines.

    Raises:
        ConfigError: If the file cannot be read.
    """
    try:
        raw = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise ConfigError(f"The claims {str(path)!r} cannot be read: {error}.", "check the path") from error
    claims = ClaimFile([], [])
    for number, line in enumerate(raw.split(b"\n"), 1):
        if not line.strip():
            continue
        found = _claim(line, number)
        if isinstance(found, ClaimLine):
            claims.lines.append(found)
        else:
            claims.wrong.append(f"{str(path)!r} line {number} {found}")
    return claims


def _claim(line: bytes, number: int) -> ClaimLine | str:
    """Read a line, or say what is wrong with it."""
    try:
        record = json.loads(line.decode())
    except UnicodeDecodeError as error:
        return f"is not UTF-8: {error}"
    except (ValueError, RecursionError) as error:
        return f"is not JSON: {error}"
    if not isinstance(record, dict):
        return "is not a JSON object"
    for field in ("source", "claim"):
        text = record.get(field)
        if not isinstance(text, str):
            found = f"is {text!r:.60}" if field in record else "is missing"
            return f"needs text as {field!r}, which {found}"
        if any("\ud800" <= char <= "\udfff" for char in text):
            return f"has a {field!r} that is not Unicode: {text[:60]!r}"
    if not record["claim"].strip():
        return "has a blank 'claim'"
    identity = record.get("id")
    if identity is None:
        identity = number
    if not isinstance(identity, (str, int)) or isinstance(identity, bool):
        return f"needs a string or an integer as 'id', which is {identity!r:.60}"
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
