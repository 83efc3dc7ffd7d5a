"""Where a question is put together: the prompt, what it is kept to, and what could be meant by what is typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.fuzzy import Matcher
from textual.message import Message
from textual.widget import Widget
from textual.widgets import OptionList, Static, TextArea
from textual.widgets.option_list import Option

from ragapp.text import one_line, printable
from ragapp.tui.commands import command, matching
from ragapp.tui.draw import CHIP, side_by_side

_LONG_PASTE = 2000
"""A longer text that is pasted is no question: it becomes a document to ask about."""
_MOST_SUGGESTIONS = 8
_COMMAND = re.compile(r"/(\w*)")
_MEANT = {
    "#": "the documents with this tag",
    "type": "the documents of this kind",
    "collection": "another collection",
}
"""What ``@`` offers besides documents."""
_MENTION = re.compile(r"(?:^|\s)@(\S*)$")


class Suggestion(NamedTuple):
    """Something that may be meant by what is typed."""

    shown: Content
    value: str
    """Name of a command, or of a document."""
    kind: str
    """``command`` or ``document``."""


class Suggestions(OptionList):
    """What may be meant, above the prompt, while a command or a document's name is typed."""

    DEFAULT_CSS = """
    Suggestions { height: auto; max-height: 8; border: none; padding: 0 1; display: none; background: $panel; }
    """
    can_focus = False

    def __init__(self) -> None:
        super().__init__(id="suggestions", markup=False)
        self.listed: tuple[Suggestion, ...] = ()

    def show(self, listed: Sequence[Suggestion]) -> None:
        """List what may be meant; nothing hides the list."""
        self.display = bool(listed)
        if tuple(listed) != self.listed:
            self.listed = tuple(listed)
            self.clear_options()
            self.add_options([Option(each.shown) for each in listed])
            self.highlighted = 0 if listed else None

    @property
    def chosen(self) -> Suggestion | None:
        """The one at the cursor."""
        at = self.highlighted
        return self.listed[at] if self.display and at is not None and at < len(self.listed) else None


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

    @dataclass
    class Commanded(Message):
        """A command was sent."""

        name: str
        argument: str

    @dataclass
    class Pasted(Message):
        """A text too long for a question was pasted."""

        text: str

    @dataclass
    class Mentioned(Message):
        """Something was chosen to look into; see `ragapp.tui.scope.Scope.looking_into`."""

        name: str

    class Widen(Message):
        """The last thing that the question is kept to is to go."""

    @dataclass
    class Paged(Message):
        """The conversation is to be scrolled by pages."""

        pages: int

    class Interrupted(Message):
        """Ctrl+C was pressed, and there is nothing selected to copy."""

    class Help(Message):
        """Help was asked for, with nothing typed."""

    def __init__(self, suggestions: Suggestions) -> None:
        super().__init__(
            soft_wrap=True, show_line_numbers=False, placeholder="Ask your documents …", highlight_cursor_line=False
        )
        self._suggestions = suggestions
        self._documents: Callable[[], Sequence[str]] = tuple
        self._past: list[str] = []
        self._at = 0
        self._draft = ""

    def remember(self, questions: Sequence[str]) -> None:
        """Put questions at the end of those that ↑ goes back to."""
        self._past += [printable(question, keep="\n") for question in questions if question.strip()]
        self._at = len(self._past)

    def offer(self, question: str) -> None:
        """Put a question here to be sent, unless something is typed."""
        if question and not self.text:
            self.text = question
            self.move_cursor(self.document.end)

    def suggest_from(self, documents: Callable[[], Sequence[str]]) -> None:
        """Take what ``@`` offers from a function, as `Mentioned` names it; it is called when ``@`` is typed."""
        self._documents = documents

    def action_send(self) -> None:
        """Send what is typed."""
        text = self.text.strip()
        typed = _COMMAND.match(text)
        if typed and (text[typed.end() :] or " ")[0].isspace():
            self.text = ""
            self.post_message(self.Commanded(typed[1], text[typed.end() :].strip()))
        elif text:
            self.remember([text])
            self.text = ""
            self.post_message(self.Sent(text))

    def action_newline(self) -> None:
        """Begin a line."""
        self.insert("\n")

    def action_copy(self) -> None:
        """Copy what is selected; with nothing selected, Ctrl+C means to stop."""
        if self.selected_text:
            self.app.copy_to_clipboard(self.selected_text)
        else:
            self.post_message(self.Interrupted())

    def on_text_area_changed(self) -> None:
        """Offer commands and documents while one is typed."""
        self._suggestions.show(self._meant())

    def on_paste(self, event: events.Paste) -> None:
        """Hand on a text too long for a question."""
        if len(event.text) > _LONG_PASTE:
            event.prevent_default()
            event.stop()
            self.post_message(self.Pasted(event.text))

    def on_key(self, event: events.Key) -> None:
        """Take a suggestion, send, or go through past questions: those that begin with what was typed.

        The key that sends is looked at here, behind the characters typed before it: a priority binding would overtake
        them and send the question without its end.
        """
        if self._handles(event.key, _binding_id(self, event.key) if not event.is_printable else None):
            event.prevent_default()
            event.stop()

    def _handles(self, key: str, binding: str | None) -> bool:
        """Do what a key does here and not in any text field; tell whether it does anything."""
        chosen = self._suggestions.chosen
        if chosen and (key == "tab" or binding == "prompt.send"):
            self._take(chosen, send=binding == "prompt.send")
        elif chosen and key in {"up", "down"}:
            getattr(self._suggestions, f"action_cursor_{key}")()
        elif chosen and key == "escape":
            self._suggestions.show(())
        elif binding == "prompt.send":
            self.action_send()
        elif not self.text and key == "backspace":
            self.post_message(self.Widen())
        elif not self.text and key == "question_mark":
            self.post_message(self.Help())
        elif key in {"pageup", "pagedown"} and self.document.line_count == 1:
            self.post_message(self.Paged(-1 if key == "pageup" else 1))
        elif key == "up" and self.cursor_location[0] == 0:
            self._recall(-1)
        elif key == "down" and self.cursor_location[0] == self.document.line_count - 1 and self._at < len(self._past):
            self._recall(1)
        else:
            return False
        return True

    def _meant(self) -> list[Suggestion]:
        before = self.get_text_range((0, 0), self.cursor_location)
        if _COMMAND.fullmatch(before) and before == self.text:
            return [
                Suggestion(
                    Content.assemble((f"/{each.name}", "bold"), f" {each.argument}", (f"  {each.description}", "dim")),
                    each.name,
                    "command",
                )
                for each in matching(before[1:])
            ]
        mention = _MENTION.search(before)
        if not mention:
            return []
        matcher = Matcher(mention[1])
        names = self._documents()
        best = sorted(((matcher.match(name) if mention[1] else 1.0, name) for name in names), key=lambda pair: -pair[0])
        return [Suggestion(_document(name), name, "document") for score, name in best if score > 0][:_MOST_SUGGESTIONS]

    def _take(self, chosen: Suggestion, *, send: bool) -> None:
        if chosen.kind == "document":
            start = self.get_text_range((0, 0), self.cursor_location).rindex("@")
            self.text = self.text[:start] + self.text[start:].partition(" ")[2]
            self.move_cursor(self.document.end)
            self.post_message(self.Mentioned(chosen.value))
            return
        found = command(chosen.value)
        whole = self.text == f"/{chosen.value}" or (found is not None and not found.argument)
        self.text = f"/{chosen.value} "
        self.move_cursor(self.document.end)
        if send and whole:
            self.action_send()

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


