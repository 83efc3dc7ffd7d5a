"""Signals that need no checker: what an answer leans on, seen from outside, with any reader.

They read again or compare words, so they are worked out when asked for and not with every answer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ragapp.indexes.types import Span
from ragapp.readers.base import Reader, ReaderPassage, Reading

_SMALLEST = 1e-6
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d(?:[\d,.]*\d)?(?:st|nd|rd|th)?(?![\d])")
_NAME = re.compile(r"[A-Z][\w’'-]*(?:\s+[A-Z][\w’'-]*)*")
_MONTHS = "January February March April May June July August September October November December"
_MONTH_WORDS = frozenset(_MONTHS.casefold().split())
_MONTH = re.compile(rf"\b(?:{_MONTHS.replace(' ', '|')})\b")
_NUMERALS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_WORDS = {word: str(value) for value, word in enumerate(_NUMERALS.split())}

Kind = Literal["number", "date", "name"]


class Influence(NamedTuple):
    """What becomes of an answer when one passage is taken away."""

    passage: int
    """Position of the passage among those that were read, from 0."""
    answer: str
    """The answer without it; empty if there is none left."""
    changed: bool
    """Whether that is another answer, case and white space aside."""
    drop: float
    """Probability that the first answer loses, -1 to 1; near 0 where the passage does not matter."""


class Unfound(NamedTuple):
    """Something in a claim that its source does not say."""

    kind: Kind
    text: str
    span: Span
    """Its characters in the claim."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What an answer leans on.

    Attributes:
        influences: One a passage, in the order they were read.
        gain: How many times likelier the answer is with the passages than without any, as a natural logarithm.
        unfound: Numbers, dates and names of the answer that its passages do not hold.
    """

    influences: tuple[Influence, ...]
    gain: float
    unfound: tuple[Unfound, ...]


def explain(
    reader: Reader,
    question: str,
    passages: Sequence[ReaderPassage],
    cited: Sequence[int],
    on_done: Callable[[], None] = lambda: None,
) -> Explanation:
    """Work out what the answer to a question leans on.

    Args:
        reader: Any reader.
        question: The question as asked.
        passages: What was read for it.
        cited: Positions of the passages that the answer cites.
        on_done: Called after each passage.

    Returns:
        The explanation; it reads once for each passage and once for all.
    """
    whole = reader.read(question, passages)
    answer = _best(whole)
    source = "\n\n".join(f"{passages[index].heading}\n\n{passages[index].text}" for index in cited)
    return Explanation(
        influences=leave_one_out(reader, question, passages, whole, on_done),
        gain=gain(whole, reader.read(question, []), answer),
        unfound=inconsistencies(answer, source),
    )


def leave_one_out(
    reader: Reader,
    question: str,
    passages: Sequence[ReaderPassage],
    whole: Reading,
    on_done: Callable[[], None] = lambda: None,
) -> tuple[Influence, ...]:
    """Attribute an answer to passages: read again without each of them (as in ContextCite, arXiv:2409.00729).

    Args:
        reader: Any reader.
        question: The question as asked.
        passages: What was read for it.
        whole: What the reader found in all of them.
        on_done: Called after each passage.

    Returns:
        One influence a passage, in order; nothing if all of them hold no answer.
    """
    if not whole.candidates:
        return ()
    answer = _best(whole)
    before = probability(whole, answer)
    influences: list[Influence] = []
    for index in range(len(passages)):
        reading = reader.read(question, [*passages[:index], *passages[index + 1 :]])
        without = _best(reading)
        drop = before - probability(reading, answer)
        influences.append(Influence(index, without, _folded(without) != _folded(answer), drop))
        on_done()
    return tuple(influences)


def gain(with_passages: Reading, without: Reading, answer: str) -> float:
    """Tell how much likelier passages make an answer.

    Args:
        with_passages: What the reader found in the passages.
        without: What it says without any; a reader that only quotes says nothing, and the gain is then the largest.
        answer: The answer.

    Returns:
        Difference of the log-probabilities in nats, each no lower than that of one in a million.
    """
    one, two = (max(probability(reading, answer), _SMALLEST) for reading in (with_passages, without))
    return math.log(one) - math.log(two)


def probability(reading: Reading, answer: str) -> float:
    """Give the probability that a reader gives an answer, case and white space aside; 0 if it isn't a candidate."""
    return sum(each.probability for each in reading.candidates if _folded(each.text) == _folded(answer))


def inconsistencies(claim: str, source: str) -> tuple[Unfound, ...]:
    """Find numbers, dates and names of a claim that its source lacks.

    Numbers are compared by value (1,000 is 1000, twelve is 12), names word by word and without case, months by name. A
    word that begins the claim is no name: it would be written large anyhow.

    Args:
        claim: The claim.
        source: What it should rest on.

    Returns:
        What is missing, in the order of the claim.
    """
    numbers = {_value(match[0]) for match in _NUMBER.finditer(source)}
    words = {word.casefold().removesuffix("'s").removesuffix("’s") for word in re.findall(r"[\w’'-]+", source)}
    numbers |= {_WORDS[word] for word in words if word in _WORDS}
    found = [
        Unfound("number", match[0], Span(*match.span()))
        for match in _NUMBER.finditer(claim)
        if _value(match[0]) not in numbers
    ]
    months = [match for match in _MONTH.finditer(claim) if match[0].casefold() not in words]
    found += [Unfound("date", match[0], Span(*match.span())) for match in months]
    for match in _NAME.finditer(claim):
        parts = list(re.finditer(r"[\w’'-]+", match[0]))
        if not claim[: match.start()].strip():
            parts = parts[1:]
        missing = [part for part in parts if _name(part[0]) not in words and part[0].casefold() not in _MONTH_WORDS]
        if missing:
            start, end = match.start() + missing[0].start(), match.start() + missing[-1].end()
            found.append(Unfound("name", claim[start:end], Span(start, end)))
    return tuple(sorted(found, key=lambda each: each.span))


def _best(reading: Reading) -> str:
    return reading.candidates[0].text if reading.candidates else ""


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _name(word: str) -> str:
    return word.casefold().removesuffix("'s").removesuffix("’s")


def _value(number: str) -> str:
    """Give a number's digits as one would compare them: without separators of thousands, sign and ordinal ending."""
    plain = re.sub(r"(?:st|nd|rd|th)$", "", number).lstrip("+")
    plain = re.sub(r",(?=\d{3}(?!\d))", "", plain)
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
