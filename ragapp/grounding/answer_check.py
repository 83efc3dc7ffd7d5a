"""Whether an answer rests on the passages it cites: one verdict a claim.

A short answer claims nothing on its own; its claim is the question with the answer, the form that the checker was
trained on. A long answer is split into sentences, each a claim.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ragapp.grounding.base import Checker, ClaimPair, Judgement, Verdict
from ragapp.indexes.types import Passage, Span
from ragapp.ingest.sentences import split_sentences

_SENTENCE_WORDS = 6
"""Fewer words are no sentence that claims anything without its question."""
_ENDS = re.compile(r"[.!?…][\"'”’»)\]]*\Z")


@dataclass(frozen=True, slots=True)
class ClaimVerdict:
    """What the checker holds of one claim of an answer.

    Attributes:
        claim: The claim as it was judged.
        answer_start: First character of it in the answer's text.
        answer_end: End of it there, exclusive.
        verdict: What the cited passages do to it.
        p_supported: Probability that one of them supports it, 0 to 1.
        document: The document that the evidence stands in; empty without evidence.
        char_start: First character of the evidence in the document's text.
        char_end: End of the evidence, exclusive.
        quote: The evidence, to the letter.
    """

    claim: str
    answer_start: int
    answer_end: int
    verdict: Verdict
    p_supported: float
    document: str
    char_start: int
    char_end: int
    quote: str


def check_answer(checker: Checker, question: str, answer: str, cited: Sequence[Passage]) -> tuple[ClaimVerdict, ...]:
    """Judge each claim of an answer by the passages it cites.

    Args:
        checker: The checker.
        question: The question as asked.
        answer: The answer's text.
        cited: The passages it cites, strongest first.

    Returns:
        One verdict a claim, in the order of the answer: of the passage that supports it best. Nothing without an
        answer or a passage.
    """
    claims = answer_claims(question, answer)
    if not claims or not cited:
        return ()
    sources = [source_of(passage) for passage in cited]
    judged = checker.check([ClaimPair(source, claim) for claim, _ in claims for source in sources])
    verdicts: list[ClaimVerdict] = []
    for number, (claim, place) in enumerate(claims):
        of_claim = judged[number * len(cited) : (number + 1) * len(cited)]
        best = max(range(len(cited)), key=lambda index: of_claim[index].p_supported)
        verdicts.append(_verdict(claim, place, of_claim[best], cited[best]))
    return tuple(verdicts)


def answer_claims(question: str, answer: str) -> list[tuple[str, Span]]:
    """Split an answer into claims.

    Args:
        question: The question as asked.
        answer: The answer's text.

    Returns:
        Pairs of a claim and its characters in the answer; nothing of a blank answer.
    """
    spans = list(split_sentences(answer))
    if len(spans) > 1 or (spans and _is_sentence(answer)):
        return [(answer[span.start : span.end], span) for span in spans]
    return [(f"{question} {answer[span.start : span.end]}", span) for span in spans]


def _is_sentence(text: str) -> bool:
    return len(text.split()) >= _SENTENCE_WORDS and _ENDS.search(text.rstrip()) is not None


def source_of(passage: Passage) -> str:
    """Give a passage as a checker reads it: its heading in front, which is what "it" in its first sentence names."""
    return f"{passage.heading}\n\n{passage.text}" if passage.heading else passage.text


def _verdict(claim: str, place: Span, judgement: Judgement, passage: Passage) -> ClaimVerdict:
    """Move the evidence from the source to the passage and to the document; in the heading it is no quote."""
    shift = len(source_of(passage)) - len(passage.text)
    evidence = judgement.evidence
    span = Span(max(0, evidence.start - shift), max(0, evidence.end - shift)) if evidence else Span(0, 0)
    quote = passage.text[span.start : span.end]
    return ClaimVerdict(
        claim=claim,
        answer_start=place.start,
        answer_end=place.end,
        verdict=judgement.verdict,
        p_supported=judgement.p_supported,
        document=passage.document if quote else "",
        char_start=passage.span.start + span.start,
        char_end=passage.span.start + span.start + len(quote),
        quote=quote,
    )
