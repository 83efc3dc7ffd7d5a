"""The keys that work where one is, beside the conversation, or above it where there is no room beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

_CITATION = "chat.citation"
_CITATIONS = 9
_KEYS = 14
"""Cells for the keys."""


class KeysPanel(VerticalScroll):
    """Lists the keys, those of the focused widget first; the toolkit's own for moving in a text are left out."""

    DEFAULT_CSS = """
    KeysPanel { dock: right; width: 42; max-width: 100%; padding: 0 1; border-left: solid $primary; }
    KeysPanel { background: $background; scrollbar-size-vertical: 1; }
    KeysPanel Static { height: auto; }
    .slim KeysPanel, .narrow KeysPanel { dock: top; layout: horizontal; width: 100%; height: auto; max-height: 80%; }
    .slim KeysPanel, .narrow KeysPanel { border-left: none; border-bottom: solid $primary; }
    .slim KeysPanel Static, .narrow KeysPanel Static { width: 1fr; }
    """
    SCOPED_CSS = False  # the screen is what is narrow
    can_focus = False

    def compose(self) -> ComposeResult:
        """Lay out the list in halves, one below the other or beside it."""
        yield Static("", markup=False)
        yield Static("", markup=False)

    def on_mount(self) -> None:
        """List the keys, and again whenever other ones work."""
        self.screen.bindings_updated_signal.subscribe(self, self._show)
        self._show(self.screen)

    def _show(self, screen: Screen[object]) -> None:
        lines = keys_told(screen.active_bindings.values())
        half = -(-len(lines) // 2)
        for part, static in zip((lines[:half], lines[half:]), self.query(Static), strict=True):
            static.update(Content("\n").join(part))


def keys_told(active: Iterable[ActiveBinding]) -> list[Content]:
    """Draw what keys do.

    Args:
        active: The bindings that work.

    Returns:
        A line for each thing that can be done, those of the focused widget first.
    """
    here: dict[str, list[str]] = {}
    everywhere: dict[str, list[str]] = {}
    for binding, everywhere_too in _ours(active):
        label = "Citation" if (binding.id or "").startswith(_CITATION) else binding.description
        keys = (everywhere if everywhere_too else here).setdefault(label, [])
        keys.append(binding.key_display or _named(binding.key))
    lines = [Content.styled("Where you are", "bold"), *_lines(here), Content("")] if here else []
    return [*lines, Content.styled("Everywhere", "bold"), *_lines(everywhere)]


def _ours(active: Iterable[ActiveBinding]) -> Iterator[tuple[Binding, bool]]:
    """Give the bindings that this application made, each with whether it works everywhere."""
    for each in active:
        node, binding = each.node, each.binding
        own = {(made.action, made.id) for made in type(node).BINDINGS if isinstance(made, Binding)}
        if binding.description and (binding.action, binding.id) in own:
            yield binding, not isinstance(node, Widget) or isinstance(node, Screen)


def _lines(keys_by_label: dict[str, list[str]]) -> list[Content]:
    lines: list[Content] = []
    for label, keys in keys_by_label.items():
        shown = f"{keys[0]} … {keys[-1]}" if len(keys) == _CITATIONS else " ".join(keys[:2])
        lines.append(Content.assemble((f"{shown:>{_KEYS}}", "bold $text-accent"), f"  {label}"))
    return lines


def _named(key: str) -> str:
    return key.replace("ctrl+", "^").replace("question_mark", "?")
