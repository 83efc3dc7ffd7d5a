"""Chunks are slices of the text, within the budget, and lose nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ingest_samples import TokenOffsets

from ragapp.indexes.types import Chunk, Landmark, LoadedDocument, Locator, Span, embedding_text
from ragapp.ingest.chunking import Chunker
from ragapp.ingest.limits import Limits
from ragapp.ingest.loaders import load_source
from ragapp.ingest.loaders.base import Source


def plain(text: str, title: str = "") -> LoadedDocument:
    return LoadedDocument(text, (Landmark(0, Locator(line=1)),), title, "text")


def markdown(text: str) -> LoadedDocument:
    return load_source(Source("/x.md", text.encode(), Limits()), "markdown")


def check_exact(document: LoadedDocument, chunks: tuple[Chunk, ...]) -> None:
    position = 0
    for chunk in chunks:
        assert chunk.text == document.text[chunk.span.start : chunk.span.end]
        assert chunk.text == chunk.text.strip() != ""
        assert chunk.span.start >= position
        assert not document.text[position : chunk.span.start].strip()
        position = chunk.span.end
    assert not document.text[position:].strip()


WORDS = st.sampled_from([
    "The", "town", "council", "met.", "Who?", "e.g.", "3.5", "naïve", "\n", "\n\n", "- item", "\n- ", "a | b\n",
    "```\n", "internationalisation", "x" * 150, "日本語のテキスト。", "…", ".", "  ", "\t", "#", "\n# Top\n",
    "\n## Sub\n", "\n# Last\n",
    "antidisestablishmentarianism" * 3, "🙂🙂", "Ünïcödé", "\u00a0", "-----", "\u200b", "ﬁ", "e\u0301",
])  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    words=st.lists(WORDS, max_size=120), separator=st.sampled_from(["", " "]), budget=st.sampled_from([8, 16, 40, 190])
)
@example(["x" * 5000], "", 16)
@example(["日本語" * 400], "", 16)
@example(["a.b/c" * 300 + " tail of words"], "", 16)
def test_chunks_are_exact_ordered_complete_and_within_the_budget(
    token_offsets: TokenOffsets, words: list[str], separator: str, budget: int
) -> None:
    text = separator.join(words)
    if not text.strip():
        text += "x"
    for document in (plain(text, "A title of the document"), markdown(text)):
        chunks = Chunker(token_offsets, budget).chunk(document)
        check_exact(document, chunks)
        for chunk in chunks:
            tokens = len(token_offsets(embedding_text(chunk.heading, chunk.text)))
            assert tokens <= budget, (tokens, chunk)


def test_sentences_stay_whole_and_chunks_are_well_filled(token_offsets: TokenOffsets) -> None:
    sentences = [
        f"Sentence number {n} tells of the {n}th day at sea and of what the crew had for dinner." for n in range(90)
    ]
    text = "\n\n".join(" ".join(sentences[i : i + 5]) for i in range(0, 90, 5))
    chunks = Chunker(token_offsets).chunk(plain(text))
    for chunk in chunks:
        assert chunk.text.startswith("Sentence number")
        assert chunk.text.endswith("dinner.")
    filled = [len(token_offsets(chunk.text)) for chunk in chunks]
    assert min(filled) > 95, "no stub is left at the end"
    assert sum(filled) / len(filled) > 150


def test_a_long_sentence_is_cut_between_words(token_offsets: TokenOffsets) -> None:
    text = " ".join(f"word{n % 7}" for n in range(1000))
    chunks = Chunker(token_offsets, 50).chunk(plain(text))
    assert len(chunks) > 30
    assert all(re.fullmatch(r"(word\d ?)+", chunk.text) for chunk in chunks)


def test_chunks_never_cross_a_top_section_but_merge_small_ones_below(token_offsets: TokenOffsets) -> None:
    text = "# Guide\n\nIntro.\n\n## Apples\n\nRed.\n\n### Sour\n\nGreen.\n\n### Sweet\n\nYellow.\n\n## Pears\n\nSoft.\n"
    document = markdown(text)
    chunks = Chunker(token_offsets).chunk(document)
    check_exact(document, chunks)
    assert [chunk.heading for chunk in chunks] == ["Guide", "Guide › Apples", "Guide › Pears"]
    assert [chunk.text.split("\n")[0] for chunk in chunks] == ["# Guide", "## Apples", "## Pears"]
    assert "Yellow." in chunks[1].text


def test_a_heading_without_text_goes_with_the_next_section(token_offsets: TokenOffsets) -> None:
    document = markdown("# One\n\n## Two\n\n### Three\n\nText.\n\n# Four\n\nMore.\n")
    chunks = Chunker(token_offsets).chunk(document)
    assert [chunk.text for chunk in chunks] == ["# One\n\n## Two\n\n### Three\n\nText.", "# Four\n\nMore."]
    assert [chunk.heading for chunk in chunks] == ["One › Two › Three", "One › Four"]


def test_the_title_is_not_said_twice_and_long_headings_give_way(token_offsets: TokenOffsets) -> None:
    path = " › ".join(["Top", *(f"A long heading of the level {n} that goes on for a while" for n in range(12))])
    document = LoadedDocument("Some text.", (Landmark(0, Locator(heading=path)),), "Top", "docx")
    (chunk,) = Chunker(token_offsets, 100).chunk(document)
    assert chunk.heading.startswith("Top › A long heading")
    assert chunk.heading.count("Top") == 1
    assert len(token_offsets(chunk.heading)) <= 25


def test_lists_and_tables_are_cut_between_lines(token_offsets: TokenOffsets) -> None:
    rows = [f"Item {n} | {n * 3} euros | in stock since the year {1900 + n}" for n in range(60)]
    items = [f"- Step {n}: turn the valve by {n} degrees\n  and wait for the needle to settle" for n in range(60)]
    for lines in (rows, items):
        chunks = Chunker(token_offsets, 100).chunk(plain("\n".join(lines)))
        assert len(chunks) > 5
        assert all(chunk.text.startswith(("Item", "- Step")) for chunk in chunks)


def test_version_names_algorithm_and_budget(token_offsets: TokenOffsets) -> None:
    assert Chunker(token_offsets).version == "sentences-1/190"


def test_a_budget_too_small_to_hold_anything_is_refused() -> None:
    def no_tokens(text: str) -> list[Span]:
        return []

    with pytest.raises(ValueError, match="max_tokens must be at least 8, not 3"):
        Chunker(no_tokens, 3)
