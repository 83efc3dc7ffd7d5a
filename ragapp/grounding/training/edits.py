"""One change that makes a sentence say something else: a number, a name, an opposite, a negation.

What people get wrong when they retell a text is of these kinds (entity, number and negation swaps as in FactCC,
Kryściński et al. 2020, arXiv:1910.12840). An edit is symmetrical: of the two sentences either may be the source's and
the other the claim's, so that a learner cannot tell the wrong one by its looks.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ragapp.indexes.types import Span
from ragapp.readers.copy_fid.training.near_miss import OPPOSITE

_NAME = re.compile(r"\b[A-Z][\w'’-]+(?:\s+(?:(?:of|the|de|von|van|and)\s+)?[A-Z][\w'’-]+)*")
NUMBER = re.compile(r"(?<![\w.])\d[\d,.]*\d(?!\w)|(?<![\w.])\d(?!\w)")
"""A number in digits; a year is one."""
_NUMERALS = "one two three four five six seven eight nine ten eleven twelve twenty thirty fifty hundred thousand"
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth"
_MONTHS = "January February March April May June July August September October November December"
_SERIES = tuple(words.split() for words in (_NUMERALS, _ORDINALS, _MONTHS))
_WORD = re.compile(r"[A-Za-z]+")
_AUXILIARY = re.compile(r"\b(?:is|are|was|were|can|could|will|would|should|has|have|had|did|does|do)\b(?: not\b)?")
_NO_NAME = (
    "The A An In On At It He She They We I You This That These Those There But And However When While After Before As "
    "If For By His Her Its Their Our Some Many Most One What Which Who Where How Why With From To Of So Not"
)
_NO_NAME_SET = frozenset(_NO_NAME.split())


class Edit(NamedTuple):
    """A changed text, and the characters of the old and of the new that differ."""

    text: str
    old: Span
    new: Span


def replaced(text: str, span: Span, by: str) -> Edit:
    """Replace characters of a text."""
    return Edit(text[: span.start] + by + text[span.end :], span, Span(span.start, span.start + len(by)))


def edit(sentence: str, around: str, rng: random.Random) -> Edit | None:
    """Change a sentence in one place so that it says something else.

    Args:
        sentence: The sentence.
        around: The text it stands in; names and numbers to put in are taken from here.
        rng: Where chance comes from.

    Returns:
        The change; nothing if none applies.
    """
    changes: list[Callable[[str, str, random.Random], Edit | None]] = [
        _another_number, _another_name, _another_name, _swapped_names, _opposite, _negated, _next_in_series
    ]  # fmt: skip
    rng.shuffle(changes)
    for change in changes:
        found = change(sentence, around, rng)
        if found is not None and found.text.casefold() != sentence.casefold():
            return found
    return None


def another_like(phrase: str, around: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Find a phrase of the same kind that says something else.

    Args:
        phrase: A number, a name, or anything else.
        around: Where numbers and names are taken from.
        others: Phrases that may be taken too, such as the answers of other questions about the text.
        rng: Where chance comes from.

    Returns:
        Another phrase; nothing if there is none of its kind.
    """
    number = NUMBER.search(phrase)
    if number is not None:
        near = [found for found in NUMBER.findall(around) if found != number[0] and _alike(found, number[0])]
        new = rng.choice(near) if near and rng.random() < 0.6 else _perturbed(number[0], rng)
        return phrase[: number.start()] + new + phrase[number.end() :]
    if phrase[:1].isupper():
        fit = [name for name in names(around) if _apart(name, phrase)]
        fit += [other for other in others if other[:1].isupper() and _apart(other, phrase)]
    else:
        fit = [other for other in others if not NUMBER.search(other) and _apart(other, phrase)]
        fit = [other for other in fit if other[:1].islower()] or fit
    return rng.choice(fit) if fit else None


def names(text: str) -> list[str]:
    """Find runs of capitalised words, without a word in front that any sentence may begin with."""
    return [text[span.start : span.end] for span in _name_spans(text)]


def _name_spans(text: str) -> list[Span]:
    spans: list[Span] = []
    for match in _NAME.finditer(text):
        first = match[0].split()[0]
        start = match.end() if first == match[0] else match.start() + match[0].index(match[0].split()[1])
        span = Span(start, match.end()) if first in _NO_NAME_SET else Span(match.start(), match.end())
        if span.end - span.start > 2:
            spans.append(span)
    return spans


def _another_number(sentence: str, around: str, rng: random.Random) -> Edit | None:
    found = list(NUMBER.finditer(sentence))
    if not found:
        return None
    old = rng.choice(found)
    near = [other for other in NUMBER.findall(around) if other not in sentence and _alike(other, old[0])]
    new = rng.choice(near) if near and rng.random() < 0.5 else _perturbed(old[0], rng)
    return replaced(sentence, Span(*old.span()), new)


def _another_name(sentence: str, around: str, rng: random.Random) -> Edit | None:
    found = _name_spans(sentence)
    if not found:
        return None
    old = rng.choice(found)
    fit = [name for name in names(around) if _apart(name, sentence)]
    return replaced(sentence, old, rng.choice(fit)) if fit else None


def _swapped_names(sentence: str, around: str, rng: random.Random) -> Edit | None:
    """Let two names change places: the same words, another statement."""
    found = _name_spans(sentence)
    if len(found) < 2:
        return None
    at = rng.randrange(len(found) - 1)
    one, two = found[at], found[at + 1]
    between = sentence[one.end : two.start]
    if " and " in between or between.strip() in {",", "or"} or not between.strip():
        return None
    new = sentence[two.start : two.end] + between + sentence[one.start : one.end]
    return replaced(sentence, Span(one.start, two.end), new)


def _opposite(sentence: str, around: str, rng: random.Random) -> Edit | None:
    found = [match for match in _WORD.finditer(sentence) if match[0] in OPPOSITE]
    if not found:
        return None
    old = rng.choice(found)
    return replaced(sentence, Span(*old.span()), OPPOSITE[old[0]])


def _negated(sentence: str, around: str, rng: random.Random) -> Edit | None:
    """Negate the first auxiliary, or take its negation away."""
    found = _AUXILIARY.search(sentence)
    if found is None:
        return None
    word, negated, _ = found[0].partition(" not")
    return replaced(sentence, Span(*found.span()), word if negated else f"{word} not")


def _next_in_series(sentence: str, around: str, rng: random.Random) -> Edit | None:
    """Change a numeral, an ordinal or a month."""
    found = [(match, series) for match in _WORD.finditer(sentence) for series in _SERIES if match[0] in series]
    found = [(match, series) for match, series in found if match[0] not in ("one", "May")]
    if not found:
        return None
    old, series = rng.choice(found)
    return replaced(sentence, Span(*old.span()), rng.choice([word for word in series if word != old[0]]))


def _perturbed(number: str, rng: random.Random) -> str:
    """Change one digit after the first, or the only one; never to a zero in front."""
    digits = [place for place, char in enumerate(number) if char.isdigit()]
    place = rng.choice(digits[len(digits) // 2 :])
    new = rng.choice([digit for digit in "123456789" if digit != number[place]])
    return number[:place] + new + number[place + 1 :]


def _alike(one: str, two: str) -> bool:
    """Whether two numbers could stand for one another: as many digits, give or take one."""
    return abs(len(one) - len(two)) <= 1 and (len(one) == 4) == (len(two) == 4)


def _apart(one: str, two: str) -> bool:
    """Whether two phrases share no word of more than two letters."""
    first = {word for word in one.casefold().split() if len(word) > 2}
    return bool(first) and first.isdisjoint(two.casefold().split()) and one.casefold() not in two.casefold()
