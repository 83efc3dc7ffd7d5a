"""Untrusted text is inert on a terminal and otherwise as it was."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragapp.text import one_line, printable

ANY_TEXT = st.text(st.characters(codec=None))


def steers(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} or (
        unicodedata.category(char) == "Cf" and unicodedata.bidirectional(char) not in {"BN", "AN", "ET"}
    )


@given(ANY_TEXT)
def test_nothing_printed_steers_a_terminal(text: str) -> None:
    assert not any(steers(char) and char != "\u200b" for char in printable(text))
    printable(text).encode()


@given(ANY_TEXT)
def test_a_second_time_changes_nothing(text: str) -> None:
    assert printable(printable(text)) == printable(text)
    assert one_line(one_line(text)) == one_line(text)


@given(st.text("aè日[]\\ é👍"))
def test_plain_text_stays_as_it_was(text: str) -> None:
    assert printable(text) == text


@given(ANY_TEXT)
def test_one_line_is_one(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert "  " not in line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("\x9b5m", r"\x9b5m"),
        ("a\u202eb", r"a\u202eb"),
        ("caf\udce9", r"caf\udce9"),
        ("a\r\nb", r"a\x0d\x0ab"),
        ("\x7f", r"\x7f"),
        ("[bold]x[/x]", "[bold]x[/x]"),
    ],
)
def test_what_is_shown_in_place(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_what_is_kept() -> None:
    assert printable("a\nb\tc", keep="\n") == "a\nb\\x09c"
    assert one_line(" a\n\tb\u2028c ") == "a b c"
