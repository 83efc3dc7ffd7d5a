"""Questions that their passage nearly answers: an answerable question, changed in one place.

People who write unanswerable questions on purpose change a name, a number, a word for its opposite, or negate
(Rajpurkar, Jia & Liang 2018, arXiv:1806.03822, table 1). The same changes are made here to answerable questions, so
that the reader learns to look at every word of the question and not only for something of the right kind near it.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence

from ragapp.readers.copy_fid.training.data import QaExample

_NAME = re.compile(r"\b[A-Z][\w'’-]+(?:\s+(?:(?:of|the|de|von|van|and)\s+)?[A-Z][\w'’-]+)*")
_NUMBER = re.compile(r"\b\d[\d,.]*\d\b|\b\d\b")
_WORD = re.compile(r"\b[a-z]{4,}\b")
_AUXILIARY = re.compile(
    r"\b(is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)\b(?!n't)", re.IGNORECASE
)
_CONTRACTED = {"can": "can't", "will": "won't"}
_QUESTION_WORDS = (
    "What Which Who Whom Whose When Where Why How In On At Of For From By To The A An Is Are Was Were Do Does Did"
)
_NOT_CONTENT = (
    "what which whom whose when where that this these those with from into during about after before between have "
    "were many much kind type name does did been being there their they than also some most more other each such "
    "only over under while would could should will according called known used"
)
_OPPOSITES = (
    "first last,largest smallest,biggest smallest,highest lowest,most least,more fewer,before after,earlier later,"
    "began ended,begin end,start end,started ended,opened closed,open close,won lost,win lose,increase decrease,"
    "increased decreased,rise fall,rose fell,north south,northern southern,east west,eastern western,left right,"
    "old new,older newer,oldest newest,youngest oldest,young old,male female,man woman,men women,king queen,"
    "father mother,son daughter,brother sister,husband wife,positive negative,major minor,strong weak,"
    "strongest weakest,stronger weaker,high low,higher lower,long short,longest shortest,longer shorter,"
    "large small,larger smaller,greater lesser,maximum minimum,best worst,better worse,good bad,rich poor,"
    "public private,internal external,inside outside,above below,upper lower,support oppose,supported opposed,"
    "allow forbid,allowed forbidden,accept reject,accepted rejected,include exclude,included excluded,gain lose,"
    "gained lost,build destroy,built destroyed,created abolished,founded dissolved,arrive leave,arrived left,"
    "enter leave,entered left,attack defend,attacked defended,buy sell,bought sold,born buried,married divorced,"
    "legal illegal,common rare,popular unpopular,successful unsuccessful,hot cold,warm cold,dry wet,heavy light,"
    "fast slow,modern ancient,urban rural,domestic foreign,rejected approved,succeeded failed,"
    "advantage disadvantage,advantages disadvantages,cause prevent,caused prevented,causes prevents,summer winter,"
    "day night,morning evening,present absent,safe dangerous"
)
_QUESTION_WORD_SET, _NOT_CONTENT_SET = frozenset(_QUESTION_WORDS.split()), frozenset(_NOT_CONTENT.split())
OPPOSITE = {a: b for pair in _OPPOSITES.split(",") for a, b in (pair.split(), pair.split()[::-1])}


class NearMisses:
    """Makes near-miss questions out of answerable ones.

    Args:
        examples: Where names, numbers and words to put in are taken from.
    """

    def __init__(self, examples: Sequence[QaExample]) -> None:
        names: dict[str, set[str]] = defaultdict(set)
        words: dict[tuple[str, str], set[str]] = defaultdict(set)
        for example in examples:
            topic = example.title or example.dataset
            names[topic].update(_names(example.question))
            for word in _words(example.question):
                words[topic, word[-2:]].add(word)
        self._names = {topic: sorted(found) for topic, found in names.items()}
        self._words = {key: sorted(found) for key, found in words.items()}

    def make(self, example: QaExample, rng: random.Random) -> str | None:
        """Change an answerable question in one place, so that its context no longer answers it.

        Args:
            example: An answerable question.
            rng: Where chance comes from.

        Returns:
            The changed question; nothing if none of the changes applies.
        """
        changes: list[Callable[[QaExample, random.Random], str | None]] = [
            self._another_name, self._another_name, _another_number, _opposite, _opposite, self._another_word, _negated
        ]  # fmt: skip
        rng.shuffle(changes)
        for change in changes:
            changed = change(example, rng)
            if changed is not None and changed != example.question:
                return changed
        return None

    def _another_name(self, example: QaExample, rng: random.Random) -> str | None:
        """Swap a name that the context mentions for another one of the context or of the same topic."""
        mentioned = [name for name in _names(example.question) if name in example.context]
        if not mentioned:
            return None
        old = rng.choice(mentioned)
        near = _names(example.context) if rng.random() < 0.5 else self._names.get(example.title or example.dataset, [])
        answer = " ".join(example.references).casefold()
        fit = [
            name
            for name in near
            if not _overlap(name, example.question) and name.casefold() not in answer and not _overlap(name, answer)
        ]
        return example.question.replace(old, rng.choice(fit), 1) if fit else None

    def _another_word(self, example: QaExample, rng: random.Random) -> str | None:
        """Swap a word that the context has for one with the same ending that it lacks, from the same topic."""
        context = example.context.casefold()
        shared = [word for word in _words(example.question) if word in context]
        if not shared:
            return None
        old = rng.choice(shared)
        pool = self._words.get((example.title or example.dataset, old[-2:]), [])
        fit = [word for word in pool if word not in context and word[:4] != old[:4] and word not in example.question]
        return re.sub(rf"\b{old}\b", rng.choice(fit), example.question, count=1) if fit else None


def _another_number(example: QaExample, rng: random.Random) -> str | None:
    found = [number for number in _NUMBER.findall(example.question) if number in example.context]
    if not found:
        return None
    old = rng.choice(found)
    kept = len(old) // 2
    new = old[:kept] + "".join(rng.choice("0123456789") if c.isdigit() else c for c in old[kept:])
    return None if new in example.context else example.question.replace(old, new, 1)


def _opposite(example: QaExample, rng: random.Random) -> str | None:
    found = [word for word in re.findall(r"\b[a-z]+\b", example.question) if word in OPPOSITE]
    if not found:
        return None
    old = rng.choice(found)
    return re.sub(rf"\b{old}\b", OPPOSITE[old], example.question, count=1)


def _negated(example: QaExample, rng: random.Random) -> str | None:
    """Negate one time in four that it could be: a reader that sees "not" too often learns to look for nothing else."""
    found = _AUXILIARY.search(example.question)
    if found is None or rng.random() > 0.25:
        return None
    word = found.group().lower()
    negated = _CONTRACTED.get(word, f"{word}n't")
    negated = negated.capitalize() if found.group()[0].isupper() else negated
    return example.question[: found.start()] + negated + example.question[found.end() :]


def _names(text: str) -> list[str]:
    """Find runs of capitalised words, without a question word in front."""
    names: list[str] = []
    for found in _NAME.findall(text):
        first, _, rest = found.partition(" ")
        name = rest if first in _QUESTION_WORD_SET else found
        if len(name) > 2 and name[0].isupper():
            names.append(name)
    return list(dict.fromkeys(names))


def _words(text: str) -> list[str]:
    return [word for word in dict.fromkeys(_WORD.findall(text)) if word not in _NOT_CONTENT_SET]


def _overlap(name: str, text: str) -> bool:
    return any(part in text.casefold() for part in name.casefold().split() if len(part) > 2)