class ScopeLine(Static):
    """What the next question is kept to; a click on a chip lets go of it."""

    @dataclass
    class LetGo(Message):
        """The chip of that place, from 0, is to go."""

        chip: int

    def __init__(self) -> None:
        super().__init__("", markup=False, id="scope")
        self._parts: Sequence[Content] = ()

    def show(self, parts: Sequence[Content]) -> None:
        """Tell it; nothing hides the line."""
        self._parts = parts
        self.display = bool(parts)
        self._lay_out()

    def on_resize(self) -> None:
        """Lay it out anew."""
        self._lay_out()

    def _lay_out(self) -> None:
        self.update(side_by_side(self._parts, max(1, self.content_size.width or self.screen.size.width)))

    def on_click(self, event: events.Click) -> None:
        """Let go of the chip that was clicked on."""
        if CHIP in event.style.meta:
            self.post_message(self.LetGo(event.style.meta[CHIP]))


class Composer(Vertical):
    """The prompt with what stands above it."""

    DEFAULT_CSS = """
    Composer { height: auto; }
    Composer #scope { height: auto; padding: 0 1; color: $accent; display: none; }
    """

    def compose(self) -> ComposeResult:
        """Lay out the suggestions, what the question is kept to, and the prompt."""
        suggestions = Suggestions()
        yield suggestions
        yield ScopeLine()
        yield Prompt(suggestions)


def _document(name: str) -> Content:
    key, colon, _ = name.partition(":")
    if name.startswith("#") or (colon and key in _MEANT):
        return Content.assemble((one_line(name), "bold"), (f"  {_MEANT.get(key, _MEANT['#'])}", "dim"))
    folder, _, file = name.rpartition("/")
    return Content.assemble((one_line(file), "bold"), (f"  {one_line(folder)}", "dim"))


def _binding_id(widget: Widget, key: str) -> str | None:
    """Tell which binding a key has where one is, keys of the settings included."""
    active = widget.screen.active_bindings.get(key)
    return active.binding.id if active else None
