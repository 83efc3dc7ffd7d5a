"""Evidence selection: no sentence of a source is lost, and what shares most with a claim is brought together."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from ragapp.grounding.evidence import Sentence, digest, sentences, telling_words, windows
from ragapp.indexes.types import Span

NEAR = "The bridge was opened in March. "
FILLER = "Sheep graze on the hills around the town. "


def sentence(words: str, tokens: int) -> Sentence:
    return Sentence(Span(0, len(words)), tuple(range(tokens)), telling_words(words))


def test_sentences_hold_every_token_of_the_source(tokenizer: Tokenizer) -> None:
    source = "One sentence here. Another one, with a name: Ada.\n\nA heading\n\n" + "word " * 300 + ". The end"
    tokenizer.no_truncation()
    found = sentences(tokenizer, source, max_tokens=40)
    whole = tokenizer.encode(source, add_special_tokens=False).ids
    assert [token for each in found for token in each.ids] == whole
    assert max(len(each.ids) for each in found) == 40
    assert [source[each.span.start : each.span.end] for each in found][:3] == [
        "One sentence here.",
        "Another one, with a name: Ada.",
        "A heading",
    ]
    assert all(one.span.end <= two.span.start for one, two in pairwise(found))


def test_a_blank_source_has_no_sentence(tokenizer: Tokenizer) -> None:
    assert sentences(tokenizer, " \n\n \t", 40) == ()


@settings(max_examples=200)
@given(st.lists(st.integers(1, 40), max_size=60), st.integers(40, 100))
def test_windows_hold_every_sentence_once_and_never_too_much(lengths: list[int], room: int) -> None:
    source = [sentence("x", length) for length in lengths]
    cut = windows(source, room)
    assert [index for window in cut for index in window] == list(range(len(source)))
    assert all(sum(lengths[index] for index in window) <= room for window in cut)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.text("abcd ", max_size=12), st.integers(1, 40)), max_size=30), st.integers(40, 100))
def test_a_digest_fits_and_is_in_order(given_sentences: list[tuple[str, int]], room: int) -> None:
    source = [sentence(words, tokens) for words, tokens in given_sentences]
    chosen = digest(source, telling_words("aaa bb cd"), room)
    assert chosen == sorted(set(chosen))
    assert sum(len(source[index].ids) for index in chosen) <= room


def test_a_digest_brings_distant_sentences_together(tokenizer: Tokenizer) -> None:
    source = "Ada built a bridge. " + FILLER * 30 + NEAR + FILLER * 30 + "It cost nine crowns. "
    found = sentences(tokenizer, source, 40)
    chosen = digest(found, telling_words("Ada's bridge, opened in March, cost nine crowns"), 40)
    text = [source[found[index].span.start : found[index].span.end] for index in chosen]
    assert text[0] == "Ada built a bridge."
    assert NEAR.strip() in text
    assert text[-1] == "It cost nine crowns."


def test_telling_words_meet_their_inflections_and_leave_stopwords_out() -> None:
    assert telling_words("The openings of THE bridges") == telling_words("opening a bridge") | {"bridge"}
    assert telling_words("of the and") == frozenset()
