"""From state to what is shown, without a widget: every piece of text is inert `Content`, never parsed as markup."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content
from textual.style import Style

from ragapp.answers import Answer, Citation
from ragapp.grounding.base import Verdict
from ragapp.indexes.types import ScoredPassage, Span
from ragapp.text import one_line, printable
from ragapp.tui.glyphs import Glyphs
from ragapp.tui.scope import Scope
from ragapp.tui.state import TurnState, finished

if TYPE_CHECKING:
    from ragapp.doctor import Check

NOT_HELD = "Not in your documents."
CITATION = "citation"
"""What a click finds below a citation's number, in the style's meta."""
COPY = "copy"
"""What it finds below the word that copies an answer."""
CHIP = "chip"
"""What it finds below a chip: its place, from 0."""
_NEAREST = 3
_EXCERPT = 160
_TOLD_MS = 10
"""A stage that took less is not worth a word."""
_PLACE = "italic"
_SUCCESS, _WARNING, _ERROR, _ACCENT = "$text-success", "$text-warning", "$text-error", "$text-accent"
_VERDICTS: dict[Verdict, tuple[str, str]] = {
    "supported": ("supported by its source", _SUCCESS),
    "not_supported": ("not supported by its source", _WARNING),
    "contradicted": ("contradicted by its source", _ERROR),
}
"""Words and style of each verdict."""
_TABLE_SIGNS = re.compile(r"\s*\|[\s|:-]*")
"""What draws a Markdown table; its cells alone are shown in an excerpt."""


class Line(NamedTuple):
    """A paragraph of a turn and how far it is indented, in cells."""

    content: Content
    indent: int = 0


class Evidence(NamedTuple):
    """A row of the evidence pane: a citation, or a passage that was read.

    Attributes:
        number: The citation's number, as ``[n]`` in the answer; nothing for a passage that is not cited.
        document: The document's name.
        version: Its version.
        span: Characters of the document's text to highlight.
        quote: What stands there.
        place: Page, heading and line, on one line.
        scores: What each stage of retrieval thought of it, on up to two lines; empty for a stored answer.
        passage: Id of the passage.
        line: Line of the file, from 1, where the format has lines.
        day: The day on which the file was last changed, ``of YEAR-MONTH-DAY``; empty if that is not known.
    """

    number: int | None
    document: str
    version: int
    span: Span
    quote: str
    place: str
    scores: str
    passage: int
    line: int | None
    day: str


def turn_lines(turn: TurnState, glyphs: Glyphs) -> list[Line]:
    """Draw a turn: the question, the answer with its numbers, the sentences it stands in, and how sure it is.

    Args:
        turn: The turn.
        glyphs: Signs that the terminal can show.

    Returns:
        Paragraphs of inert text.
    """
    asked = Content.assemble((f"{glyphs.you} ", f"bold {_ACCENT}"), (printable(turn.question, keep="\n"), "bold"))
    lines = [Line(asked)]
    if turn.scope.narrow or turn.scope.collection:
        lines.append(_line(f"in {' · '.join(chip.label for chip in turn.scope.chips)}", "dim"))
    answer = turn.answer.answer
    if answer and answer.understood_as != turn.question:
        lines.append(_line(f"understood as: {one_line(answer.understood_as)}", "dim"))
    return lines + _told(turn, glyphs)


def folded_lines(turn: TurnState, glyphs: Glyphs) -> list[Line]:
    """Draw a turn that is folded: its question and the first line of what became of it, with a sign that it is."""
    asked = Content.assemble((f"{glyphs.folded} ", f"bold {_ACCENT}"), (one_line(turn.question), "bold"))
    told = _told(turn, glyphs)
    more = (f"  {glyphs.busy}", "dim") if len(told) > 1 else ""
    return [Line(asked), *(Line(Content.assemble(first.content, more), first.indent) for first in told[:1])]


def _told(turn: TurnState, glyphs: Glyphs) -> list[Line]:
    state = turn.answer
    lines: list[Line] = []
    if state.answer and state.abstained:
        lines += _abstained(state.answer, glyphs)
        if turn.scope.narrow:
            lines.append(_line("Only some documents were looked into: /broaden asks all of them.", _ACCENT))
    elif state.text:
        lines += _answered(turn)
    lines += [_line(f"{glyphs.warning} {one_line(name)} has changed since", _WARNING) for name in turn.stale]
    if turn.status == "running":
        lines.append(_line(f"{glyphs.busy} {_phase(turn)}", "dim"))
    elif turn.status == "cancelled":
        lines.append(_line(f"{glyphs.stopped} stopped", _WARNING))
    elif turn.status == "failed":
        lines.append(_line(f"{glyphs.failed} {one_line(state.error)}", _ERROR))
        if state.hint:
            lines.append(_line(f"try: {one_line(state.hint)}", "dim"))
    elif state.answer:
        lines += _certified(state.answer)
        lines.append(_line(_footer(state.answer), "dim"))
        if not state.abstained:
            copy = Content.styled("copy", "underline").stylize(Style.from_meta({COPY: True}))
            lines[-1] = lines[-1]._replace(content=Content.assemble(lines[-1].content, (" · ", "dim"), copy))
    return lines


def scope_told(scope: Scope, count: int | None) -> list[Content]:
    """Draw what the next question is kept to, and how to let go of it; empty for everywhere.

    Args:
        scope: The scope.
        count: How many documents it lets through; nothing if that is not told.

    Returns:
        What stands side by side where there is room, each chip to be clicked on.
    """
    chips = scope.chips
    if not chips:
        return []
    parts = [
        Content.styled(f" {chip.label} ", "reverse").stylize(Style.from_meta({CHIP: number}))
        for number, chip in enumerate(chips)
    ]
    many = "no document" if count == 0 else f"{count} document{'' if count == 1 else 's'}"
    if count is not None:
        parts.append(Content.styled(f" {many}", f"bold {_WARNING}" if count == 0 else ""))
    return [*parts, Content.styled(" Backspace or a click lets go", "dim")]


def side_by_side(parts: Sequence[Content], width: int) -> Content:
    """Put parts one after the other, on a new line where the next does not fit whole.

    Args:
        parts: What to draw, none with a line break.
        width: Cells there are; what is longer alone is cut.

    Returns:
        Lines of at most that width.
    """
    lines: list[Content] = []
    for part in parts:
        fitted = part.truncate(width, ellipsis=True)
        if lines and lines[-1].cell_length + 1 + fitted.cell_length <= width:
            lines[-1] = Content.assemble(lines[-1], " ", fitted)
        else:
            lines.append(fitted)
    return Content("\n").join(lines)


def evidence(answer: Answer | None, citations: tuple[Citation, ...] = ()) -> list[Evidence]:
    """List the evidence of an answer: its citations by number, then the passages that were read, best first.

    Args:
        answer: The answer, once done.
        citations: Those that are known before it is done.

    Returns:
        Rows of the evidence pane.
    """
    cited = answer.citations if answer else citations
    passages = answer.passages if answer else ()
    scores = {scored.passage.id: _scores(scored) for scored in passages}
    # An answer that was withheld has no numbers: nothing in it is claimed.
    unclaimed = answer is not None and answer.abstained
    rows = [
        Evidence(
            None if unclaimed else number,
            citation.document,
            citation.version,
            Span(citation.char_start, citation.char_end),
            citation.quote,
            _place(citation.page, citation.heading, citation.line),
            scores.get(citation.passage_id, ""),
            citation.passage_id,
            citation.line,
            _day(citation.modified_at),
        )
        for number, citation in enumerate(cited, 1)
    ]
    quoted = {citation.passage_id for citation in cited}
    for scored in passages:
        passage = scored.passage
        if passage.id in quoted:
            continue
        locator = passage.locator
        rows.append(
            Evidence(
                None,
                passage.document,
                passage.version,
                passage.span,
                passage.text,
                _place(locator.page, locator.heading, locator.line),
                scores[passage.id],
                passage.id,
                locator.line,
                _day(passage.modified_at),
            )
        )
    return rows


def evidence_content(row: Evidence, glyphs: Glyphs, *, pinned: bool = False) -> Content:
    """Draw a row of the evidence pane, and whether it is pinned for the next question."""
    sign = (f"[{row.number}] ", f"bold {_ACCENT}") if row.number else (f"{glyphs.passage} ", "dim")
    pin = (f"  {glyphs.pin} pinned", _ACCENT) if pinned else ""
    name, day = one_line(row.document.rpartition("/")[2]), f" {row.day}" if row.day else ""
    lines = [Content.assemble(sign, (name, "bold"), (day, "dim"), pin)]
    lines += [Content.styled(row.place, _PLACE)] if row.place else []
    lines.append(Content(excerpt(row.quote)))
    lines += [Content.styled(row.scores, "dim")] if row.scores else []
    return Content("\n").join([*lines, Content("")])


def found(content: Content, words: str) -> Content:
    """Mark words wherever they stand in a text, in any case; no words mark nothing."""
    return content.highlight_regex(re.compile(re.escape(words), re.IGNORECASE), style="reverse") if words else content


def holding(turns: Sequence[TurnState], words: str, glyphs: Glyphs) -> list[int]:
    """Find the turns that hold words, as they are shown.

    Args:
        turns: The turns.
        words: The words, in any case.
        glyphs: Signs that the terminal can show.

    Returns:
        Their numbers, from 0.
    """
    wanted = words.casefold()
    return [
        number
        for number, turn in enumerate(turns)
        if any(wanted in line.content.plain.casefold() for line in turn_lines(turn, glyphs))
    ]


def highlighted(text: str, span: Span) -> Content:
    """Draw a document's text with a span highlighted.

    Args:
        text: The document's text.
        span: Characters of it.

    Returns:
        The text, control characters made inert.
    """
    before, quote, after = text[: span.start], text[span.start : span.end], text[span.end :]
    return Content.assemble(
        printable(before, keep="\n\t"), (printable(quote, keep="\n\t"), "reverse"), printable(after, keep="\n\t")
    )


def checks_told(checks: Sequence[Check]) -> Content:
    """Draw what works here and what does not, with the fix."""
    styles = {"OK": _SUCCESS, "WARN": _WARNING, "FAIL": _ERROR}
    lines: list[Content] = []
    for check in checks:
        sign = (f"{check.verdict:5}", styles[check.verdict])
        lines.append(Content.assemble(sign, f"{check.name}: {one_line(check.detail)}"))
        lines += [Content.styled(f"     fix: {one_line(check.fix)}", "dim")] if check.fix else []
    return Content("\n").join(lines)


def compared_told(first: Answer, second: Answer, settings: str, glyphs: Glyphs) -> tuple[Content, Content]:
    """Draw two answers to a question to be put side by side: as it was given, and under other settings."""
    told: list[Content] = []
    for title, answer in (("as it was", first), (settings, second)):
        drawn = turn_lines(finished(answer), glyphs)[1:]
        lines = [Content("  " * (line.indent > 0)) + line.content for line in drawn]
        told.append(Content("\n").join([Content.styled(title, f"bold {_ACCENT}"), *lines]))
    return told[0], told[1]


def _answered(turn: TurnState) -> list[Line]:
    state = turn.answer
    numbers = Content("").join([Content.assemble(" ", _number(n)) for n in range(1, len(state.citations) + 1)])
    sure = f"  {state.confidence:.0%} sure" if state.confidence is not None else ""
    said = Content.assemble((one_line(state.text), f"bold {_SUCCESS}"), numbers, (sure, "dim"))
    lines = [Line(said, 2)]
    for number, citation in enumerate(state.citations, 1):
        start, end = citation.answer_start - citation.char_start, citation.answer_end - citation.char_start
        before, words, after = (
            _folded(part) for part in (citation.quote[:start], citation.quote[start:end], citation.quote[end:])
        )
        quote = Content.assemble(_number(number), f" “{before}", (words, f"bold {_SUCCESS}"), f"{after}”")
        place = _place(citation.page, citation.heading, citation.line)
        name = one_line(citation.document.rpartition("/")[2])
        where = Content.styled(" · ".join(part for part in (name, place) if part), _PLACE)
        lines += [Line(quote, 2), Line(where, 6)]
    for verdict in state.grounding:
        words, style = _VERDICTS[verdict.verdict]
        claim = f": {one_line(verdict.claim)}" if len(state.grounding) > 1 else ""
        lines.append(_line(f"{words}{claim}", style))
    return lines


def _number(number: int) -> Content:
    """Draw the number of a citation, to be clicked on."""
    style = Style.from_meta({CITATION: number})
    return Content.styled(f"[{number}]", _ACCENT).stylize(style)


def _abstained(answer: Answer, glyphs: Glyphs) -> list[Line]:
    lines = [_line(f"{glyphs.nothing} {NOT_HELD}", f"bold {_WARNING}")]
    if answer.text:
        lines.append(_line(f"The nearest to an answer: {one_line(answer.text)}", "dim"))
    for scored in answer.passages[:_NEAREST]:
        name = one_line(scored.passage.document.rpartition("/")[2])
        lines += [_line(name, _PLACE), Line(Content.styled(excerpt(scored.passage.text), "dim"), 6)]
    return lines


def _phase(turn: TurnState) -> str:
    state = turn.answer
    if state.phase == "reading" and not state.text:
        return f"reading {len(state.passages)} passages"
    return "searching" if state.phase in {"idle", "retrieving"} else "checking"


def _certified(answer: Answer) -> list[Line]:
    """Tell what the certificate of these documents says, or why it holds no more."""
    told = answer.guarantee
    if told is None or not told.own:
        return []
    if told.void:
        return [_line(f"Certificate void: {', '.join(told.void)}. Try: ragapp calibrate", _WARNING)]
    return [_line(f"certified on these documents: {told.sentence}", "dim")]


def _footer(answer: Answer) -> str:
    times = dict(answer.timings_ms)
    total = times.pop("total", 0.0)
    times["search"] = times.pop("encode", 0.0) + times.get("search", 0.0)
    stages = [f"{stage} {ms / 1e3:.2f}" for stage, ms in times.items() if ms >= _TOLD_MS]
    return " · ".join([f"{total / 1e3:.2f} s", *stages])


def _scores(scored: ScoredPassage) -> str:
    """Tell what was searched on one line, what came of it on the next: no name is torn from its number."""
    told = {stage: f"{stage} {value:.2f}" for stage, value in scored.scores._asdict().items() if value is not None}
    searched = [f"rank {scored.rank}", *(told[stage] for stage in ("dense", "lexical") if stage in told)]
    ranked = [told[stage] for stage in ("fused", "rerank") if stage in told]
    return "\n".join(" · ".join(line) for line in (searched, ranked) if line)


def _place(page: int | None, heading: str | None, line: int | None) -> str:
    parts = [f"page {page}" if page is not None else "", one_line(heading or ""), f"line {line}" if line else ""]
    return " · ".join(part for part in parts if part)


def _day(seconds: float | None) -> str:
    return time.strftime("of %Y-%m-%d", time.localtime(seconds)) if seconds is not None else ""


def excerpt(text: str) -> str:
    """Give the beginning of a text on one line, without what draws headings and tables."""
    folded = _TABLE_SIGNS.sub(" · ", one_line(text)).lstrip("# ·")
    return folded if len(folded) <= _EXCERPT else folded[: _EXCERPT - 1].rstrip() + "…"


def _folded(text: str) -> str:
    """Put a piece of a quote on one line, keeping a space at its ends: the file's own line breaks are not ours."""
    return printable(re.sub(r"\s+", " ", text))


def _line(text: str, style: str) -> Line:
    return Line(Content.styled(text, style), 2)
