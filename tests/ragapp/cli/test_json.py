"""What ``--json`` prints is what docs/cli.md says it prints, field by field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from cli_samples import Cli

CLI_PAGE = Path(__file__).parents[3] / "docs" / "cli.md"


def fields(value: object) -> Iterator[str]:
    """Walk every key of a JSON value."""
    if isinstance(value, dict):
        for key, inner in cast("dict[str, object]", value).items():
            yield key
            yield from fields(inner)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from fields(inner)


@pytest.mark.parametrize(
    "line",
    [
        "ask When did the Forth Bridge open?",
        "status",
        "ls",
        "rm food.txt nope.txt",
        "verify",
        "compact",
        "ingest {corpus} missing.txt",
        "doctor",
        "config show --origin",
    ],
)
def test_every_field_is_documented(cli: Cli, own_library: Path, corpus: Path, line: str) -> None:
    words = line.format(corpus=corpus).split()
    home = [] if words[0] == "config" else ["--home", own_library]
    printed = cli(*words, *home, "--json")
    assert printed.out.count("\n") == 1
    name = "config show" if words[0] == "config" else words[0]
    section = CLI_PAGE.read_text("utf-8").split(f"## `ragapp {name}`")[1].split("\n## ")[0]
    documented = set(re.findall(r"`(\w+)`", section))
    if words[0] == "config":
        assert {key for value in printed.record.values() for key in value} <= documented
    else:
        assert set(fields(printed.record)) <= documented
