"""Choosing a theme: the one at the cursor is shown at once."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.theme import Theme
from textual.widgets import Footer, OptionList
from textual.widgets.option_list import Option

HIGH_CONTRAST = Theme(
    name="high-contrast",
    primary="#00ffff",
    accent="#ffff00",
    success="#00ff00",
    warning="#ffff00",
    error="#ff8080",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    variables={"text-muted": "#ffffff", "border": "#ffffff"},
)
"""White and full colours on black."""


class ThemeScreen(ModalScreen[str | None]):
    """Lists the themes; ends with the one chosen, and nothing if it was left with Escape.

    Args:
        current: The theme in use, which comes back with Escape.
    """

    DEFAULT_CSS = """
    ThemeScreen { align: right middle; background: $background 0%; }
    ThemeScreen > Vertical { width: 34; height: 80%; border: round $accent; background: $surface; }
    ThemeScreen OptionList { height: 1fr; border: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back"),
        Binding("j", "app.simulate_key('down')", show=False),
        Binding("k", "app.simulate_key('up')", show=False),
    ]

    def __init__(self, current: str) -> None:
        super().__init__()
        self._current = current

    def compose(self) -> ComposeResult:
        """Lay out the names and the keys."""
        with Vertical():
            yield OptionList(*(Option(name, id=name) for name in sorted(self.app.available_themes)), markup=False)
            yield Footer()

    def on_mount(self) -> None:
        """Begin at the theme in use."""
        names = self.query_one(OptionList)
        names.highlighted = names.get_option_index(self._current)
        names.focus()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the theme at the cursor."""
        self.app.theme = str(event.option_id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """End with the theme chosen."""
        self.dismiss(str(event.option_id))

    def action_leave(self) -> None:
        """Go back to the theme there was."""
        self.app.theme = self._current
        self.dismiss(None)
