"""What the command line's tests share: documents with easy answers, and what a command did."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple, Protocol

DOCUMENTS = {
    "bridges.md": "# Bridges\n\n## Forth\n\nThe Forth Bridge opened on 4 March 1890. It crosses the Firth of Forth.\n",
    "food.txt": "Kimchi is made by salting cabbage. It ferments for some days at room temperature.\n",
    "space/voyager.txt": "Voyager 1 was launched in September 1977. It left the heliosphere in August 2012.\n",
    "space/rosetta.html": "<html><title>Rosetta</title><h1>Rosetta</h1><p>Philae landed on a comet in 2014.</p></html>",
}

_TERMINAL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\u2028\u2029]")


class Outcome(NamedTuple):
    """What a command line did."""

    code: int
    out: str
    err: str

    @property
    def record(self) -> Any:
        """The one JSON value that was printed."""
        return json.loads(self.out)

    @property
    def records(self) -> list[Any]:
        """A JSON value a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class Cli(Protocol):
    """Runs a command line in this process."""

    def __call__(self, *arguments: str | Path) -> Outcome: ...


def write_documents(folder: Path, documents: dict[str, str] = DOCUMENTS) -> Path:
    """Write documents below a folder and return it."""
    for name, text in documents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def is_inert(text: str) -> bool:
    """Tell whether nothing in a text but newlines would steer a terminal."""
    return not _TERMINAL.search(text)
