"""Builds the PDF and DOCX sample documents, and checks the whole sample collection.

The text, Markdown and HTML samples are kept as they are under ``ragapp/samples/documents``. The PDF and DOCX ones
are made from Markdown under ``tools/samples_src``: ``space/cassini-huygens.pdf.md`` becomes
``space/cassini-huygens.pdf``. Building twice gives the same bytes.

Usage::

    python tools/build_samples.py           # write the binaries
    python tools/build_samples.py --check   # change nothing; check documents and questions, exit 1 on a problem
"""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import docx
import pypdfium2
from docx.document import Document as WordDocument
from docx.table import Table as WordTable
from docx.text.paragraph import Paragraph as WordParagraph
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    ListFlowable,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
)
from selectolax.lexbor import LexborHTMLParser

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "tools" / "samples_src"
SAMPLES = ROOT / "ragapp" / "samples"
DOCUMENTS = SAMPLES / "documents"

AUTHOR = "The ragapp authors"
STAMP = datetime(2025, 1, 1, tzinfo=UTC)
"""The date that every built file carries, in place of the time of the build."""
MAX_ANSWER_WORDS = 8


# Markdown to blocks


@dataclass(frozen=True)
class Run:
    """A stretch of text in one typeface."""

    text: str
    bold: bool = False
    italic: bool = False


Runs = tuple[Run, ...]


@dataclass(frozen=True)
class Block:
    """One block of a document.

    Attributes:
        kind: ``heading``, ``subtitle``, ``paragraph``, ``bullets``, ``numbers`` or ``table``.
        rows: The content: one row with one cell for a heading or paragraph, one row an item for a list.
        level: The level of a heading, from 1.
    """

    kind: str
    rows: tuple[tuple[Runs, ...], ...]
    level: int = 0

    @property
    def runs(self) -> Runs:
        """The first cell, which for headings and paragraphs is all there is."""
        return self.rows[0][0]

    @property
    def text(self) -> str:
        """The first cell without its typefaces."""
        return "".join(run.text for run in self.runs)


def _runs(node: SyntaxTreeNode, bold: bool = False, italic: bool = False) -> Iterator[Run]:
    """Yields the runs below an inline node."""
    for child in node.children:
        if child.type == "text":
            yield Run(child.content, bold, italic)
        elif child.type == "softbreak":
            yield Run(" ", bold, italic)
        elif child.type in {"strong", "em", "inline"}:
            yield from _runs(child, bold or child.type == "strong", italic or child.type == "em")
        else:
            raise ValueError(f"no rule for {child.type!r} in a sample's source")


def _cells(node: SyntaxTreeNode) -> tuple[tuple[Runs, ...], ...]:
    """The rows of a table, its header first."""
    return tuple(tuple(tuple(_runs(cell)) for cell in row.children) for part in node.children for row in part.children)


def parse(markdown: str) -> list[Block]:
    """Reads the subset of Markdown that the sources use.

    Args:
        markdown: A title, then headings, paragraphs, flat lists and tables. A first paragraph without a full stop is
            the subtitle.

    Returns:
        The blocks in order, with typographic quotation marks.

    Raises:
        ValueError: The source uses something else.
    """
    reader = MarkdownIt("commonmark", {"typographer": True}).enable(["table", "replacements", "smartquotes"])
    blocks: list[Block] = []
    for node in SyntaxTreeNode(reader.parse(markdown)).children:
        match node.type:
            case "heading":
                blocks.append(Block("heading", ((tuple(_runs(node)),),), int(node.tag[1:])))
            case "paragraph":
                block = Block("paragraph", ((tuple(_runs(node)),),))
                subtitle = len(blocks) == 1 and not block.text.endswith(".")
                blocks.append(Block("subtitle", block.rows) if subtitle else block)
            case "bullet_list" | "ordered_list":
                items = tuple((tuple(_runs(item.children[0])),) for item in node.children)
                blocks.append(Block("bullets" if node.type == "bullet_list" else "numbers", items))
            case "table":
                blocks.append(Block("table", _cells(node)))
            case other:
                raise ValueError(f"no rule for {other!r} in a sample's source")
    return blocks


