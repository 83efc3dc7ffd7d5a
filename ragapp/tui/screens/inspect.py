"""Why this answer: every stage of retrieval, the reader's view of each passage, and what confidence was made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import DataTable, Footer, Static

from ragapp.text import one_line
from ragapp.tui.draw import excerpt
from ragapp.tui.messages import LookedAt

if TYPE_CHECKING:
    from ragapp.answers import Answer

_NOTHING = "Nothing was found to read."
_NOT_KEPT = "The passages are not kept with a conversation: /again shows them."
_WORDS = 8
_SHOWN = 0.001
"""Smaller shares are left out."""
_COLUMNS = ("rank", "was", "dense", "lexical", "fused", "reader", "passage")
_PASSAGE_AT = 52
"""Cells of the screen that the last column does not have."""


class InspectScreen(ModalScreen[None]):
    """Shows what an answer was made from.

    Args:
        answer: The answer.
    """

    DEFAULT_CSS = """
    InspectScreen { align: center middle; }
    InspectScreen > Vertical { width: 94%; height: 92%; border: round $accent; background: $surface; padding: 0 1; }
    InspectScreen DataTable { height: auto; max-height: 50%; margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,f2", "app.pop_screen", "Back")]

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer

    def compose(self) -> ComposeResult:
        """Lay out the passages, the candidates, the signals and the times."""
        with Vertical():
            asks = "Why not" if self._answer.abstained else "Why"
            yield Static(f"{asks} “{one_line(self._answer.text)}”?", markup=False)
            if self._answer.passages:
                yield DataTable[Text](cursor_type="row", zebra_stripes=True)
            else:
                yield Static(_NOT_KEPT if self._answer.text else _NOTHING, markup=False)
            with VerticalScroll():
                yield Static(self._told(), markup=False, id="told")
            yield Footer()

    def on_mount(self) -> None:
        """Fill the table."""
        if not self._answer.passages:
            return
        table = self.query_one(DataTable[Text])
        table.add_columns(*_COLUMNS)
        found = sorted(self._answer.passages, key=lambda scored: -scored.scores.fused)
        reranked = any(scored.scores.rerank is not None for scored in found)
        width = max(12, self.app.size.width * 94 // 100 - _PASSAGE_AT)
        for scored in self._answer.passages:
            scores = scored.scores
            values = [_number(value) for value in (scores.dense, scores.lexical, scores.fused, scores.rerank)]
            name = scored.passage.document.rpartition("/")[2]
            was = str(found.index(scored) + 1) if reranked else ""
            text = Content(f"{one_line(name)}: {excerpt(scored.passage.text)}").truncate(width, ellipsis=True).plain
            row = [str(scored.rank), was, *values, text]
            table.add_row(*(Text(cell) for cell in row))

    def show_attention(self, answer: Answer, words: Sequence[LookedAt]) -> None:
        """Put what the reader looked at above the rest.

        Args:
            answer: Whose copy attention it is; that of another answer is dropped.
            words: The words of the passages with their shares.
        """
        if answer is not self._answer or not words:
            return
        shares: dict[int, float] = defaultdict(float)
        for looked in words:
            shares[looked.rank] += looked.weight
        lines = [Content.styled("Copied from", "bold")]
        lines += [Content(f"  {share:6.1%}  passage {rank}") for rank, share in shares.items() if share >= _SHOWN]
        lines.append(Content.styled("Words looked at", "bold"))
        best = sorted(words, key=lambda looked: -looked.weight)[:_WORDS]
        lines += [
            Content(f"  {looked.weight:6.1%}  {one_line(looked.word)}  (passage {looked.rank})")
            for looked in best
            if looked.weight >= _SHOWN
        ]
        self.query_one("#told", Static).update(Content("\n").join([*lines, self._told()]))

    def _told(self) -> Content:
        answer = self._answer
        others = sorted(answer.alternatives, key=lambda other: -other.probability)
        lines = [Content.styled("Other candidates", "bold")]
        lines += [Content(f"  {other.probability:6.1%}  {one_line(other.text)}") for other in others]
        if answer.signals:
            lines.append(Content.styled(f"Confidence {answer.confidence:.0%}, made from", "bold"))
            lines += [Content(f"  {name:14} {value:8.3f}") for name, value in answer.signals._asdict().items()]
        lines.append(Content.styled("Time", "bold"))
        lines += [Content(f"  {stage:14} {ms:8.0f} ms") for stage, ms in answer.timings_ms.items()]
        lines.append(Content.styled("Models", "bold"))
        lines += [Content(f"  {name:14} {one_line(model)}") for name, model in answer.models._asdict().items()]
        return Content("\n").join(lines)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
