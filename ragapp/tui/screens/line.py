"""One line to type: a folder to take in, a new title, a file to write."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, Static

from ragapp.text import one_line


class LineScreen(ModalScreen[str | None]):
    """Asks for a line; nothing if it was left with Escape.

    Args:
        title: What is asked for.
        value: What stands there at first.
    """

    DEFAULT_CSS = """
    LineScreen { align: center middle; }
    LineScreen > Vertical { width: 70%; height: auto; border: round $accent; background: $surface; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Back")]

    def __init__(self, title: str, value: str = "") -> None:
        super().__init__()
        self._title, self._value = title, value

    def compose(self) -> ComposeResult:
        """Lay out the title and the field."""
        with Vertical():
            yield Static(self._title, markup=False)
            yield Input(one_line(self._value), select_on_focus=False)
            yield Footer()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """End the screen with what was typed."""
        self.dismiss(event.value.strip() or None)