# Blocks to PDF

_MARGIN = 30 * mm
_WIDTH = A4[0] - 2 * _MARGIN
_INK = colors.HexColor("#1f3044")
_BODY = ParagraphStyle(
    "body", fontName="Times-Roman", fontSize=11.5, leading=16, spaceAfter=8, allowWidows=0, allowOrphans=0
)
_STYLES = {
    "paragraph": _BODY,
    "subtitle": ParagraphStyle("subtitle", _BODY, fontName="Times-Italic", fontSize=13, leading=17, spaceAfter=14),
    "h1": ParagraphStyle("h1", _BODY, fontName="Helvetica-Bold", fontSize=22, leading=27, textColor=_INK, spaceAfter=4),
    "h2": ParagraphStyle(
        "h2", _BODY, fontName="Helvetica-Bold", fontSize=14, leading=18, textColor=_INK, spaceBefore=9, keepWithNext=1
    ),
    "h3": ParagraphStyle(
        "h3", _BODY, fontName="Helvetica-Bold", fontSize=11, leading=15, textColor=_INK, spaceBefore=3, keepWithNext=1
    ),
    "item": ParagraphStyle("item", _BODY, spaceAfter=2),
    "cell": ParagraphStyle("cell", _BODY, fontSize=10, leading=13, spaceAfter=0),
}


class _Pages(BaseDocTemplate):
    """A4 pages with a running title, a page number, and every heading in the outline."""

    def __init__(self, target: BytesIO, title: str) -> None:
        super().__init__(target, pagesize=A4, title=title, author=AUTHOR, invariant=1)
        frame = Frame(_MARGIN, 26 * mm, _WIDTH, A4[1] - 54 * mm, 0, 0, 0, 0)
        self.addPageTemplates(PageTemplate("page", [frame], onPage=self._decorate))
        self._title = title
        self._headings = 0

    def _decorate(self, canvas: Any, _: BaseDocTemplate) -> None:  # noqa: ANN401 - reportlab has no types
        canvas.setFont("Helvetica", 8.5)
        canvas.setFillColor(colors.grey)
        if canvas.getPageNumber() > 1:
            canvas.drawString(_MARGIN, A4[1] - 18 * mm, self._title)
        canvas.drawCentredString(A4[0] / 2, 14 * mm, str(canvas.getPageNumber()))

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802 - reportlab's name
        """Puts a heading just drawn into the outline."""
        style = getattr(getattr(flowable, "style", None), "name", "")
        if style in {"h1", "h2", "h3"}:
            canvas: Any = self.canv
            self._headings += 1
            key = f"heading-{self._headings}"
            canvas.bookmarkPage(key)
            canvas.addOutlineEntry(flowable.getPlainText(), key, int(style[1]) - 1)  # type: ignore[attr-defined]


def _markup(runs: Runs, bold: bool = False) -> str:
    """Runs in reportlab's little markup language."""
    parts: list[str] = []
    for run in runs:
        text = escape(run.text)
        text = f"<i>{text}</i>" if run.italic else text
        parts.append(f"<b>{text}</b>" if run.bold or bold else text)
    return "".join(parts)


def _pdf_table(block: Block) -> Table:
    """A ruled table over the full width, with a bold header."""
    rows = [
        [Paragraph(_markup(cell, bold=number == 0), _STYLES["cell"]) for cell in row]
        for number, row in enumerate(block.rows)
    ]
    rules = [
        ("LINEBELOW", (0, 0), (-1, 0), 1, _INK),
        ("LINEBELOW", (0, 1), (-1, -1), 0.25, colors.lightgrey),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
    ]
    longest = [max(sum(len(run.text) for run in cell) for cell in column) for column in zip(*block.rows, strict=True)]
    widths = [_WIDTH * (length + 6) / sum(other + 6 for other in longest) for length in longest]
    return Table(rows, colWidths=widths, style=rules, repeatRows=1, spaceBefore=4, spaceAfter=14)


