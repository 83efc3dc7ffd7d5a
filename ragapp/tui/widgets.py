"""The widgets of the conversation: the turns, the evidence, the conversations beside it, the status line."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ragapp.text import one_line
from ragapp.tui.draw import CITATION, COPY, Evidence, evidence_content, folded_lines, found, turn_lines
from ragapp.tui.glyphs import Glyphs
from ragapp.tui.state import ChatState, TurnState

if TYPE_CHECKING:
    from ragapp.indexes.conversations import Conversation

_TITLE = 22
"""Cells that a conversation's title has in the list."""
_NUMBERS = tuple(
    Binding(str(number), f"screen.citation({number})", "Open that citation", show=False) for number in range(1, 10)
)
"""Where nothing is typed, a digit opens the citation of that number."""


_NEAR = 2
"""So many lines from the end one is still at it."""
_NO_EVIDENCE = Option("what an answer rests on stands here", disabled=True)
_NO_CONVERSATIONS = Option("no conversations yet", disabled=True)
"""What stands in a pane that holds nothing yet."""


class TurnView(Vertical):
    """One turn."""

    DEFAULT_CSS = """
    TurnView { height: auto; margin: 0 1 1 0; padding: 0 0 0 1; }
    TurnView > Static { height: auto; }
    TurnView.chosen { border-left: outer $accent; padding: 0; }
    """

    @dataclass
    class Clicked(Message):
        """The turn was clicked on."""

        view: TurnView
        on_question: bool
        citation: int | None
        on_copy: bool

    def __init__(self, turn: TurnState, glyphs: Glyphs) -> None:
        super().__init__()
        self.turn, self._glyphs, self._found, self._folded = turn, glyphs, "", False

    def compose(self) -> ComposeResult:
        """Lay out the paragraphs; those of the same indent as one, because every widget costs time."""
        drawn = folded_lines if self._folded else turn_lines
        for indent, lines in groupby(drawn(self.turn, self._glyphs), key=attrgetter("indent")):
            content = Content("\n").join([line.content for line in lines])
            paragraph = Static(found(content, self._found), markup=False)
            paragraph.styles.padding = (0, 0, 0, indent)
            yield paragraph

    def show(self, turn: TurnState, words: str = "", *, folded: bool = False) -> bool:
        """Draw the turn, with words that were looked for, if it changed; tell whether it did."""
        changed = (turn, words, folded) != (self.turn, self._found, self._folded)
        if changed:
            self.turn, self._found, self._folded = turn, words, folded
            self.refresh(recompose=True)
        return changed

    def on_click(self, event: events.Click) -> None:
        """Tell that one is at this turn now, unless the mouse was drawn over text to select it."""
        event.stop()
        if not self.screen.get_selected_text():
            on_question = event.widget in list(self.query(Static))[:1]
            meta = event.style.meta
            self.post_message(self.Clicked(self, on_question, meta.get(CITATION), COPY in meta))


class Transcript(VerticalScroll):
    """The turns, the newest at the bottom; it follows them only while one is at the bottom."""

    DEFAULT_CSS = "Transcript { height: 1fr; scrollbar-size-vertical: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "screen.again", "Ask again", show=False),
        Binding("e", "screen.edit", "Edit", show=False),
        Binding("y", "screen.copy", "Copy answer", show=False),
        Binding("slash", "screen.find", "Find", show=False),
        Binding("k", "screen.earlier", "Earlier turn", show=False),
        Binding("j", "screen.later", "Later turn", show=False),
        Binding("space", "screen.fold", "Fold", show=False),
        Binding("G,end", "screen.newest", "To the end", show=False),
        *_NUMBERS,
    ]
    can_focus = True

    @dataclass
    class Behind(Message):
        """Something grew below what is in view, or the end is in view again."""

        more: bool

    WINDOW = 20
    """Turns that are on the screen; older ones come back with `show_older`."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="transcript")
        self._glyphs = glyphs
        self._first = 0
        self._words = ""
        self._chosen: int | None = None
        self._folded: frozenset[int] = frozenset()
        self._follows = False

    def watch_virtual_size(self) -> None:
        """Keep the end in view while an answer grows, until the person scrolls."""
        if self._follows:
            self.call_after_refresh(self.scroll_end, animate=False)

    def release_anchor(self) -> None:
        """Follow no longer; the toolkit calls it when the person scrolls."""
        super().release_anchor()
        self._follows = False

    def show(self, state: ChatState) -> None:
        """Draw the conversation."""
        views = list(self.query(TurnView))
        if len(state.turns) < self._first + len(views):
            self.clear()
            views = []
        if not views:
            self._first = max(0, len(state.turns) - self.WINDOW)
        pairs = enumerate(zip(views, state.turns[self._first :], strict=False), self._first)
        changed = [view.show(turn, self._words, folded=number in self._folded) for number, (view, turn) in pairs]
        new = [TurnView(turn, self._glyphs) for turn in state.turns[self._first + len(views) :]]
        if new:
            self.mount_all(new)
        if not views or self._at_end:
            self.to_end()
        elif new or changed[-1]:
            self.post_message(self.Behind(more=True))

    def to_end(self) -> None:
        """Go to the end, and stay there while it grows."""
        self._follows = True
        self.call_after_refresh(self.scroll_end, animate=False)

    @property
    def _at_end(self) -> bool:
        return self.max_scroll_y - self.scroll_y <= _NEAR

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell when the end comes into view."""
        super().watch_scroll_y(old_value, new_value)
        if self._at_end:
            self.post_message(self.Behind(more=False))

    def show_older(self, state: ChatState, most: int | None = None) -> None:
        """Bring back turns before the first one shown, as many as a window holds unless told otherwise."""
        older = state.turns[max(0, self._first - (most or self.WINDOW)) : self._first]
        self._first -= len(older)
        if older:
            self.mount_all([TurnView(turn, self._glyphs) for turn in older], before=0)

    def choose(self, state: ChatState, turn: int | None) -> None:
        """Mark a turn, by its number from 0, and bring it into view; nothing marks none."""
        self._chosen = turn
        if turn is not None and turn < self._first:
            self.show_older(state, self._first - turn)
        self.call_after_refresh(self._mark)

    def number(self, view: TurnView) -> int:
        """Tell which turn a view shows, from 0."""
        return self._first + list(self.query(TurnView)).index(view)

    def is_folded(self, turn: int) -> bool:
        """Tell whether a turn is folded."""
        return turn in self._folded

    def fold(self, state: ChatState, turn: int) -> None:
        """Fold a turn, by its number from 0, or unfold it; only the view knows."""
        self._folded ^= {turn}
        self.show(state)

    def find(self, state: ChatState, words: str) -> None:
        """Mark words wherever they stand; empty marks none."""
        self._words = words
        self.show(state)

    def clear(self) -> None:
        """Take every turn off the screen."""
        self.remove_children(TurnView)
        self._first, self._words, self._chosen, self._folded = 0, "", None, frozenset()

    def _mark(self) -> None:
        for number, view in enumerate(self.query(TurnView), self._first):
            view.set_class(number == self._chosen, "chosen")
            if number == self._chosen:
                self.release_anchor()
                self.scroll_to_widget(view, animate=False)


