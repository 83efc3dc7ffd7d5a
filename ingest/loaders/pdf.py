"""PDF: the text layer page by page, lines joined to paragraphs, the outline as headings."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, cast

from ragapp.indexes.types import LoadedDocument
from ragapp.ingest.loaders.base import DocumentBuilder, Source

_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
_SECURITY_ERROR = 5  # FPDF_ERR_SECURITY
# PDFium joins a word broken at the end of a line with a mark where it sees one; what it does not see keeps its hyphen.
_BROKEN_WORD = re.compile(r"[\x02\ufffe\xad]\n?|(?<=[^\W\d_])[-\u2010]\n(?=[^\W\d_])")
_NEW_BLOCK = re.compile(r"(?:[•‣◦▪–*-]\s|\(?\d{1,3}[.)]\s|[a-z]\)\s)")
_SENTENCE_END = re.compile(r"[.!?:…]['\"”’»)\]]*$")
_RUNNING_PAGES = 3
_SHORT_LINE = 0.75  # of a page's long lines: shorter ones may end a paragraph


class _Bookmark(NamedTuple):
    level: int
    title: str


class _Closable(Protocol):
    def close(self) -> None: ...


class _TextPage(_Closable, Protocol):
    def get_text_range(self) -> str: ...


class _Page(_Closable, Protocol):
    def get_textpage(self) -> _TextPage: ...


class _Target(Protocol):
    def get_index(self) -> int | None: ...


class _Entry(Protocol):
    @property
    def level(self) -> int: ...
    def get_title(self) -> str: ...
    def get_dest(self) -> _Target | None: ...


class _Pdf(_Closable, Protocol):
    """What is used of pypdfium2's document, which has no types."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> _Page: ...
    def get_toc(self) -> Iterator[_Entry]: ...
    def get_metadata_value(self, key: str) -> str: ...


def load_pdf(source: Source) -> LoadedDocument:
    """Load a PDF's text layer.

    Args:
        source: The file.

    Returns:
        Its text with page numbers and the outline's heading paths, titled by its metadata.

    Raises:
        LoadError: It is encrypted, broken, or has no text layer.
    """
    import pypdfium2  # pyright: ignore[reportMissingTypeStubs]

    try:
        pdf = cast("_Pdf", pypdfium2.PdfDocument(source.data))
    except pypdfium2.PdfiumError as error:
        if error.err_code in {_PASSWORD_ERROR, _SECURITY_ERROR}:  # pyright: ignore[reportUnknownMemberType]
            raise source.error(
                "is encrypted", "save an open copy: qpdf --decrypt --password=PASSWORD IN.pdf OUT.pdf"
            ) from error
        raise source.error("is a broken PDF, or none", "repair it: qpdf IN.pdf OUT.pdf") from error
    try:
        return _read(source, pdf)
    except pypdfium2.PdfiumError as error:
        raise source.error(f"is a broken PDF: {error}", "repair it: qpdf IN.pdf OUT.pdf") from error
    finally:
        pdf.close()


def _read(source: Source, pdf: _Pdf) -> LoadedDocument:
    document = DocumentBuilder(source, "pdf")
    outline = _outline(pdf)
    pages = [list(_paragraphs(_page_text(pdf, number))) for number in range(len(pdf))]
    running = _running(pages)
    found = False
    for number, paragraphs in enumerate(pages):
        document.page(number + 1)
        bookmarks = outline.get(number, [])
        for paragraph in paragraphs:
            found = True
            if paragraph in running or paragraph == str(number + 1):
                continue
            bookmarks = _enter_sections(document, bookmarks, paragraph)
            document.block(paragraph)
        for bookmark in bookmarks:  # sections whose title stands nowhere on their page
            document.heading(bookmark.level, bookmark.title, shown=False)
    if not found:
        raise source.error(
            f"has no text layer: {len(pdf)} pages of images, such as a scanner makes",
            "recognise its text first: ocrmypdf IN.pdf OUT.pdf",
        )
    title = pdf.get_metadata_value("Title")
    return document.build("" if title.lower() in {"untitled", "(anonymous)"} else title)


def _running(pages: Sequence[Sequence[str]]) -> set[str]:
    """Find running heads and feet: what most pages begin or end with says nothing about any of them."""
    edges = Counter(edge for page in pages for edge in {*page[:2], *page[-2:]})
    return {edge for edge, count in edges.items() if count >= _RUNNING_PAGES and count > len(pages) / 2}


def _page_text(pdf: _Pdf, number: int) -> str:
    page = pdf[number]
    text_page = page.get_textpage()
    try:
        return text_page.get_text_range().replace("\r\n", "\n").replace("\r", "\n")
    finally:
        text_page.close()
        page.close()


def _outline(pdf: _Pdf) -> dict[int, list[_Bookmark]]:
    """Give the outline's entries by page, from 0, in their order."""
    entries: defaultdict[int, list[_Bookmark]] = defaultdict(list)
    for bookmark in pdf.get_toc():
        target = bookmark.get_dest()
        page = target.get_index() if target else None
        if page is not None:
            entries[page].append(_Bookmark(bookmark.level + 1, bookmark.get_title()))
    return entries


def _enter_sections(document: DocumentBuilder, bookmarks: list[_Bookmark], paragraph: str) -> list[_Bookmark]:
    """Enter the sections whose title this paragraph begins with; gives those that are still to come on the page."""
    words = _letters(paragraph[:400])
    for position, bookmark in enumerate(bookmarks):
        if (title := _letters(bookmark.title)) and words.startswith(title):
            for entered in bookmarks[: position + 1]:
                document.heading(entered.level, entered.title, shown=False)
            return bookmarks[position + 1 :]
    return bookmarks


def _letters(text: str) -> str:
    """Give the letters alone, from the first one on: numbering and spacing of titles differ from the outline's."""
    return "".join(char for char in text.casefold() if char.isalpha())


def _paragraphs(page: str) -> list[str]:
    """Join a page's lines to paragraphs.

    PDFium tells lines, not paragraphs: one ends at a blank line, before a list item, or where a line is clearly
    shorter than the page's long ones and ends a sentence, or stands short before a capital (a title).
    """
    lines = [" ".join(line.split()) for line in _BROKEN_WORD.sub("", page).split("\n")]
    lengths = sorted(len(line) for line in lines if line)
    if not lengths:
        return []
    short = lengths[int(len(lengths) * 0.9)] * _SHORT_LINE
    paragraphs: list[str] = []
    open_lines: list[str] = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line:
            open_lines.append(line)
        ends = (
            not following
            or _NEW_BLOCK.match(following) is not None
            or (len(line) < short and (_SENTENCE_END.search(line) is not None or following[0].isupper()))
        )
        if ends and open_lines:
            paragraphs.append(" ".join(open_lines))
            open_lines = []
    return paragraphs
