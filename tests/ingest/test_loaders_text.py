"""Plain text, Markdown, and the decoding both share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragapp.errors import LoadError, UnsupportedFormat
from ragapp.indexes.types import LoadedDocument, Locator
from ragapp.ingest.limits import Limits
from ragapp.ingest.loaders import load, load_source, loader_for
from ragapp.ingest.loaders.base import HeadingPath, Source, heading_text


def text_of(data: bytes) -> str:
    return load_source(Source("/x.txt", data, Limits()), "text").text


def markdown_of(text: str) -> LoadedDocument:
    return load_source(Source("/x.md", text.encode(), Limits()), "markdown")


def at(document: LoadedDocument, words: str) -> Locator:
    position = document.text.index(words)
    return [mark.locator for mark in document.landmarks if mark.start <= position][-1]


ITALIAN = "Perché no? L'università è già lì: così è più facile.\n"
RUSSIAN = "Канал был построен в девятнадцатом веке и соединяет озеро с рекой. " * 4
JAPANESE = "この運河は十九世紀に建設され、湖と川をつないでいます。費用は州が負担しました。" * 4


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (ITALIAN.encode(), ITALIAN),
        (ITALIAN.encode("utf-8-sig"), ITALIAN),
        (ITALIAN.encode("utf-16"), ITALIAN),
        (b"\xfe\xff" + ITALIAN.encode("utf-16-be"), ITALIAN),
        (ITALIAN.encode("utf-32"), ITALIAN),
        (ITALIAN.encode("utf-16-le"), ITALIAN),
        (ITALIAN.encode("utf-16-be"), ITALIAN),
        (ITALIAN.encode("latin-1"), ITALIAN),
        ("He said “no” – and paid 5 € for it".encode("cp1252"), "He said “no” – and paid 5 € for it"),
        (RUSSIAN.encode("cp1251"), RUSSIAN),
        (RUSSIAN.encode("koi8_r"), RUSSIAN),
        (JAPANESE.encode("shift_jis"), JAPANESE),
        (b"one\r\ntwo\rthree\0\n", "one\ntwo\nthree\n"),
        (b"cafe\xcc\x81", "cafe\u0301"),  # not composed: what is shown is what was written
    ],
)
def test_encodings_and_line_ends(data: bytes, text: str) -> None:
    assert text_of(data) == text


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "is empty"),
        (b" \n\t\0 ", "is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "is a PNG image, not text"),
        (b"%PDF-1.7\n%\xe2\xe3", "is a PDF, not text"),
        (bytes(range(256)) * 40, "in an encoding that cannot be told, or is not text"),
        (bytes(range(1, 100)) * 40, "is binary data, not text"),
        (b"\xff\xfe" + b"\x00\xd8" * 40, "in an encoding that cannot be told"),
    ],
)
def test_what_is_no_text_is_refused_by_name(data: bytes, what: str) -> None:
    with pytest.raises(LoadError, match=what) as caught:
        text_of(data)
    assert "'/x.txt'" in caught.value.message
    assert caught.value.hint


@given(st.binary(max_size=300))
def test_any_bytes_are_text_or_a_load_error(data: bytes) -> None:
    try:
        text = text_of(data)
    except LoadError:
        return
    text.encode()
    assert "\r" not in text
    assert "\0" not in text


def test_text_knows_its_lines() -> None:
    document = load_source(Source("/x.txt", b"\n\none\n\n  two\nthree", Limits()), "text")
    assert document.landmarks[0].start == 0
    assert [at(document, word).line for word in ("one", "two", "three")] == [3, 5, 6]


def test_text_has_the_headings_that_its_layout_shows() -> None:
    text = """
THE FORTH BRIDGE

A cantilever railway bridge.

OPENING

The Prince opened it in 1890.

Cost
----

It cost much. WHO PAID

Lists

