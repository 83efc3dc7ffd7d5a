"""docs/tui.md names every command and binding with its key."""

from __future__ import annotations

import re
from pathlib import Path

from textual.binding import Binding

from ragapp.tui.commands import COMMANDS
from ragapp.tui.composer import Prompt
from ragapp.tui.keys import bound
from ragapp.tui.widgets import EvidencePane

PAGE = Path(__file__).parents[3] / "docs" / "tui.md"


def test_every_command_is_documented_and_no_other() -> None:
    rows = re.findall(r"^\| (\S.*) \| (\S+) \| (`chat\.\S+`|—) \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert rows == [
        (
            f"`/{' '.join(filter(None, (each.name, each.argument)))}`" if each.slash else "—",
            each.keys or "—",
            f"`{each.id}`" if each.keys else "—",
            each.description,
        )
        for each in COMMANDS
    ]


def test_every_binding_of_a_widget_is_documented_and_no_other() -> None:
    rows = re.findall(r"^\| `([a-z.]+)` \| (\S+) \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    found = [each for each in (*Prompt.BINDINGS, *EvidencePane.BINDINGS) if isinstance(each, Binding) and each.id]
    assert rows == [(each.id, each.key, each.description) for each in found]
    assert rows == [key for key in bound({}) if not key.id.startswith("chat.")]
