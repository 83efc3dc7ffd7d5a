"""Word documents (docx): paragraphs and tables in order, heading styles as sections.

The container is read here rather than by a library, because every part must be bounded before it is unpacked and
parsed: sizes and number of the entries, no document type declarations (entity expansion), elements dropped as they
are read. Structure follows ECMA-376 part 1, "WordprocessingML".
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple
from xml.etree import ElementTree as ET
from xml.parsers import expat

from ragapp.indexes.types import LoadedDocument
from ragapp.ingest.limits import MEGABYTE
from ragapp.ingest.loaders.base import DocumentBuilder, Source

_WORD = frozenset(
    {
        "{http://schemas.openxmlformats.org/wordprocessingml/2006/main",
        "{http://purl.oclc.org/ooxml/wordprocessingml/main",
    }
)
_RELATIONSHIP = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_HEADING_STYLE = re.compile(r"heading (\d)$", re.IGNORECASE)
_BODY_TEXT = 9  # the outline level that is none
_TITLE_LEVEL = 0  # above the first level of headings
_OLE = b"\xd0\xcf\x11\xe0"
_REPAIR = "open it in a word processor and save it again as docx"


class _Style(NamedTuple):
    """What matters of a paragraph's style: its heading level, if it is a heading, and whether it is a list item."""

    level: int | None = None
    is_item: bool = False


class _Forbidden(Exception):
    """The XML declares a document type."""


class _RootReached(Exception):
    """The XML's root element begins, so no document type can follow."""


def load_docx(source: Source) -> LoadedDocument:
    """Load a Word document.

    Args:
        source: The file.

    Returns:
        Its paragraphs and tables with heading paths, titled by its core properties.

    Raises:
        LoadError: It is encrypted, broken, no Word document, or unpacks to far more than it should.
    """
    if source.data.startswith(_OLE):
        raise source.error("is encrypted, or in the old .doc format", "open it and save it as docx without a password")
    try:
        with zipfile.ZipFile(io.BytesIO(source.data)) as package:
            _check_sizes(source, package)
            return _read(source, package)
    except _Forbidden as error:
        raise source.error("declares XML entities, which no word processor writes", "leave it out") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ET.ParseError, NotImplementedError) as error:
        raise source.error(f"is a broken Word document, or none: {error}", _REPAIR) from error
    except RuntimeError as error:  # what zipfile raises for a password
        raise source.error(f"cannot be unpacked: {error}", "save it without a password") from error


def _check_sizes(source: Source, package: zipfile.ZipFile) -> None:
    """Refuse a zip bomb by what it declares; more than it declares is never unpacked."""
    limits, entries = source.limits, package.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    packed = max(1, sum(entry.compress_size for entry in entries))
    if len(entries) > limits.zip_entries:
        raise source.error(f"holds {len(entries)} files, the limit is {limits.zip_entries}", "leave it out")
    too_dense = unpacked > MEGABYTE and unpacked / min(packed, len(source.data)) > limits.unpacked_ratio
    if unpacked > limits.unpacked_bytes or too_dense:
        raise source.error(
            f"unpacks from {len(source.data) / MEGABYTE:.2f} to {unpacked / MEGABYTE:.0f} MB, as a zip bomb does",
            "leave it out, or save it again without its images",
        )


def _read(source: Source, package: zipfile.ZipFile) -> LoadedDocument:
    main = _target(package, "/officeDocument")
    if main is None:
        raise source.error("is no Word document", _REPAIR)
    styles = _styles(package)
    document = DocumentBuilder(source, "docx")
    title = ""
    last_was_item = False
    for element in _body(package, main):
        is_item = False
        if _name(element) == "tbl":
            for number, row in enumerate(_rows(element)):
                document.block(row, "\n" if number else "\n\n")
        elif text := _text(element).strip():
            level, is_item = _style_of(element, styles)
            if level is not None:
                document.heading(level, text)
                title = title or (text if level == _TITLE_LEVEL else "")
            else:
                document.block(f"- {text}" if is_item else text, "\n" if is_item and last_was_item else "\n\n")
        last_was_item = is_item
    return document.build(_title(package) or title)


@contextmanager
def _opened(package: zipfile.ZipFile, part: str) -> Generator[IO[bytes]]:
    """Open an XML part that declares no document type."""
    with package.open(part) as file:
        _refuse_doctype(file)
    with package.open(part) as file:
        yield file


def _root(package: zipfile.ZipFile, part: str) -> ET.Element:
    """Parse one of the small parts whole."""
    with _opened(package, part) as file:
        return ET.parse(file).getroot()  # noqa: S314 - no entity is declared


def _refuse_doctype(file: IO[bytes]) -> None:
    """Read XML as far as its root element and refuse a document type, without which no entity can be declared."""

    def doctype(*_: object) -> None:
        raise _Forbidden

    def root(*_: object) -> None:
        raise _RootReached

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = root
    try:
        while block := file.read(1 << 16):
            parser.Parse(block)
    except (_RootReached, expat.ExpatError):  # broken XML is reported by the real parse
        return