def to_pdf(blocks: list[Block]) -> bytes:
    """Sets blocks as a PDF with a text layer, an outline and page numbers.

    Args:
        blocks: What ``parse`` gave, the title first.

    Returns:
        The file; the same blocks always give the same bytes.
    """
    story: list[Flowable] = []
    for block in blocks:
        match block.kind:
            case "table":
                story.append(_pdf_table(block))
            case "bullets" | "numbers":
                items = [Paragraph(_markup(row[0]), _STYLES["item"]) for row in block.rows]
                kind = "bullet" if block.kind == "bullets" else "1"
                start = "•" if kind == "bullet" else None
                story += [ListFlowable(items, bulletType=kind, start=start, leftIndent=14), Spacer(1, 3)]
            case kind:
                style = _STYLES[f"h{block.level}" if kind == "heading" else kind]
                story.append(Paragraph(_markup(block.runs), style))
    target = BytesIO()
    _Pages(target, blocks[0].text).build(story)
    return target.getvalue()


# Blocks to DOCX


def _add_runs(paragraph: WordParagraph, runs: Runs, bold: bool = False) -> None:
    """Appends runs to a Word paragraph."""
    for run in runs:
        added = paragraph.add_run(run.text)
        added.bold = run.bold or bold or None
        added.italic = run.italic or None


def _word_table(document: WordDocument, block: Block) -> None:
    """Appends a table with a bold header."""
    table = document.add_table(len(block.rows), len(block.rows[0]), style="Light Grid Accent 1")
    for number, (row, cells) in enumerate(zip(table.rows, block.rows, strict=True)):
        for cell, runs in zip(row.cells, cells, strict=True):
            _add_runs(cell.paragraphs[0], runs, bold=number == 0)
    document.add_paragraph()


def _repack(data: bytes) -> bytes:
    """Writes a zip archive again with one fixed date for all members."""
    target = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            member = zipfile.ZipInfo(name, STAMP.timetuple()[:6])
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 3
            new.writestr(member, old.read(name))
    return target.getvalue()


def to_docx(blocks: list[Block]) -> bytes:
    """Sets blocks as a Word document with real headings, lists and tables.

    Args:
        blocks: What ``parse`` gave, the title first.

    Returns:
        The file; the same blocks always give the same bytes.
    """
    document = docx.Document()
    styles = {"paragraph": "Normal", "subtitle": "Subtitle", "bullets": "List Bullet", "numbers": "List Number"}
    for block in blocks:
        if block.kind == "table":
            _word_table(document, block)
            continue
        style = styles.get(block.kind, f"Heading {block.level}")
        for row in block.rows:
            _add_runs(document.add_paragraph(style=style), row[0])
    properties = document.core_properties
    properties.title, properties.author, properties.last_modified_by = blocks[0].text, AUTHOR, AUTHOR
    properties.comments, properties.revision, properties.language = "", 1, "en-GB"
    properties.created = properties.modified = STAMP
    target = BytesIO()
    document.save(target)
    return _repack(target.getvalue())


WRITERS: dict[str, Callable[[list[Block]], bytes]] = {".pdf": to_pdf, ".docx": to_docx}


def build() -> Iterator[tuple[Path, bytes]]:
    """Builds every binary sample.

    Yields:
        Where the file belongs, and its bytes.
    """
    for source in sorted(SOURCES.rglob("*.md")):
        target = DOCUMENTS / source.relative_to(SOURCES).with_suffix("")
        yield target, WRITERS[target.suffix](parse(source.read_text("utf-8")))


# Checks