class Below(Static):
    """A sign over the end of the conversation that there is more below; a click goes there."""

    DEFAULT_CSS = """
    Below { layer: above; dock: bottom; width: auto; height: 1; padding: 0 1; display: none; }
    Below { color: $accent; text-style: reverse; }
    """

    class Wanted(Message):
        """The end is to be gone to."""

    def __init__(self, glyphs: Glyphs, key: str) -> None:
        super().__init__(f"{glyphs.below} new below: {key}", markup=False)

    def on_click(self) -> None:
        """Go there."""
        self.post_message(self.Wanted())


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
        Binding("p", "pin", "Pin", id="evidence.pin"),
        Binding("x", "exclude", "Leave out", id="evidence.exclude"),
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
        Binding("g", "first", "First", show=False),
        Binding("G", "last", "Last", show=False),
        *_NUMBERS,
    ]

    @dataclass
    class Wanted(Message):
        """Something is to be done with a row."""

        row: Evidence
        action: Literal["passage", "copy", "open", "pin", "exclude"]

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(_NO_EVIDENCE, id="evidence", markup=False)
        self._glyphs = glyphs
        self.rows: tuple[Evidence, ...] = ()
        self._pinned: tuple[int, ...] = ()

    def show(self, rows: Sequence[Evidence], pinned: Collection[int] = ()) -> None:
        """List rows, and tell which passages are pinned."""
        if (tuple(rows), tuple(pinned)) == (self.rows, self._pinned):
            return
        self.rows, self._pinned = tuple(rows), tuple(pinned)
        at = self.highlighted
        self.clear_options()
        drawn = [evidence_content(row, self._glyphs, pinned=row.passage in pinned) for row in rows]
        self.add_options([Option(each) for each in drawn] or [_NO_EVIDENCE])
        self.highlighted = at if at is not None and at < len(rows) else None

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

    def action_pin(self) -> None:
        """Have the passage read for the next question, whatever that is; or no longer."""
        self._want("pin")

    def action_exclude(self) -> None:
        """Ask again without the passage."""
        self._want("exclude")

    def _want(self, action: Literal["passage", "copy", "open", "pin", "exclude"]) -> None:
        if self.highlighted is not None and self.highlighted < len(self.rows):
            self.post_message(self.Wanted(self.rows[self.highlighted], action))


class ConversationList(OptionList):
    """The conversations there are, newest first, at the left where there is room."""

    DEFAULT_CSS = """
    ConversationList { width: 26; height: 1fr; border: none; border-right: solid $primary; padding: 0 1; }
    ConversationList { background: $background; scrollbar-size-vertical: 1; }
    ConversationList:focus { border: none; border-right: solid $accent; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
        Binding("g", "first", "First", show=False),
        Binding("G", "last", "Last", show=False),
    ]

    @dataclass
    class Chosen(Message):
        """A conversation is to be gone on with."""

        conversation: int

    def __init__(self) -> None:
        super().__init__(_NO_CONVERSATIONS, id="conversations", markup=False)
        self._listed: tuple[Conversation, ...] = ()

    def show(self, listed: Sequence[Conversation], current: int | None) -> None:
        """List conversations and mark the one in use."""
        if tuple(listed) != self._listed:
            self._listed = tuple(listed)
            self.clear_options()
            titles = [Content(one_line(each.title)).truncate(_TITLE, ellipsis=True) for each in listed]
            self.add_options([Option(title) for title in titles] or [_NO_CONVERSATIONS])
        self.highlighted = next((i for i, each in enumerate(self._listed) if each.id == current), None)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go on with the conversation chosen."""
        event.stop()
        self.post_message(self.Chosen(self._listed[event.option_index].id))


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
