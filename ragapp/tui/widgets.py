"""The widgets of the conversation: the prompt, the turns, the evidence, the status line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import OptionList, Static, TextArea
from textual.widgets.option_list import Option

from ragapp.tui.draw import Evidence, evidence_content, turn_lines
from ragapp.tui.glyphs import Glyphs
from ragapp.tui.state import ChatState, TurnState

_NUMBERS = tuple(Binding(str(number), f"app.citation({number})", show=False) for number in range(1, 10))
"""Where nothing is typed, a digit opens the citation of that number."""


class Prompt(TextArea):
    """Where questions are typed: Enter sends, Shift+Enter or Ctrl+J begins a line, ↑ and ↓ recall past questions."""

    DEFAULT_CSS = """
    Prompt { height: auto; max-height: 8; min-height: 3; border: round $primary; background: $surface; }
    Prompt:focus { border: round $accent; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", id="prompt.send", show=False),
        Binding("shift+enter,ctrl+j,alt+enter", "newline", "New line", id="prompt.newline", show=False),
    ]

    @dataclass
    class Sent(Message):
        """A question was sent."""

        text: str

    def __init__(self) -> None:
        super().__init__(
            soft_wrap=True, show_line_numbers=False, placeholder="Ask your documents …", highlight_cursor_line=False
        )
        self._past: list[str] = []
        self._at = 0
        self._draft = ""

    def remember(self, questions: Sequence[str]) -> None:
        """Put questions at the end of those that ↑ goes back to."""
        self._past += [question for question in questions if question.strip()]
        self._at = len(self._past)

    def action_send(self) -> None:
        """Send what is typed."""
        text = self.text.strip()
        if text:
            self.remember([text])
            self.text = ""
            self.post_message(self.Sent(text))

    def action_newline(self) -> None:
        """Begin a line."""
        self.insert("\n")

    def on_key(self, event: events.Key) -> None:
        """Send; or go through past questions from the first and the last line: those that begin with what was typed.

        The key that sends is looked at here, behind the characters typed before it: a priority binding would overtake
        them and send the question without its end.
        """
        if not event.is_printable and _binding_id(self, event.key) == "prompt.send":
            event.prevent_default()
            event.stop()
            self.action_send()
            return
        at_top, at_bottom = self.cursor_location[0] == 0, self.cursor_location[0] == self.document.line_count - 1
        if (event.key == "up" and at_top) or (event.key == "down" and at_bottom and self._at < len(self._past)):
            event.prevent_default()
            event.stop()
            self._recall(-1 if event.key == "up" else 1)

    def _recall(self, step: int) -> None:
        if self._at == len(self._past):
            self._draft = self.text
        places = range(self._at + step, -1 if step < 0 else len(self._past), step)
        found = next((i for i in places if self._past[i].startswith(self._draft)), None)
        if found is not None:
            self._at = found
            self.text = self._past[found]
        elif step > 0:
            self._at = len(self._past)
            self.text = self._draft
        self.move_cursor(self.document.end)


def _binding_id(widget: Widget, key: str) -> str | None:
    """Tell which binding a key has where one is, keys of the settings included."""
    active = widget.screen.active_bindings.get(key)
    return active.binding.id if active else None


class TurnView(Vertical):
    """One turn."""

    DEFAULT_CSS = "TurnView { height: auto; margin: 0 1 1 1; } TurnView > Static { height: auto; }"

    def __init__(self, turn: TurnState, glyphs: Glyphs) -> None:
        super().__init__()
        self.turn, self._glyphs = turn, glyphs

    def compose(self) -> ComposeResult:
        """Lay out the paragraphs."""
        for content, indent in turn_lines(self.turn, self._glyphs):
            paragraph = Static(content, markup=False)
            paragraph.styles.padding = (0, 0, 0, indent)
            yield paragraph

    def show(self, turn: TurnState) -> None:
        """Draw the turn if it changed."""
        if turn != self.turn:
            self.turn = turn
            self.refresh(recompose=True)


class Transcript(VerticalScroll):
    """The turns, the newest at the bottom; it follows them only while one is at the bottom."""

    DEFAULT_CSS = "Transcript { height: 1fr; scrollbar-size-vertical: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [*_NUMBERS]
    can_focus = True
    WINDOW = 20
    """Turns that are on the screen; older ones come back with `show_older`."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="transcript")
        self._glyphs = glyphs
        self._first = 0

    def show(self, state: ChatState) -> None:
        """Draw the conversation."""
        views = list(self.query(TurnView))
        if len(state.turns) < self._first + len(views):
            self.clear()
            views = []
        if not views:
            self._first = max(0, len(state.turns) - self.WINDOW)
        at_bottom = self.max_scroll_y - self.scroll_y <= 2
        for view, turn in zip(views, state.turns[self._first :], strict=False):
            view.show(turn)
        new = [TurnView(turn, self._glyphs) for turn in state.turns[self._first + len(views) :]]
        if new:
            self.mount_all(new)
        if at_bottom or new:
            self.call_after_refresh(self.scroll_end, animate=False)

    def show_older(self, state: ChatState) -> None:
        """Bring back the turns before the first one shown."""
        older = state.turns[max(0, self._first - self.WINDOW) : self._first]
        self._first -= len(older)
        if older:
            self.mount_all([TurnView(turn, self._glyphs) for turn in older], before=0)

    def clear(self) -> None:
        """Take every turn off the screen."""
        self.remove_children(TurnView)
        self._first = 0


class EvidencePane(OptionList):
    """What the answer rests on, and what else was read."""

    DEFAULT_CSS = """
    EvidencePane { width: 2fr; max-width: 70; height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    EvidencePane { background: $background; }
    EvidencePane, EvidencePane:focus { border: none; border-left: solid $primary; }
    EvidencePane:focus { border-left: solid $accent; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "Copy quote", id="evidence.copy"),
        Binding("o", "open", "Open file", id="evidence.open"),
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("g", "first", show=False),
        Binding("G", "last", show=False),
        *_NUMBERS,
    ]

    @dataclass
    class Wanted(Message):
        """Something is to be done with a row."""

        row: Evidence
        action: str

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="evidence", markup=False)
        self._glyphs = glyphs
        self.rows: tuple[Evidence, ...] = ()

    def show(self, rows: Sequence[Evidence]) -> None:
        """List rows."""
        if tuple(rows) == self.rows:
            return
        self.rows = tuple(rows)
        self.clear_options()
        self.add_options([Option(evidence_content(row, self._glyphs)) for row in rows] or [_EMPTY])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open the passage in its document."""
        event.stop()
        self._want("passage")

    def action_copy(self) -> None:
        """Copy the quote and where it stands."""
        self._want("copy")

    def action_open(self) -> None:
        """Open the document's file."""
        self._want("open")

    def _want(self, action: str) -> None:
        if self.highlighted is not None and self.highlighted < len(self.rows):
            self.post_message(self.Wanted(self.rows[self.highlighted], action))


_EMPTY = Option(Content.styled("what an answer rests on stands here", "dim"), disabled=True)


class StatusLine(Static):
    """What is going on, on one line."""

    DEFAULT_CSS = "StatusLine { height: 1; padding: 0 1; color: $text-muted; }"

    def __init__(self) -> None:
        super().__init__("", markup=False, id="status")
        self._parts: dict[str, str] = {}

    def tell(self, **parts: str) -> None:
        """Set parts of the line by name; an empty one goes."""
        self._parts |= parts
        self.update(Content("  ·  ".join(part for part in self._parts.values() if part)))