def _body(package: zipfile.ZipFile, part: str) -> Iterator[ET.Element]:
    """Give the paragraphs and tables of the body, whatever they are wrapped in, each dropped when it is read."""
    skipped, open_blocks = 0, 0
    above: list[ET.Element] = []
    with _opened(package, part) as file:
        for event, element in ET.iterparse(file, ("start", "end")):  # noqa: S314 - no entity is declared
            if element.tag == _FALLBACK:
                skipped += 1 if event == "start" else -1
            is_block = _name(element) in {"p", "tbl"} and not skipped
            if event == "start":
                above.append(element)
                open_blocks += is_block
                continue
            above.pop()
            open_blocks -= is_block
            if open_blocks == 0:
                if is_block:
                    yield element
                if above:
                    above[-1].remove(element)


def _name(element: ET.Element) -> str:
    """Give an element's name if it is one of WordprocessingML, else an empty string."""
    space, _, name = element.tag.rpartition("}")
    return name if space in _WORD else ""


def _find(element: ET.Element | None, *path: str) -> ET.Element | None:
    for name in path:
        element = next((child for child in element if _name(child) == name), None) if element is not None else None
    return element


def _value(element: ET.Element | None) -> str:
    """Give the ``w:val`` attribute."""
    if element is None:
        return ""
    return next((value for key, value in element.attrib.items() if key.endswith("}val")), "")


def _text(element: ET.Element) -> str:
    """Give the text of a paragraph as it reads with all changes accepted."""
    parts: list[str] = []
    waiting = [element]
    while waiting:
        node = waiting.pop()
        match _name(node):
            case "t":
                parts.append(node.text or "")
            case "tab":
                parts.append("\t")
            case "br" | "cr":
                parts.append("\n")
            case "noBreakHyphen":
                parts.append("-")
            case "pPr" | "rPr" | "del" | "moveFrom":  # properties, whose tab stops are no tabs; deleted text
                continue
            case "p" if node is not element:  # a text box
                parts.append("\n")
            case _ if node.tag == _FALLBACK:  # the same text box once more, for old programs
                continue
            case _:
                pass
        waiting.extend(reversed(node))
    return "".join(parts)


def _rows(table: ET.Element) -> Iterator[str]:
    """Give a table's rows, cells joined by bars, nested tables folded into their cell."""
    for row in _children(table, "tr"):
        cells = [" ".join(" ".join(map(_text, _children(cell, "p", "tbl"))).split()) for cell in _children(row, "tc")]
        if any(cells):
            yield " | ".join(cells)


def _children(element: ET.Element, *names: str) -> Iterator[ET.Element]:
    """Give children of these names, also inside content controls and the like."""
    waiting = list(reversed(element))
    while waiting:
        child = waiting.pop()
        if _name(child) in names:
            yield child
        elif _name(child) in {"sdt", "sdtContent", "customXml", "ins"}:
            waiting.extend(reversed(child))


def _style_of(paragraph: ET.Element, styles: dict[str, _Style]) -> _Style:
    """Give a paragraph's heading level and whether it is a list item, by itself or by its style."""
    properties = _find(paragraph, "pPr")
    style = styles.get(_value(_find(properties, "pStyle")), _Style())
    own = _outline_level(properties)
    is_item = style.is_item or _find(properties, "numPr") is not None
    return _Style(style.level if own is None else own, is_item)


def _outline_level(properties: ET.Element | None) -> int | None:
    value = _value(_find(properties, "outlineLvl"))
    return int(value) + 1 if value.isdecimal() and int(value) < _BODY_TEXT else None


def _styles(package: zipfile.ZipFile) -> dict[str, _Style]:
    """Read the paragraph styles; what one does not say itself, the style it is based on says."""
    if "word/styles.xml" not in package.namelist():
        return {}
    own: dict[str, _Style] = {}
    parents: dict[str, str] = {}
    for element in _root(package, "word/styles.xml"):
        if _name(element) != "style":
            continue
        identity = next((value for key, value in element.attrib.items() if key.endswith("}styleId")), "")
        name, properties = _value(_find(element, "name")), _find(element, "pPr")
        level = _outline_level(properties)
        if level is None and (match := _HEADING_STYLE.match(name)):
            level = int(match[1])
        elif name.casefold() == "title":
            level = _TITLE_LEVEL
        own[identity] = _Style(level, _find(properties, "numPr") is not None)
        parents[identity] = _value(_find(element, "basedOn"))
    return {identity: _inherited(identity, own, parents) for identity in own}


def _inherited(identity: str, own: dict[str, _Style], parents: dict[str, str]) -> _Style:
    level, is_item = None, False
    seen: set[str] = set()
    while identity in own and identity not in seen:
        seen.add(identity)
        level = own[identity].level if level is None else level
        is_item = is_item or own[identity].is_item
        identity = parents[identity]
    return _Style(level, is_item)


def _target(package: zipfile.ZipFile, kind: str) -> str | None:
    """Give the part that the package's relation of this kind points to."""
    for element in _root(package, "_rels/.rels"):
        if element.tag == _RELATIONSHIP and element.get("Type", "").endswith(kind):
            return element.get("Target", "").lstrip("/")
    return None


def _title(package: zipfile.ZipFile) -> str:
    part = _target(package, "/core-properties")
    if part is None or part not in package.namelist():
        return ""
    return _root(package, part).findtext(_TITLE, "")
