"""Something to read: what the doctor found, two answers side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static


class ToldScreen(ModalScreen[None]):
    """Shows texts side by side.

    Args:
        title: What they are.
        texts: The texts.
    """

    DEFAULT_CSS = """
    ToldScreen { align: center middle; }
    ToldScreen > Vertical { width: 92%; height: 80%; border: round $accent; background: $surface; padding: 0 1; }
    ToldScreen #title { height: auto; text-style: bold; margin-bottom: 1; }
    ToldScreen VerticalScroll { width: 1fr; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "app.pop_screen", "Back")]

    def __init__(self, title: str, texts: Sequence[Content]) -> None:
        super().__init__()
        self._title, self._texts = title, texts

    def compose(self) -> ComposeResult:
        """Lay out the title, the texts and the keys."""
        with Vertical():
            yield Static(self._title, markup=False, id="title")
            with Horizontal():
                for text in self._texts:
                    with VerticalScroll():
                        yield Static(text, markup=False)
            yield Footer()
