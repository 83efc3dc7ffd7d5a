"""docs/tui.md names every binding with its key."""

from __future__ import annotations

import re
from pathlib import Path

from textual.binding import Binding

from ragapp.tui.keys import BINDINGS
from ragapp.tui.widgets import EvidencePane, Prompt

PAGE = Path(__file__).parents[3] / "docs" / "tui.md"


def test_every_binding_is_documented_and_no_other() -> None:
    rows = re.findall(r"^\| `([a-z.]+)` \| (\S+) \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    found = [*BINDINGS, *Prompt.BINDINGS, *EvidencePane.BINDINGS]
    bindings = [binding for binding in found if isinstance(binding, Binding) and binding.id]
    assert set(rows) == {(b.id, b.key, b.description) for b in bindings if "citation" not in str(b.id)}
