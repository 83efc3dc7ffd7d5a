"""Follow-up questions: "and when was it built?" is asked of the index as a question that stands on its own.

The thing a follow-up leaves out is, as a rule, a name of the question before or the answer to it (Elgohary et al. 2019,
arXiv:1909.04366). A pronoun is replaced by it; a question that only hints at it gets it added.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ragapp.indexes.stopwords import STOPWORDS

_PRONOUN = re.compile(
    r"\b(it|its|he|him|his|she|her|hers|they|them|their|theirs|this|that|these|those)\b", re.IGNORECASE
)
_THERE = re.compile(r"\b(there|then)\b", re.IGNORECASE)
_OPENING = re.compile(r"^(and|but|so|then|also|or|ok|okay|what about|how about)\b[\s,]*", re.IGNORECASE)
_POSSESSIVE = frozenset({"its", "his", "her", "their", "hers", "theirs"})
_PERSONAL = frozenset({"he", "him", "his", "she", "her", "hers"})
_NAME = re.compile(r"\b[A-ZÀ-Þ][\w'’.-]*(?:\s+(?:(?:of|the|de|du|von|van|and|for|in)\s+)?(?:[A-ZÀ-Þ][\w'’.-]*|\d+))*")
_THING = re.compile(
    r"\b(?:the|an?)\s+((?:[\w'’-]+\s+){0,2}?[\w'’-]+)"
    r"(?=\s+(?:of|in|on|at|is|was|were|did|does|do|that|which|fall|open|have|has|had|to|from|by)\b|[?.,;]|$)"
)
_WHO = re.compile(r"\bwho(?:m|se)?\b", re.IGNORECASE)
_BARE_WORDS = 2
"""A question with fewer words of its own says nothing without the turn before it."""


class PastTurn(NamedTuple):
    """A question that was asked before and the answer it got; empty where there was none."""

    question: str
    answer: str


def standalone(question: str, past: Sequence[PastTurn]) -> str:
    """Make a follow-up question stand on its own.

    Args:
        question: The question as asked.
        past: The turns before it, oldest first, their questions standing on their own.

    Returns:
        The question with what it leaves out put in; as asked if it leaves nothing out or nothing is known.
    """
    if not past:
        return question
    body = _OPENING.sub("", question.strip())
    opened = body != question.strip()
    pronoun = _PRONOUN.search(body)
    bare = len([word for word in re.findall(r"\w+", body.lower()) if word not in STOPWORDS]) < _BARE_WORDS
    if pronoun is None and not _THERE.search(body) and not (opened or bare):
        return question
    person = pronoun is not None and pronoun.group().lower() in _PERSONAL
    topic = _topic(past, person=person, known=body)
    if not topic:
        return question
    if pronoun is None:
        return f"{_capital(body.rstrip(' ?'))}, {topic}?"
    word = pronoun.group().lower()
    return _capital(body[: pronoun.start()] + topic + ("'s" if word in _POSSESSIVE else "") + body[pronoun.end() :])


def _topic(past: Sequence[PastTurn], *, person: bool, known: str) -> str:
    """Choose what is being talked about: of the last turn that names anything, the answer or the question's name.

    An answer to "who", "what" or "which" is a thing to go on about; one to "when" or "how many" is not.
    """
    for turn in reversed(past):
        names = [name for name in _names(turn.question) if name.lower() not in known.lower()]
        answered = " ".join(turn.answer.split())
        names_answer = bool(_NAME.match(answered)) and len(answered) < 60
        if names_answer and (_WHO.search(turn.question) if person else not names):
            return answered
        if names:
            return _with_article(names[0], turn.question)
        if names_answer:
            return answered
        if things := _THING.findall(turn.question):
            return f"the {things[0]}"
    return ""


def _names(text: str) -> list[str]:
    """Find names, leaving out the first word where it is only capital because it is the first."""
    names: list[str] = []
    for match in _NAME.finditer(text):
        words = match.group().split()
        if match.start() == 0 and words[0].lower() in STOPWORDS | {"name", "tell", "list", "give", "describe"}:
            words = words[1:]
        if words:
            names.append(" ".join(words).rstrip(".'’-"))
    return names


def _with_article(name: str, question: str) -> str:
    """Put "the" before a name that has it in the question."""
    return f"the {name}" if re.search(rf"\bthe {re.escape(name)}", question, re.IGNORECASE) else name


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
