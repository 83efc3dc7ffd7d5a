"""HTML: the visible text by block elements, headings as sections, tables row by row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ragapp.indexes.types import LoadedDocument
from ragapp.ingest.loaders.base import DocumentBuilder, Source, heading_text
from ragapp.ingest.loaders.decoding import decode

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w-]{2,40})""", re.IGNORECASE)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_UNSEEN = frozenset({
    "head", "script", "style", "nav", "noscript", "template", "iframe", "svg", "math", "canvas", "object", "audio",
    "video", "select", "datalist", "button",
})  # fmt: skip
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "div", "dl",
    "dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hr", "html", "li", "main", "ol", "p", "pre",
    "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul", *_HEADINGS,
})  # fmt: skip
_HIDDEN_STYLE = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
# A table that holds these lays out a page; its cells are read as the blocks they are.
_LAYOUT = "table, h1, h2, h3, h4, h5, h6, p + p, div + div"
_ASKED_DEPTH = 8


class _Step(NamedTuple):
    kind: Literal["open", "close", "text"]
    tag: str
    node: LexborNode


def load_html(source: Source) -> LoadedDocument:
    """Load an HTML page.

    Args:
        source: The file.

    Returns:
        Its visible text with heading paths, titled by ``<title>`` or a first-level heading.

    Raises:
        LoadError: It is empty, is not text, or its encoding cannot be told.
    """
    declared = _CHARSET.search(source.data[:4096])
    tree = LexborHTMLParser(decode(source, declared[1].decode("ascii") if declared else None))
    title = tree.css_first("head > title") or tree.css_first("h1")
    writer = _Writer(DocumentBuilder(source, "html"))
    if tree.root is not None:
        for step in _steps(tree.root):
            writer.take(step)
    return writer.document.build(heading_text(title.text()) if title else "")


def _steps(root: LexborNode) -> Iterator[_Step]:
    """Walk the visible tree without recursion: pages may nest a million elements deep."""
    above: list[tuple[str, LexborNode]] = []
    node: LexborNode | None = root
    while node is not None or above:
        if node is None:
            tag, node = above.pop()
            yield _Step("close", tag, node)
            node = node.next
            continue
        if node.is_text_node:
            yield _Step("text", "", node)
        elif node.is_element_node and not _unseen(tag := node.tag or "", node):
            yield _Step("open", tag, node)
            above.append((tag, node))
            node = node.child
            continue
        node = node.next


def _unseen(tag: str, node: LexborNode) -> bool:
    if tag in _UNSEEN:
        return True
    attributes = node.attributes
    return bool(attributes) and (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or _HIDDEN_STYLE.search(attributes.get("style") or "") is not None
    )


class _Writer:
    """Folds the steps of the walk into blocks."""

    def __init__(self, document: DocumentBuilder) -> None:
        self.document = document
        self._words: list[str] = []  # of the block that is open
        self._verbatim = 0  # depth of <pre>
        self._lists = 0  # depth of <ul> and <ol>
        self._bullet = False  # the next block begins a list item
        self._row: list[str] | None = None  # cells of the open row of a data table
        self._tables: list[bool] = []  # open tables: is it one of data?
        self._tight = False  # the last block was a list item or a row: the next one follows on the next line

    def take(self, step: _Step) -> None:
        """Take the next step of the walk."""
        match step:
            case ("text", _, node):
                text = node.text_content or ""
                self._words.append(text if self._verbatim else re.sub(r"\s+", " ", text))
            case ("open", tag, node):
                self._open(tag, node)
            case (_, tag, _):
                self._close(tag)

    def _open(self, tag: str, node: LexborNode) -> None:
        if tag == "br":
            self._words.append("\n")
        if tag not in _BLOCKS:
            return
        self._end_block()
        if tag == "pre":
            self._verbatim += 1
        elif tag in {"ul", "ol"}:
            self._lists += 1
        elif tag == "li":
            self._bullet = True
        elif tag == "table":
            # Each question looks at all that is inside, so a page nested like a bomb is not asked at every depth.
            inside = node.css(_LAYOUT) if len(self._tables) < _ASKED_DEPTH else None
            data = inside is not None and all(inner == node for inner in inside)
            self._tables.append(data)
        elif tag == "tr" and self._in_data_table:
            self._row = []

    def _close(self, tag: str) -> None:
        if tag not in _BLOCKS:
            return
        if tag in _HEADINGS and self._row is None:
            self.document.heading(_HEADINGS[tag], self._take_words())
            self._tight = self._bullet = False
            return
        self._end_block(cell=tag in {"td", "th"})
        if tag == "pre":
            self._verbatim -= 1
        elif tag in {"ul", "ol"}:
            self._lists -= 1
            self._tight = self._tight and self._lists > 0
        elif tag == "li":
            self._bullet = False
        elif tag == "table":
            self._tables.pop()
            self._tight = False
        elif tag == "tr" and self._row is not None:
            self._add(" | ".join(self._row) if any(self._row) else "", line=True)
            self._row = None

    @property
    def _in_data_table(self) -> bool:
        return bool(self._tables) and self._tables[-1]

    def _take_words(self) -> str:
        joined = "".join(self._words)
        self._words.clear()
        if self._verbatim:
            return joined.strip("\n").rstrip()
        lines = (" ".join(line.split()) for line in joined.split("\n"))
        return "\n".join(line for line in lines if line)

    def _end_block(self, *, cell: bool = False) -> None:
        if self._row is not None:  # inside a row only the end of a cell ends something
            if cell:
                self._row.append(" ".join(self._take_words().split()))
            else:
                self._words.append(" ")
            return
        text = self._take_words()
        if not text:
            return
        if self._bullet:
            self._bullet = False
            self._add("  " * (self._lists - 1) + "- " + text, line=True)
        else:
            self._add(text, line=False)

    def _add(self, text: str, *, line: bool) -> None:
        if text:
            self.document.block(text, "\n" if line and self._tight else "\n\n")
            self._tight = line
