"""A document, open at the passage an answer rests on."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from ragapp.indexes.types import Span
from ragapp.text import one_line
from ragapp.tui.draw import Evidence, highlighted

_AROUND = 20_000
"""Characters shown before and after the span; a book is not laid out whole to show a sentence of it."""


class PassageScreen(ModalScreen[None]):
    """Shows a document's text with the span highlighted and in view.

    Args:
        row: What to show.
        text: The document's whole text; nothing if that version is gone, then the quote alone is shown.
    """

    DEFAULT_CSS = """
    PassageScreen { align: center middle; }
    PassageScreen > Vertical { width: 92%; height: 92%; border: round $accent; background: $surface; padding: 0 1; }
    PassageScreen #title { height: auto; text-style: bold; margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "app.pop_screen", "Back"),
        Binding("j", "scroll(2)", show=False),
        Binding("k", "scroll(-2)", show=False),
    ]

    def __init__(self, row: Evidence, text: str | None) -> None:
        super().__init__()
        self._row, self._text = row, text

    def compose(self) -> ComposeResult:
        """Lay out the title, the text and the keys."""
        row = self._row
        place = f"characters {row.span.start}–{row.span.end}"
        title = " · ".join(part for part in (one_line(row.document), row.day, row.place, place) if part)
        with Vertical():
            yield Static(title, markup=False, id="title")
            with VerticalScroll():
                yield Static(self._content(), markup=False)
            yield Footer()

    def on_mount(self) -> None:
        """Bring the span into view."""
        self.call_after_refresh(self._show_span)

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def _content(self) -> Content:
        if self._text is None:
            gone = "This version of the document is no longer in the index. It said:\n\n"
            return Content.styled(gone, "$text-warning") + highlighted(self._row.quote, Span(0, len(self._row.quote)))
        start = max(0, self._row.span.start - _AROUND)
        shown = self._text[start : self._row.span.end + _AROUND]
        return highlighted(shown, Span(self._row.span.start - start, self._row.span.end - start))

    def _show_span(self) -> None:
        """Scroll to the line that the span begins on, as the text is wrapped."""
        scroll = self.query_one(VerticalScroll)
        start = max(0, self._row.span.start - _AROUND)
        before = "" if self._text is None else self._text[start : self._row.span.start]
        width = max(1, scroll.scrollable_content_region.width)
        wrapped = Content(before).wrap(width) if before else []
        scroll.scroll_to(y=max(0, len(wrapped) - 4), animate=False)
