"""Claims made from questions: what a text answers is supported by it, and a small change makes it wrong.

Three forms of claim, since that is what a checker meets: the question with its answer, as an answer is checked; the
question turned into a statement, where that is easy; and sentences of the text itself, shortened. Each is supported
by its own context; a swapped answer or an edited sentence contradicts it; and without the sentence that says so, or
with another passage of the same article, it is not supported.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence

from ragapp.grounding.model import CONTRADICTED, NOT_SUPPORTED, SUPPORTED
from ragapp.grounding.training.data import LabelledClaim
from ragapp.grounding.training.edits import another_like, edit, replaced
from ragapp.indexes.types import Span
from ragapp.ingest.sentences import split_sentences
from ragapp.readers.copy_fid.training.data import QaExample
from ragapp.readers.copy_fid.training.near_miss import NearMisses

_NO_SUBJECT = "is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|kind|type|sort|year|of|else"
_SUBJECT_QUESTION = re.compile(
    rf"(?:who|what|which(?: \w+)?)\s+((?!(?:{_NO_SUBJECT})\b)[a-z]+(?:s|ed)\s.{{8,}})", re.IGNORECASE
)
_COPULA_QUESTION = re.compile(r"(?:who|what)\s+(is|are|was|were)\s+((?:the|a|an|[A-Z])\S*\s?.*)", re.IGNORECASE)
_LEADING_CLAUSE = re.compile(r"^(?:In|On|At|By|During|After|Before|Since|For|However|Also|Meanwhile)\b[^,]{0,60},\s+")
_ASIDE = re.compile(r"\s*\([^()]*\)|\s*\[[^\[\]]*\]")
_CONTEXT_CHARS = (150, 300, 500, 800)
"""About how much of a context a claim is read with; sources are of every length."""
_ANSWER_CHARS = 120


class MadeClaims:
    """Makes labelled claims out of questions with answers.

    Args:
        examples: Answerable questions; others are left out.
    """

    def __init__(self, examples: Sequence[QaExample]) -> None:
        self._examples = [example for example in examples if example.answer]
        self._near_misses = NearMisses(self._examples)
        self._answers: dict[str, set[str]] = defaultdict(set)
        self._contexts: dict[tuple[str, str], set[str]] = defaultdict(set)
        for example in self._examples:
            self._answers[example.context].update(example.references[:1])
            self._contexts[example.dataset, example.title].add(example.context)
        self._siblings = {key: sorted(contexts) for key, contexts in self._contexts.items()}

    def __len__(self) -> int:
        return len(self._examples)

    def make(self, index: int, supported: bool, rng: random.Random) -> LabelledClaim | None:
        """Make one claim of a question.

        Args:
            index: Which question, from 0.
            supported: Whether its source should support the claim.
            rng: Where chance comes from.

        Returns:
            The claim; nothing if this question does not lend itself.
        """
        example = self._examples[index]
        if rng.random() < 0.4:
            return self._of_sentence(example, supported, rng)
        return self._of_answer(example, supported, rng)

    def _of_answer(self, example: QaExample, supported: bool, rng: random.Random) -> LabelledClaim | None:
        stands = example.answer or Span(0, 0)
        answer = _cut(example.context, stands)
        if len(answer) > _ANSWER_CHARS:
            return None
        around = _window(example.context, stands, rng)
        source, gold = _cut(example.context, around), _moved(stands, around)
        statement = rng.random() < 0.5
        claim, place = _claim(example.question, answer, statement)
        if supported:
            return LabelledClaim(source, claim, (SUPPORTED,), "made/answer", gold, Span(0, 0))
        kind = rng.choices(("swap", "near miss", "absent"), (0.5, 0.2, 0.3))[0]
        if kind == "near miss":
            question = self._near_misses.make(example, rng)
            if question is None:
                return None
            claim, _ = _claim(question, answer, statement)
            return LabelledClaim(source, claim, (NOT_SUPPORTED, CONTRADICTED), "made/near-miss", gold)
        if kind == "absent":
            source = self._without(example, rng)
            return LabelledClaim(source, claim, (NOT_SUPPORTED,), "made/absent", None, place) if source else None
        others = [other for other in sorted(self._answers[example.context]) if other not in example.references]
        new = another_like(answer, source, others, rng)
        if new is None or any(new.casefold() in reference.casefold() for reference in example.references):
            return None
        claim, place = _claim(example.question, new, statement)
        return LabelledClaim(source, claim, (CONTRADICTED,), "made/swap", gold, place)

    def _of_sentence(self, example: QaExample, supported: bool, rng: random.Random) -> LabelledClaim | None:
        context = example.context
        fit = [span for span in split_sentences(context) if 30 <= span.end - span.start <= 300]
        if not fit:
            return None
        chosen = rng.choice(fit)
        around = _window(context, chosen, rng)
        source, place = _cut(context, around), _moved(chosen, around)
        sentence = source[place.start : place.end]
        if not supported and rng.random() < 0.25:
            return self._stranger(example, sentence, rng)
        changed = edit(sentence, context, rng)
        if changed is None or (supported and rng.random() < 0.4):
            claim = _shortened(sentence, rng)
            return LabelledClaim(source, claim, (SUPPORTED,), "made/sentence", place, Span(0, 0)) if supported else None
        told = rng.random() < 0.5
        if told:  # the source tells the changed sentence
            edited = replaced(source, place, changed.text)
            source, place = edited.text, edited.new
        claim, wrong = (changed.text, changed.new) if told is supported else (sentence, changed.old)
        if supported:
            return LabelledClaim(source, _shortened(claim, rng), (SUPPORTED,), "made/sentence", place, Span(0, 0))
        return LabelledClaim(source, claim, (CONTRADICTED,), "made/edit", place, wrong)

    def _stranger(self, example: QaExample, sentence: str, rng: random.Random) -> LabelledClaim | None:
        """Give a sentence with another passage of the same article, or of the same set."""
        pool = self._siblings[example.dataset, example.title]
        other = rng.choice(pool)
        if other == example.context or sentence in other:
            return None
        source = _cut(other, _window(other, Span(0, 0), rng))
        return LabelledClaim(source, _shortened(sentence, rng), (NOT_SUPPORTED,), "made/stranger")

    def _without(self, example: QaExample, rng: random.Random) -> str | None:
        """Give a context without what answers: its own without those sentences, or a neighbour's."""
        if rng.random() < 0.5:
            pool = self._siblings[example.dataset, example.title]
            other = rng.choice(pool)
            text = _cut(other, _window(other, Span(0, 0), rng))
        else:
            spans = list(split_sentences(example.context))
            kept = [example.context[span.start : span.end] for span in spans]
            text = " ".join(s for s in kept if not any(answer in s for answer in example.references))
        wanted = any(answer.casefold() in text.casefold() for answer in example.references)
        return text[:900] if len(text) > 60 and not wanted else None


