"""The conversations there are: search all that was said in them, resume, rename, delete, export."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, OptionList
from textual.widgets.option_list import Option

from ragapp.text import one_line

if TYPE_CHECKING:
    from ragapp.indexes.conversations import Conversation, Conversations


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be done with a conversation."""

    conversation: Conversation
    action: Literal["resume", "rename", "delete", "export"]


class ConversationsScreen(ModalScreen[Choice | None]):
    """Lists conversations, newest first; what is typed searches their titles, questions and answers.

    Args:
        conversations: Where they are.
    """

    DEFAULT_CSS = """
    ConversationsScreen { align: center middle; }
    ConversationsScreen > Vertical { width: 80%; height: 80%; border: round $accent; background: $surface; }
    ConversationsScreen OptionList { height: 1fr; border: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Back"),
        Binding("down", "list", show=False),
        Binding("ctrl+t", "choose('rename')", "Rename", priority=True),
        Binding("ctrl+x", "choose('delete')", "Delete", priority=True),
        Binding("ctrl+s", "choose('export')", "Export", priority=True),
    ]

    def __init__(self, conversations: Conversations) -> None:
        super().__init__()
        self._conversations = conversations
        self._listed: Sequence[Conversation] = ()

    def compose(self) -> ComposeResult:
        """Lay out the search field, the list and the keys."""
        with Vertical():
            yield Input(placeholder="search everything that was asked and answered")
            yield OptionList(markup=False)
            yield Footer()

    def on_mount(self) -> None:
        """List all of them."""
        self._list("")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search while one types."""
        self._list(event.value)

    def on_input_submitted(self) -> None:
        """Resume the conversation at the cursor."""
        self.action_choose("resume")

    def on_option_list_option_selected(self) -> None:
        """Resume the conversation chosen."""
        self.action_choose("resume")

    def action_list(self) -> None:
        """Go from the search field to the list."""
        self.query_one(OptionList).focus()

    def action_choose(self, action: Literal["resume", "rename", "delete", "export"]) -> None:
        """End the screen with the conversation at the cursor."""
        at = self.query_one(OptionList).highlighted
        if at is not None and at < len(self._listed):
            self.dismiss(Choice(self._listed[at], action))

    def _list(self, words: str) -> None:
        self._listed = self._conversations.search(words) if words.strip() else self._conversations.all()
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(_row(conversation)) for conversation in self._listed])
        options.highlighted = 0 if self._listed else None


def _row(conversation: Conversation) -> Content:
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(conversation.created_at))
    return Content.assemble(
        (f"{day}  ", "dim"),
        one_line(conversation.title),
        (f"  {one_line(conversation.collection)}", "italic"),
    )
