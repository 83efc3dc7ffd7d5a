"""What an answer claims, and where the evidence for it stands in the document."""

from __future__ import annotations

from collections.abc import Sequence

from ragapp.grounding.answer_check import answer_claims, check_answer
from ragapp.grounding.base import ClaimPair, Judgement
from ragapp.indexes.types import Passage, Span

QUESTION = "When did the bridge open?"


class ScriptedChecker:
    """Finds the words "March 1890" or nothing."""

    name = "scripted"
    model_hash = "0" * 64

    def __init__(self) -> None:
        self.asked: list[ClaimPair] = []

    def check(self, pairs: Sequence[ClaimPair]) -> tuple[Judgement, ...]:
        self.asked += pairs
        return tuple(self._judge(pair) for pair in pairs)

    def _judge(self, pair: ClaimPair) -> Judgement:
        start = pair.source.find("March 1890")
        if start < 0:
            return Judgement(0.1, "not_supported", Span(0, 4))
        return Judgement(0.9, "supported", Span(start, start + 10))


def passage(number: int, text: str, heading: str = "", start: int = 100) -> Passage:
    return Passage(number, 1, "bridges.md", 1, Span(start, start + len(text)), text, heading, ())


def test_a_short_answer_is_claimed_with_its_question() -> None:
    assert answer_claims(QUESTION, "4 March 1890") == [(f"{QUESTION} 4 March 1890", Span(0, 12))]
    assert answer_claims(QUESTION, " in 1890. ") == [(f"{QUESTION} in 1890.", Span(1, 9))]
    assert answer_claims(QUESTION, " \n") == []


def test_a_long_answer_is_claimed_sentence_by_sentence() -> None:
    answer = "The bridge opened on 4 March 1890. It was red."
    assert [(answer[span.start : span.end], claim) for claim, span in answer_claims(QUESTION, answer)] == [
        ("The bridge opened on 4 March 1890.",) * 2,
        ("It was red.",) * 2,
    ]
    whole = "The bridge opened on 4 March 1890."
    assert answer_claims(QUESTION, whole) == [(whole, Span(0, len(whole)))]


def test_the_evidence_is_moved_to_the_document() -> None:
    text = "It opened on 4 March 1890 in the rain."
    checker = ScriptedChecker()
    (verdict,) = check_answer(checker, QUESTION, "1890", [passage(1, text, heading="Bridges › Forth")])
    assert checker.asked == [ClaimPair(f"Bridges › Forth\n\n{text}", f"{QUESTION} 1890")]
    assert (verdict.verdict, verdict.p_supported, verdict.document) == ("supported", 0.9, "bridges.md")
    assert verdict.quote == "March 1890" == text[verdict.char_start - 100 : verdict.char_end - 100]


def test_of_several_passages_the_one_that_supports_it_best_counts() -> None:
    cited = [passage(1, "Nothing of the kind."), passage(2, "Open since March 1890.", start=500)]
    (verdict,) = check_answer(ScriptedChecker(), QUESTION, "1890", cited)
    assert verdict.quote == "March 1890"
    assert verdict.char_start == 500 + len("Open since ")


def test_evidence_in_the_heading_is_no_quote() -> None:
    (verdict,) = check_answer(ScriptedChecker(), QUESTION, "1890", [passage(1, "Rain.", heading="Nothing")])
    assert (verdict.verdict, verdict.document, verdict.quote) == ("not_supported", "", "")


def test_no_answer_and_no_passage_have_no_verdict() -> None:
    assert check_answer(ScriptedChecker(), QUESTION, "", [passage(1, "March 1890")]) == ()
    assert check_answer(ScriptedChecker(), QUESTION, "1890", []) == ()
