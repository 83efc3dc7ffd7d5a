"""Transcripts hold every answer with its references, and nothing of them is taken for markup."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragapp.answers import Answer, Citation, ModelHashes
from ragapp.errors import ConfigError
from ragapp.transcripts import export

QUOTE = "It opened in <b>1890</b> & *closed*\nin [1]."


def _answer(abstained: bool = False) -> Answer:
    citation = Citation("a/b.md", 2, 10, 10 + len(QUOTE), QUOTE, 26, 30, 3, "Bridges", 7, 1)
    return Answer(
        "When <i>did</i> it open?", "When did it open?", "1890", abstained, 0.8, None, (citation,), (), (), {},
        ModelHashes("e@1", "r@2"),
    )  # fmt: skip


@pytest.mark.parametrize("name", ["a.md", "a.html", "a.json"])
def test_every_format_holds_answers_and_references(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    export("My *bridges*", [_answer(), _answer(abstained=True)], path)
    text = path.read_text("utf-8")
    assert "1890" in text
    assert "a/b.md" in text
    if name == "a.json":
        turns = json.loads(text)["turns"]
        assert turns[0]["citations"][0]["quote"] == QUOTE
    else:
        assert "Not in the documents." in text
        assert "version 2 · page 3 · Bridges · line 7 · characters 10–" in text.replace("\\", "")
        assert "<b>" not in text.replace("\\<b", "")


def test_another_ending_and_a_place_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="format"):
        export("x", [], tmp_path / "a.pdf")
    with pytest.raises(ConfigError, match="cannot be written"):
        export("x", [], tmp_path / "none" / "a.md")