def written_claims(examples: Sequence[QaExample]) -> tuple[LabelledClaim, ...]:
    """Put questions together with what looks like their answer, of the sets that tell what does.

    People wrote these questions so that the answer is nearly there: harder claims than those that are made by rule. The
    answerable questions of the same sets go with them, so that no way of writing gives a claim away.

    Args:
        examples: Questions of all sets.

    Returns:
        Claims that their source supports, and others that it does not.
    """
    sets = {example.dataset for example in examples if example.plausible}
    claims: list[LabelledClaim] = []
    for example in examples:
        if example.answer is not None and example.dataset in sets:
            claim = f"{example.question} {_cut(example.context, example.answer)}"
            claims.append(
                LabelledClaim(example.context, claim, (SUPPORTED,), example.dataset, example.answer, Span(0, 0))
            )
        elif example.plausible:
            claim = f"{example.question} {example.plausible[0]}"
            claims.append(LabelledClaim(example.context, claim, (NOT_SUPPORTED, CONTRADICTED), example.dataset))
    return tuple(claims)


def _claim(question: str, answer: str, statement: bool) -> tuple[str, Span]:
    """Put a question and an answer together: as a statement where that is easy and wanted, else one after the other."""
    asked = question.strip().rstrip("?").rstrip()
    if statement and (found := _COPULA_QUESTION.fullmatch(asked)) is not None:
        text = f"{found[2].strip()} {found[1]} {answer}."
        return text[:1].upper() + text[1:], Span(len(text) - len(answer) - 1, len(text) - 1)
    if statement and (found := _SUBJECT_QUESTION.fullmatch(asked)) is not None:
        return f"{answer} {found[1]}.", Span(0, len(answer))
    return f"{question} {answer}", Span(len(question) + 1, len(question) + 1 + len(answer))


def _window(context: str, keep: Span, rng: random.Random) -> Span:
    """Choose whole sentences around a span, about as many characters as chance says."""
    budget = rng.choice(_CONTEXT_CHARS)
    spans = list(split_sentences(context))
    touched = [i for i, span in enumerate(spans) if span.end > keep.start and span.start <= keep.end]
    first, last = (touched[0], touched[-1]) if touched else (0, 0)
    while spans[last].end - spans[first].start < budget and (first > 0 or last < len(spans) - 1):
        if first > 0 and (last == len(spans) - 1 or rng.random() < 0.5):
            first -= 1
        else:
            last += 1
    return Span(min(spans[first].start, keep.start if touched else spans[first].start), spans[last].end)


def _cut(text: str, span: Span) -> str:
    return text[span.start : span.end]


def _moved(span: Span, window: Span) -> Span:
    return Span(span.start - window.start, span.end - window.start)


def _shortened(sentence: str, rng: random.Random) -> str:
    """Leave out what can be left out without changing what is said."""
    if rng.random() < 0.5:
        sentence = _ASIDE.sub("", sentence)
    if rng.random() < 0.3:
        short = _LEADING_CLAUSE.sub("", sentence)
        sentence = short[:1].upper() + short[1:]
    return sentence
