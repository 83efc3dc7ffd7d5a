"""Sentence boundaries agree with a full segmenter and keep every character."""

from __future__ import annotations

import pytest
import syntok.segmenter as syntok  # pyright: ignore[reportMissingTypeStubs]
from hypothesis import given
from hypothesis import strategies as st

from ragapp.ingest.sentences import split_sentences

RUNNING_TEXT = [
    "The canal was dug between 1817 and 1825. It joins the lake to the river, some 584 km away! Who paid for it? "
    "Mostly the state, e.g. by a tax on salt. Dr. J. Clinton, the governor, was mocked for it at first. Then the tolls "
    "came in. By 1836 the debt was gone.",
    'He said "It cannot be done." Then he did it. The U.S. Senate met on Jan. 5 and adjourned. Prices rose by 3.5 '
    "percent vs. the year before. Mr. Smith Jr. did not agree. See Fig. 3 for the curve. No. 7 was sold.",
    "Il ponte fu costruito nel 1345. L'architetto, il sig. Rossi, non vide la fine dei lavori. Perché? Morì di "
    "peste! La città lo ricorda ancora oggi. Il prezzo, ca. 300 fiorini, fu pagato dal comune.",
    "Die Brücke wurde am 12. Januar eröffnet. Prof. Müller hielt eine Rede. Danach regnete es, d.h. alle gingen "
    "heim. Warum auch nicht? Es war bzw. blieb kalt.",
    "La tour fut achevée en 1889. Elle devait rester vingt ans. M. Eiffel s'y opposa! Pourquoi? Parce qu'elle "
    "servait à la radio.",
]


def ends(text: str) -> set[int]:
    return {span.end for span in split_sentences(text)} - {len(text)}


def syntok_ends(text: str) -> set[int]:
    sentences = [
        sentence
        for paragraph in syntok.analyze(text)  # pyright: ignore[reportUnknownMemberType]
        for sentence in paragraph
    ]
    return {sentence[-1].offset + len(sentence[-1].value) for sentence in sentences} - {len(text)}


def test_agrees_with_syntok_on_running_text() -> None:
    pairs = [(ends(text), syntok_ends(text)) for text in RUNNING_TEXT]
    common = sum(len(own & theirs) for own, theirs in pairs)
    f1 = 2 * common / sum(len(own) + len(theirs) for own, theirs in pairs)
    assert f1 >= 0.95, [text[end - 12 : end + 12] for text, (own, theirs) in zip(RUNNING_TEXT, pairs, strict=True)
                        for end in own ^ theirs]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two.", ["One.", "Two."]),
        ("Dr. Who came. He left.", ["Dr. Who came.", "He left."]),
        ("It costs 3.5 euros. Cheap!", ["It costs 3.5 euros.", "Cheap!"]),
        ("He lives in the U.S. The rest do not.", ["He lives in the U.S.", "The rest do not."]),
        ("J. A. Hobson wrote it. It sold.", ["J. A. Hobson wrote it.", "It sold."]),
        ("Go on… he said. Fine.", ["Go on… he said.", "Fine."]),
        ("Read no. 7 first. I said no. He left.", ["Read no. 7 first.", "I said no.", "He left."]),
        ("1. Install it. Then run it.", ["1. Install it.", "Then run it."]),
        ("Am 3. Mai kam er. Gut.", ["Am 3. Mai kam er.", "Gut."]),
        ("今日は晴れ。明日は雨。", ["今日は晴れ。", "明日は雨。"]),
        ("Wrapped\nprose goes on. Next\nline.", ["Wrapped\nprose goes on.", "Next\nline."]),
        ("  \n ", []),
        ("", []),
    ],
)
def test_examples(text: str, sentences: list[str]) -> None:
    assert [text[span.start : span.end] for span in split_sentences(text)] == sentences


@given(st.text(alphabet=st.sampled_from("ab.!?…。 \n\t\"'”)A1é\u00a0"), max_size=80), st.data())
def test_sentences_hold_all_but_white_space_in_order(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    position = start
    for span in split_sentences(text, start, end):
        assert not text[position : span.start].strip()
        assert span.start < span.end <= end
        assert text[span.start : span.end] == text[span.start : span.end].strip()
        position = span.end
    assert not text[position:end].strip()


@pytest.mark.parametrize("unit", [".", ". ", ' "', "? ", " ", "\n", "a", ".)", "...  "])
def test_a_megabyte_of_anything_takes_linear_time(unit: str) -> None:
    text = "A" + unit * (1_000_000 // len(unit)) + "B"
    assert sum(1 for _ in split_sentences(text)) >= 1