- one
"""
    document = load_source(Source("/x.txt", text.encode(), Limits()), "text")
    assert document.title == "THE FORTH BRIDGE"
    assert document.text == text
    found = {mark.locator.line: mark.locator.heading for mark in document.landmarks}
    assert found == {
        2: "THE FORTH BRIDGE",
        4: "THE FORTH BRIDGE",
        6: "THE FORTH BRIDGE › OPENING",
        8: "THE FORTH BRIDGE › OPENING",
        10: "THE FORTH BRIDGE › Cost",
        11: "THE FORTH BRIDGE › Cost",
        13: "THE FORTH BRIDGE › Cost",
        15: "THE FORTH BRIDGE › Cost",
        17: "THE FORTH BRIDGE › Cost",
    }


@pytest.mark.parametrize(
    "text", ["OK", "One sentence. And another.\n\nMORE?\n", "- item\n\n-----\n\n* * *\n", "a\nb\nC\n"]
)
def test_what_is_no_heading_is_not_taken_for_one(text: str) -> None:
    document = load_source(Source("/x.txt", text.encode(), Limits()), "text")
    assert not document.title
    assert {mark.locator.heading for mark in document.landmarks} == {None}


def test_a_file_of_a_million_lines_has_a_bounded_map() -> None:
    document = load_source(Source("/x.txt", b"7\n" * 1_000_000, Limits()), "text")
    assert len(document.landmarks) < 250_000


def test_markdown_headings_lines_and_title() -> None:
    document = markdown_of(
        "Intro\n\n# The *Guide* › [here](http://x)\n\ntext a\n\n```\n# no heading\n```\n\nSetext\n------\n\ntext b\n\n"
        "> # quoted\n\n## Deep ##\ntext c\n\n# Next\ntext d"
    )
    assert document.title == "The Guide > here"
    assert at(document, "Intro") == Locator(None, None, 1)
    assert at(document, "text a") == Locator(None, "The Guide > here", 5)
    assert at(document, "# no heading").heading == "The Guide > here"
    assert at(document, "text b") == Locator(None, "The Guide > here › Setext", 14)
    assert at(document, "# quoted").heading == "The Guide > here › Setext"
    assert at(document, "text c") == Locator(None, "The Guide > here › Deep", 19)
    assert at(document, "text d").heading == "Next"


def test_markdown_is_kept_as_it_is_written_front_matter_included() -> None:
    text = "---\ntitle: 'A canal: its story'\ntags: [x]\n---\n\n# One\n\nText.\n"
    document = markdown_of(text)
    assert document.text == text
    assert document.title == "A canal: its story"
    assert at(document, "tags").heading is None
    assert at(document, "Text.") == Locator(None, "One", 8)


@given(st.text(alphabet="#ab \n-=>`*\t1.|[]", max_size=120).filter(str.strip))
def test_markdown_lines_are_those_of_the_source(text: str) -> None:
    document = markdown_of(text)
    assert document.text == text
    starts = [mark.start for mark in document.landmarks]
    assert starts == sorted(set(starts))
    assert starts[0] == 0
    for mark in document.landmarks[1:]:
        assert mark.locator.line == text.count("\n", 0, mark.start) + 1


def test_loaders_go_by_the_ending_whatever_its_case() -> None:
    assert loader_for(Path("/a/B.MD")) == "markdown"
    assert loader_for(Path("/a/b.PDF")) == "pdf"
    assert loader_for(Path("/a/b.exe")) is None
    assert loader_for(Path("/a/.md")) is None


def test_load_reads_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Hello there.")
    assert load(path).text == "Hello there."


def test_load_names_the_file_and_the_remedy(tmp_path: Path) -> None:
    big, fifo, missing = tmp_path / "big\x1b[2J.txt", tmp_path / "pipe.txt", tmp_path / "missing.txt"
    big.write_bytes(b"x" * 2_000_001)
    os.mkfifo(fifo)
    with pytest.raises(LoadError, match=r"big\\x1b\[2J.txt' is too large: 2 MB, the limit is 1 MB") as caught:
        load(big, Limits(file_bytes=1_000_000))
    assert "split -C 40M" in caught.value.hint
    assert "RAGAPP_MAX_FILE_MB" in caught.value.hint
    with pytest.raises(LoadError, match="is not a regular file"):
        load(fifo)
    with pytest.raises(LoadError, match="cannot be read: No such file"):
        load(missing)
    with pytest.raises(UnsupportedFormat, match=r"a.exe' is of a kind that cannot be read: '.exe'"):
        load(tmp_path / "a.exe")


def test_a_heading_path_leaves_what_it_must() -> None:
    path = HeadingPath()
    for level, name in [(2, "B"), (3, "C"), (3, "D"), (1, "A"), (4, "E"), (2, "F")]:
        path.enter(level, name)
    assert str(path) == "A › F"
    path.enter(1, " ")
    assert str(path) == ""


def test_heading_text_is_one_short_line() -> None:
    assert heading_text(" a\n b › c\0 ") == "a b > c"
    assert len(heading_text("word " * 100)) <= 200
