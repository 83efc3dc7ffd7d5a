"""Looking for words in the conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static


class FindBar(Horizontal):
    """A line to type words into, with how many turns hold them; hidden until it is wanted."""

    DEFAULT_CSS = """
    FindBar { height: 1; display: none; padding: 0 1; }
    FindBar Input { width: 1fr; height: 1; border: none; padding: 0; }
    FindBar Static { width: auto; color: $text-muted; padding: 0 0 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close"),
        Binding("down,enter", "step(1)", "Next", priority=True),
        Binding("up,shift+enter", "step(-1)", "Previous", priority=True),
    ]

    @dataclass
    class Wanted(Message):
        """Words are looked for; empty ones for none."""

        words: str
        step: int

    class Closed(Message):
        """The line was left."""

    def compose(self) -> ComposeResult:
        """Lay out the line and the count."""
        yield Input(placeholder="find in this conversation", compact=True)
        yield Static("", markup=False)

    def open(self, words: str) -> None:
        """Show the line, with words to begin with."""
        self.display = True
        field = self.query_one(Input)
        field.value = words
        field.focus()

    def tell(self, at: int, of: int) -> None:
        """Tell which of how many turns is shown."""
        told = f"{at}/{of}" if of else "nowhere"
        self.query_one(Static).update(Content(told if self.query_one(Input).value else ""))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look for what is typed."""
        event.stop()
        self.post_message(self.Wanted(event.value, 0))

    def action_step(self, step: int) -> None:
        """Go to the next turn that holds the words, or the one before."""
        self.post_message(self.Wanted(self.query_one(Input).value, step))

    def action_close(self) -> None:
        """Leave the line."""
        self.display = False
        self.post_message(self.Closed())
