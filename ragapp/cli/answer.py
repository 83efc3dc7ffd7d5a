"""Draws an answer on a terminal or into a pipe: the short answer, then the sentences it stands in."""

from __future__ import annotations

import sys

from rich.text import Text

from ragapp.answers import Answer, Citation
from ragapp.calibration import Guarantee
from ragapp.cli.console import short_name, stdout, write
from ragapp.events import AnswerState, Event, RetrievalStarted
from ragapp.grounding.answer_check import ClaimVerdict
from ragapp.grounding.base import Verdict
from ragapp.indexes.types import Passage
from ragapp.text import one_line

_NEAREST = 3
_EXCERPT_CHARS = 200
_LOADED_MS = 200
"""What a question takes beside its stages, if more than this, is the loading of models that it is the first to need."""
_VERDICTS: dict[Verdict, tuple[str, str]] = {
    "supported": ("supported by its source", "green"),
    "not_supported": ("not supported by its source", "yellow"),
    "contradicted": ("contradicted by its source", "red"),
}
"""Words and colour of each verdict."""


class AnswerView:
    """Folds the events of one question and prints what is new."""

    def __init__(self) -> None:
        self._state = AnswerState()
        self._console = stdout() if sys.stdout.isatty() else None

    def show(self, event: Event) -> None:
        """Fold an event; print the answer once it is there.

        Args:
            event: What happened.
        """
        self._state = self._state.apply(event)
        if self._state.answer:
            for line in draw(self._state.answer):
                if self._console:
                    self._console.print(line)
                else:
                    write(line.plain)
        elif isinstance(event, RetrievalStarted) and self._console:
            self._console.print(Text("searching …", "dim"), end="\r")


def draw(answer: Answer) -> list[Text]:
    """Lay an answer out.

    Args:
        answer: The answer.

    Returns:
        Lines of inert text.
    """
    sure = f"confidence {answer.confidence:.0%}"
    if answer.abstained:
        lines = [Text.assemble(("Not in your documents.", "bold yellow"), (f"  ({sure})", "dim"))]
        if answer.text:
            lines.append(Text(f"The nearest to an answer: {one_line(answer.text)}", "dim"))
        if answer.passages:
            lines.append(Text("Nearest passages:"))
        for scored in answer.passages[:_NEAREST]:
            lines += _passage(scored.rank, scored.passage)
    else:
        lines = [Text.assemble((one_line(answer.text), "bold green"), (f"  ({sure})", "dim"))]
        for number, citation in enumerate(answer.citations, 1):
            lines += _citation(number, citation)
        lines += _grounding(answer.grounding)
    if answer.guarantee and answer.guarantee.own:
        lines.append(_guarantee(answer.guarantee))
    stages = ", ".join(f"{stage} {ms:.0f} ms" for stage, ms in answer.timings_ms.items() if stage != "total")
    total = answer.timings_ms["total"]
    rest = total - sum(ms for stage, ms in answer.timings_ms.items() if stage != "total")
    loading = f"load {rest:.0f} ms, " if rest > _LOADED_MS else ""
    lines.append(Text(f"{total / 1e3:.2f} s: {loading}{stages}", "dim"))
    return lines


def _guarantee(guarantee: Guarantee) -> Text:
    if guarantee.void:
        return Text(f"Certificate void: {', '.join(guarantee.void)}. Try: ragapp calibrate", "bold yellow")
    return Text(f"Certified on these documents: {guarantee.sentence}.", "dim")


def _citation(number: int, citation: Citation) -> list[Text]:
    start, end = citation.answer_start - citation.char_start, citation.answer_end - citation.char_start
    quote = Text(f"  [{number}] ")
    quote.append("“" + _joined(citation.quote[:start]))
    quote.append(one_line(citation.quote[start:end]), "bold green")
    quote.append(_joined(citation.quote[end:]) + "”")
    place = _place(citation.document, citation.page, citation.heading, citation.line)
    return [quote, Text(f"      {place} · characters {citation.char_start}–{citation.char_end}", "cyan")]


def _grounding(verdicts: tuple[ClaimVerdict, ...]) -> list[Text]:
    """Give a verdict a line, with its claim where there are several."""
    lines: list[Text] = []
    for verdict in verdicts:
        words, colour = _VERDICTS[verdict.verdict]
        line = Text.assemble("  ", (words, colour), (f" (p {verdict.p_supported:.2f})", "dim"))
        if len(verdicts) > 1:
            line.append(f": {one_line(verdict.claim)}")
        lines.append(line)
    return lines


def _passage(rank: int, passage: Passage) -> list[Text]:
    excerpt = one_line(passage.text)
    if len(excerpt) > _EXCERPT_CHARS:
        excerpt = excerpt[: _EXCERPT_CHARS - 1].rstrip() + "…"
    locator = passage.locator
    place = _place(passage.document, locator.page, locator.heading, locator.line)
    span = f"characters {passage.span.start}–{passage.span.end}"
    return [Text(f"  {rank}. {excerpt}"), Text(f"     {place} · {span}", "cyan")]


def _joined(text: str) -> str:
    """Fold white space but keep a space at either end, where the answer follows or went before."""
    folded = one_line(text)
    before = " " if folded and text[:1].isspace() else ""
    after = " " if folded and text[-1:].isspace() else ""
    return (before + folded + after) or (" " if text else "")


def _place(document: str, page: int | None, heading: str | None, line: int | None) -> str:
    parts = [short_name(document)]
    if page is not None:
        parts.append(f"page {page}")
    if heading:
        parts.append(one_line(heading))
    if line is not None:
        parts.append(f"line {line}")
    return " · ".join(parts)
