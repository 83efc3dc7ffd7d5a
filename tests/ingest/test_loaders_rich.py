"""HTML, PDF and Word documents."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import docx
import pytest
from ingest_samples import MakePackage, MakePdf, PdfPage

from ragapp.errors import LoadError
from ragapp.indexes.types import LoadedDocument, Locator, MediaType
from ragapp.ingest.limits import Limits
from ragapp.ingest.loaders import load_source
from ragapp.ingest.loaders.base import Source

WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def loaded(data: bytes, kind: MediaType, limits: Limits | None = None) -> LoadedDocument:
    return load_source(Source(f"/x.{kind}", data, limits or Limits()), kind)


def at(document: LoadedDocument, words: str) -> Locator:
    position = document.text.index(words)
    return [mark.locator for mark in document.landmarks if mark.start <= position][-1]


def test_html_is_its_visible_text_by_blocks() -> None:
    document = loaded(
        b"""<!doctype html><html><head><title> The
        canal </title><style>p{}</style><script>no()</script></head><body><nav>Menu</nav>
        <h1>Canal</h1><p>Dug in <b>18</b>25, it<br>joins the lake&nbsp;to the river &amp; sea.</p>
        <div>Loose text <p>and a paragraph</p> tail</div>
        <h2>Locks</h2><ul><li>first</li><li>second<ol><li>inner</li></ol></li></ul>
        <p hidden>no</p><p style="color:red; display: none">no</p><p aria-hidden="true">no</p><template>no</template>
        <table><thead><tr><th>Lock<th>Rise</thead><tr><td>One</td><td><p>3
        m</p></td></tr><tr><td></td></tr></table>
        <pre>keep  this
  as is</pre></body></html>""",
        "html",
    )
    assert document.title == "The canal"
    assert document.text == (
        "Canal\n\nDug in 1825, it\njoins the lake to the river & sea.\n\nLoose text\n\nand a paragraph\n\ntail\n\n"
        "Locks\n\n"
        "- first\n- second\n  - inner\n\nLock | Rise\nOne | 3 m\n\nkeep  this\n  as is"
    )
    assert at(document, "Dug").heading == "Canal"
    assert at(document, "second").heading == "Canal › Locks"


def test_html_layout_tables_are_read_as_blocks_and_data_tables_in_them_as_rows() -> None:
    page = (
        b"<table><tr><td><h2>Left</h2><p>One.</p><p>Two.</p></td><td>"
        b"<table><tr><td>a<td>b</tr></table></td></tr></table>"
    )
    assert loaded(page, "html").text == "Left\n\nOne.\n\nTwo.\n\na | b"


@pytest.mark.parametrize("encoding", ["iso-8859-1", "shift_jis"])
def test_html_declares_its_encoding(encoding: str) -> None:
    words = "Übergröße" if encoding == "iso-8859-1" else "日本語"
    page = f'<html><head><meta charset="{encoding}"></head><p>{words}</p>'
    assert loaded(page.encode(encoding), "html").text == words


def test_html_nested_a_hundred_thousand_deep_is_read() -> None:
    assert loaded(b"<div>" * 20_000 + b"deep" + b"<b>" * 80_000 + b"er", "html").text.replace("\n", "") == "deeper"


def test_html_without_text_is_refused() -> None:
    with pytest.raises(LoadError, match="holds no text"):
        loaded(b"<html><script>x</script></html>", "html")


def test_pdf_pages_paragraphs_outline_and_title(make_pdf: MakePdf) -> None:
    canal = "The canal was dug between the lake and the river, and it took eight years of work to finish it. " * 3
    data = make_pdf(
        [
            PdfPage("Canals", 0, ["Canals", canal, "Tolls paid for it. " * 20]),
            PdfPage("Locks", 1, ["Locks raise the boats."]),
            PdfPage("", 0, ["No section begins here."]),
            PdfPage("Elsewhere", 0, ["Another matter."]),
        ],
        title="Waterways",
    )
    document = loaded(data, "pdf")
    assert document.title == "Waterways"
    assert canal.strip() in document.text, "lines are joined to paragraphs"
    assert at(document, "The canal") == Locator(1, "Canals", None)
    assert at(document, "Locks raise") == Locator(2, "Canals › Locks", None)
    assert at(document, "No section") == Locator(3, "Canals › Locks", None)
    assert at(document, "Another matter").page == 4


def test_pdf_words_broken_at_line_ends_are_joined(make_pdf: MakePdf) -> None:
    broken = "The story of inter-<br/>national trade between the coun-<br/>tries of the north, 1990-<br/>1995."
    assert (
        "international trade between the countries of the north, 1990- 1995."
        in loaded(make_pdf([PdfPage("", 0, [broken])]), "pdf").text
    )


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7 and then nothing", b"no pdf at all"])
def test_a_broken_pdf_is_refused(data: bytes) -> None:
    with pytest.raises(LoadError, match="is a broken PDF, or none"):
        loaded(data, "pdf")


def test_a_truncated_pdf_is_read_or_refused(make_pdf: MakePdf) -> None:
    data = make_pdf([PdfPage("", 0, [f"Page {n} speaks of locks."]) for n in range(5)])
    for length in range(0, len(data), 97):
        try:
            assert loaded(data[:length], "pdf").text
        except LoadError as error:
            assert error.hint  # noqa: PT017


def test_an_encrypted_pdf_is_refused_with_the_command_that_opens_it(make_pdf: MakePdf) -> None:
    with pytest.raises(LoadError, match="is encrypted") as caught:
        loaded(make_pdf([PdfPage("", 0, ["Secret."])], password="hunter2"), "pdf")
    assert "qpdf --decrypt" in caught.value.hint


def test_a_scanned_pdf_is_refused_with_the_command_that_reads_it(make_pdf: MakePdf) -> None:
    with pytest.raises(LoadError, match="has no text layer: 2 pages") as caught:
        loaded(make_pdf([PdfPage("", 0, []), PdfPage("", 0, [])]), "pdf")
    assert "ocrmypdf" in caught.value.hint


def word_document(tmp_path: Path) -> bytes:
    document = docx.Document()
    document.core_properties.title = "The canal"
    document.add_heading("Canal", 0)
    document.add_heading("History", 1)
    paragraph = document.add_paragraph("Dug in ")
    paragraph.add_run("1825").bold = True
    paragraph.add_run(".\tIt joins\nlake and river.")
    document.add_heading("Tolls", 2)
    document.add_paragraph("Salt", style="List Bullet")
    document.add_paragraph("Grain", style="List Bullet 2")
    table = document.add_table(2, 2)
    for cell, text in zip(
        (cell for row in table.rows for cell in row.cells), ["Year", "Toll", "1830", "1\n2"], strict=True
    ):
        cell.text = text
    document.add_heading("Today", 1)
    document.add_paragraph("Boats for pleasure.")
    document.save(str(tmp_path / "a.docx"))
    return (tmp_path / "a.docx").read_bytes()


def test_docx_paragraphs_tables_and_heading_styles_in_order(tmp_path: Path) -> None:
    document = loaded(word_document(tmp_path), "docx")
    assert document.title == "The canal"
    assert document.text == (
        "Canal\n\nHistory\n\nDug in 1825.\tIt joins\nlake and river.\n\nTolls\n\n- Salt\n- Grain\n\n"
        "Year | Toll\n1830 | 1 2\n\nToday\n\nBoats for pleasure."
    )
    assert at(document, "Dug").heading == "Canal › History"
    assert at(document, "1830").heading == "Canal › History › Tolls"
    assert at(document, "Boats").heading == "Canal › Today"


def test_docx_reads_as_with_all_changes_accepted(make_package: MakePackage) -> None:
    data = make_package(
        f"<w:document {WORD} xmlns:mc='http://schemas.openxmlformats.org/markup-compatibility/2006'><w:body>"
        "<w:p><w:pPr><w:tabs><w:tab/></w:tabs></w:pPr><w:del><w:r><w:delText>no</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>new</w:t></w:r></w:ins><w:r><w:instrText>PAGE</w:instrText><w:noBreakHyphen/><w:t>ish</w:t></w:r>"
        "<w:hyperlink><w:r><w:t xml:space='preserve'> link</w:t></w:r></w:hyperlink></w:p>"
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>control</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        "<w:p><w:r><mc:AlternateContent><mc:Choice><w:t>box</w:t></mc:Choice><mc:Fallback><w:t>box</w:t></mc:Fallback>"
        "</mc:AlternateContent></w:r></w:p></w:body></w:document>"
    )
    assert loaded(data, "docx").text == "new-ish link\n\ncontrol\n\nbox"


def test_docx_entities_are_refused(make_package: MakePackage) -> None:
    entities = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
    bomb = f'<!DOCTYPE x [<!ENTITY e0 "ha">{entities}]><w:document {WORD}><w:p><w:t>&e9;</w:t></w:p></w:document>'
    with pytest.raises(LoadError, match="declares XML entities"):
        loaded(make_package(bomb), "docx")


def test_a_zip_bomb_is_refused_before_it_is_unpacked(make_package: MakePackage) -> None:
    data = make_package("<a>" + " " * 20_000_000)
    assert len(data) < 50_000
    with pytest.raises(LoadError, match="as a zip bomb does"):
        loaded(data, "docx")


def test_a_zip_that_lies_about_its_sizes_is_refused(make_package: MakePackage) -> None:
    size = 20_000_000
    data = make_package("<a>" + " " * (size - 3))
    lying = data.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    assert lying != data
    with pytest.raises(LoadError, match="is a broken Word document"):
        loaded(lying, "docx")


def test_a_zip_of_too_many_files_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        for number in range(30):
            package.writestr(str(number), "")
    with pytest.raises(LoadError, match="holds 30 files, the limit is 20"):
        loaded(buffer.getvalue(), "docx", Limits(zip_entries=20))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "is a broken Word document"),
        (b"PK\x03\x04 nonsense", "is a broken Word document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is encrypted, or in the old .doc format"),
    ],
)
def test_what_is_no_docx_is_refused(data: bytes, what: str) -> None:
    with pytest.raises(LoadError, match=what):
        loaded(data, "docx")


def test_a_docx_with_broken_xml_or_no_text_is_refused(make_package: MakePackage) -> None:
    with pytest.raises(LoadError, match="is a broken Word document"):
        loaded(make_package(f"<w:document {WORD}><w:body><w:p>"), "docx")
    with pytest.raises(LoadError, match="holds no text"):
        loaded(make_package(f"<w:document {WORD}><w:body/></w:document>"), "docx")


def test_a_document_of_too_much_text_is_refused(make_package: MakePackage) -> None:
    data = make_package(f"<w:document {WORD}><w:body><w:p><w:t>{'word ' * 300}</w:t></w:p></w:body></w:document>")
    with pytest.raises(LoadError, match="holds more than 0 million characters"):
        loaded(data, "docx", Limits(text_chars=1000))
