"""What stands where there is no conversation yet: how to begin, and what would keep one from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.content import Content

from ragapp.text import one_line

if TYPE_CHECKING:
    from ragapp.doctor import Check

SAMPLES = Path(__file__).parents[1] / "samples" / "documents"
"""Documents that ship with ragapp, to try it with."""
SAMPLE_QUESTION = "When did the Forth Bridge open?"
"""What they can be asked first."""

_PROMISE = (
    "Ask your own documents. Every answer shows the sentence it stands in; when the documents don't hold it, you are"
    " told.\n"
)
_FIRST = (
    ("chat.samples", "try it on samples: Enter then asks a question"),
    ("chat.add", "add a file or folder of yours"),
    ("/reader", "answer with a reader of yours: its name or folder"),
    ("chat.help", "the keys"),
)
_LATER = (
    ("prompt.send", "asks what is typed below"),
    ("@", "a document, kind or tag to look into"),
    ("/", "everything there is to do"),
    ("chat.add", "add a file or folder"),
    ("chat.conversations", "earlier conversations, and their search"),
    ("chat.help", "the keys"),
)
"""Bindings, or what is typed, and what they do."""
_STYLES = {"WARN": "$text-warning", "FAIL": "$text-error"}
_OF_DOCUMENTS = "index"
"""The check that finds no documents: that is said already."""


def welcome_told(keys: Mapping[str, str], documents: int | None, checks: Sequence[Check] = ()) -> Content:
    """Draw the welcome.

    Args:
        keys: Names of the keys, by binding; see `ragapp.tui.keys.key_names`.
        documents: How many there are; nothing while that is not known.
        checks: What the doctor found, where there are no documents yet.

    Returns:
        What to do first, and what does not work with the remedy.
    """
    first = documents == 0
    lines = [Content(_PROMISE)]
    lines += [Content("There are no documents yet:\n")] if first else []
    lines += [
        Content.assemble((f"  {keys.get(key, key):8}", "bold $text-accent"), does)
        for key, does in (_FIRST if first else _LATER)
    ]
    if first and checks:
        lines += [Content(""), *_told([check for check in checks if check.name != _OF_DOCUMENTS])]
    return Content("\n").join(lines)


def _told(checks: Sequence[Check]) -> list[Content]:
    wrong = [check for check in checks if check.verdict != "OK"]
    lines: list[Content] = []
    for check in wrong:
        lines.append(Content.assemble((f"{check.verdict:5}", _STYLES[check.verdict]), one_line(check.detail)))
        lines += [Content.styled(f"     fix: {one_line(check.fix)}", "dim")] if check.fix else []
    well = ", ".join(check.name for check in checks if check.verdict == "OK")
    lines += [Content.assemble(("OK   ", "$text-success"), (one_line(well), "dim"))] if well else []
    return lines
