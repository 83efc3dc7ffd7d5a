"""docs/tui.md names every binding with its key."""

from __future__ import annotations

import re
from pathlib import Path

from ragapp.tui.keys import BINDINGS
from ragapp.tui.widgets import EvidencePane, Prompt

PAGE = Path(__file__).parents[3] / "docs" / "tui.md"


def test_every_binding_is_documented_and_no_other() -> None:
    rows = re.findall(r"^\| `([a-z.]+)` \| (\S+) \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    widgets = [binding for widget in (Prompt, EvidencePane) for binding in widget.BINDINGS if hasattr(binding, "id")]
    bindings = [*BINDINGS, *widgets]
    named = {(b.id, b.key, b.description) for b in bindings if b.id and "citation" not in b.id}  # type: ignore[union-attr]
    assert set(rows) == named