def _pdf_text(data: bytes) -> str:
    pdf = pypdfium2.PdfDocument(data)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in pdf)
    finally:
        pdf.close()


def _docx_text(data: bytes) -> str:
    parts: list[str] = []
    for block in docx.Document(BytesIO(data)).iter_inner_content():
        if isinstance(block, WordTable):
            parts += [cell.text for row in block.rows for cell in row.cells]
        else:
            parts.append(block.text)
    return "\n".join(parts)


def _html_text(data: bytes) -> str:
    body = LexborHTMLParser(data.decode("utf-8")).body
    return body.text(separator=" ") if body else ""


def _markdown_text(data: bytes) -> str:
    return _html_text(MarkdownIt("commonmark").enable("table").render(data.decode("utf-8")).encode())


EXTRACTORS: dict[str, Callable[[bytes], str]] = {
    ".txt": lambda data: data.decode("utf-8"),
    ".md": _markdown_text,
    ".html": _html_text,
    ".pdf": _pdf_text,
    ".docx": _docx_text,
}


def extract(name: str, data: bytes) -> str:
    """Reads the plain text of a sample, white space collapsed.

    Args:
        name: The file's name, for its suffix.
        data: The file.

    Returns:
        Its text on one line.
    """
    return " ".join(EXTRACTORS[Path(name).suffix](data).split())


def _lines(name: str) -> list[dict[str, Any]]:
    """The records of a JSON Lines file of the samples."""
    return [json.loads(line) for line in (SAMPLES / name).read_text("utf-8").splitlines()]


def _question_problems(record: dict[str, Any], texts: dict[str, str]) -> Iterator[str]:
    """Yields what is wrong with one labelled question."""
    answers, document = record["answers"], record["document"]
    if record["kind"] == "unanswerable":
        if answers or document is not None:
            yield "an unanswerable question has neither answers nor a document"
        return
    if record["kind"] != "answerable":
        yield f"no such kind: {record['kind']!r}"
    if document not in texts:
        yield f"no such document: {document!r}"
    if not answers:
        yield "an answerable question needs an answer"
    for answer in answers:
        if answer not in texts.get(document, ""):
            yield f"{answer!r} does not stand in {document}"
        if len(answer.split()) > MAX_ANSWER_WORDS:
            yield f"{answer!r} is longer than {MAX_ANSWER_WORDS} words"


def check() -> Iterator[str]:
    """Checks documents, binaries and questions.

    Yields:
        One line for each problem.
    """
    files = {path.relative_to(DOCUMENTS).as_posix(): path.read_bytes() for path in DOCUMENTS.rglob("*.*")}
    texts = {name: extract(name, data) for name, data in files.items()}
    for name, text in texts.items():
        if not text.replace("\n", " ").isprintable():
            yield f"{name}: holds a control character"
    for path, data in build():
        name = path.relative_to(DOCUMENTS).as_posix()
        if texts.get(name) != extract(name, data):
            yield f"{name}: not what its source builds; run python tools/build_samples.py"
    questions = _lines("questions.jsonl")
    for record in questions:
        yield from (f"{record['id']}: {problem}" for problem in _question_problems(record, texts))
    for key, number in Counter(record["id"] for record in questions + _lines("demo.jsonl")).items():
        if number > 1:
            yield f"{key}: used {number} times"


def main() -> int:
    """Runs the command line.

    Returns:
        The exit status: 1 if a check found a problem.
    """
    parser = argparse.ArgumentParser(description="Build the PDF and DOCX samples, or check the whole collection.")
    parser.add_argument("--check", action="store_true", help="write nothing; check documents and questions")
    if parser.parse_args().check:
        problems = list(check())
        sys.stdout.write("".join(f"{problem}\n" for problem in problems) or "samples: all checks passed\n")
        return 1 if problems else 0
    for path, data in build():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        sys.stdout.write(f"{path.relative_to(ROOT)}  {len(data)} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
