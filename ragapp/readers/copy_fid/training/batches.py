"""From examples to training batches: passages, distractors, buckets of equal length, targets.

Everything random here comes from a generator seeded by (seed, epoch, example), so that a resumed run sees what an
uninterrupted one would have seen.
"""

from __future__ import annotations

import bisect
import random
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import torch

from ragapp.indexes.types import Span
from ragapp.ingest.sentences import split_sentences
from ragapp.readers.base import ReaderPassage
from ragapp.readers.copy_fid.features import EncodedPair, Featurizer, PairBatch
from ragapp.readers.copy_fid.model import END, PAD, Targets
from ragapp.readers.copy_fid.training.data import NEAR_MISS, QaExample

_CHARS_PER_TOKEN = 4.2
_WINDOW_CHARS = 760
"""Longer contexts are cut to a window of about this many characters, as the chunker would cut them."""


class Mixture(NamedTuple):
    """How questions are put together with passages.

    Attributes:
        passages: Probability of reading 1, 2, 3, … passages.
        unanswerable: Probability that the passage which answers is left out and another one read in its place.
        silenced: Probability that the sentence with the answer is cut out of its passage.
        heading: Probability that a passage carries its title.
    """

    passages: tuple[float, ...] = (0.5, 0.25, 0.0, 0.25)
    unanswerable: float = 0.1
    silenced: float = 0.05
    heading: float = 0.5


class Question(NamedTuple):
    """One training question with the passages it is read with."""

    text: str
    passages: tuple[ReaderPassage, ...]
    gold: int | None
    """Index of the passage that answers, if one does."""
    answer: Span
    """Characters of the gold passage's text; (0, 0) without one."""


class TrainingBatch(NamedTuple):
    """Tensors of B questions with N passages each."""

    pairs: PairBatch
    """B * N pairs, a question's passages one after the other."""
    passages: int
    """N."""
    targets: Targets


class BatchPlan:
    """Deals an epoch's questions out to batches.

    Args:
        examples: The training examples.
        featurizer: Builds the pairs.
        mixture: How questions are put together with passages.
        tokens: Budget of a batch in tokens, padding included.
        seed: Seed of everything random.
    """

    def __init__(
        self, examples: Sequence[QaExample], featurizer: Featurizer, mixture: Mixture, tokens: int, seed: int
    ) -> None:
        self._examples = examples
        self._featurizer = featurizer
        self._mixture = mixture
        self._tokens = tokens
        self._seed = seed
        self._siblings = _siblings(examples)

    def epoch(self, epoch: int) -> list[list[int]]:
        """Deal an epoch: which examples go into which batch.

        Args:
            epoch: Number of the epoch, from 0.

        Returns:
            Lists of example indices; the examples of one batch read equally many passages of similar length.
        """
        rng = random.Random(f"{self._seed}/{epoch}")
        drawn: dict[int, list[tuple[float, int]]] = defaultdict(list)
        for index, example in enumerate(self._examples):
            chars = min(len(example.context), _WINDOW_CHARS) + len(example.question)
            drawn[self._passages(epoch, index)].append((chars * rng.uniform(0.9, 1.1), index))
        batches: list[list[int]] = []
        for passages, bucket in drawn.items():
            bucket.sort(reverse=True)
            while bucket:
                size = self._batch_size(passages, longest=bucket[0][0])
                batches.append([index for _, index in bucket[:size]])
                del bucket[:size]
        rng.shuffle(batches)
        return batches

    def batch(self, epoch: int, indices: Sequence[int]) -> TrainingBatch | None:
        """Build one batch of an epoch.

        Args:
            epoch: Number of the epoch.
            indices: One of the lists that `epoch` returned.

        Returns:
            The tensors, or nothing if no question of it can be used (every answer too long or cut off).
        """
        usable: list[tuple[Question, list[EncodedPair], list[int]]] = []
        for index in indices:
            question = self._question(epoch, index)
            pairs = self._featurizer.pairs(question.text, question.passages)
            answer = answer_tokens(pairs, question)
            if answer is not None and len(answer) <= self._featurizer.config.max_answer_tokens:
                usable.append((question, pairs, answer))
        if not usable:
            return None
        passages = len(usable[0][1])
        batch = self._featurizer.batch([pair for _, pairs, _ in usable for pair in pairs])
        return TrainingBatch(batch, passages, self._targets(usable, width=batch.mask.shape[1]))

    def _batch_size(self, passages: int, longest: float) -> int:
        """Fit questions into the budget, in steps of four.

        oneDNN keeps code for every shape it meets: the fewer batch shapes there are, the less memory a run takes.
        """
        width = -(-int(longest / _CHARS_PER_TOKEN + 8) // 16) * 16
        fitting = max(1, self._tokens // (passages * width))
        return fitting - fitting % 4 if fitting > 4 else fitting

    def _passages(self, epoch: int, index: int) -> int:
        rng = random.Random(f"{self._seed}/{epoch}/{index}/passages")
        return rng.choices(range(1, len(self._mixture.passages) + 1), self._mixture.passages)[0]

    def _question(self, epoch: int, index: int) -> Question:
        rng = random.Random(f"{self._seed}/{epoch}/{index}")
        example = self._examples[index]
        count = self._passages(epoch, index)
        headed = rng.random() < self._mixture.heading
        passages = self._distractors(rng, example, count, headed)
        chance = rng.random()
        if example.answer is not None and chance < self._mixture.unanswerable:
            return Question(example.question, tuple(passages), None, Span(0, 0))
        passage, answer = _passage(rng, example, example.answer, headed)
        answerable = example.answer is not None
        if answerable and chance < self._mixture.unanswerable + self._mixture.silenced:
            silent = _silenced(passage.text, answer, example.references)
            if silent:
                passage, answer, answerable = passage._replace(text=silent), Span(0, 0), False
        place = rng.randrange(count)
        passages[place] = passage
        return Question(example.question, tuple(passages), place if answerable else None, answer)

    def _distractors(self, rng: random.Random, example: QaExample, count: int, headed: bool) -> list[ReaderPassage]:
        """Passages that do not answer: what retrieval found, else of the same article, else of the same dataset."""
        found = [passage for passage in example.negatives if rng.random() < 0.8]
        chosen = [passage if headed else passage._replace(heading="") for passage in found[:count]]
        dataset = example.dataset.removesuffix(NEAR_MISS)
        near = self._siblings.get((dataset, example.title), [])
        far = self._siblings[dataset, None]
        taken = {passage.text for passage in chosen}
        while len(chosen) < count:
            pool = near if len(near) > 1 and rng.random() < 0.7 else far
            drawn = [self._examples[rng.choice(pool)] for _ in range(8)]
            other = next((o for o in drawn if not _answers(example, o) and o.context not in taken), drawn[-1])
            taken.add(other.context)
            chosen.append(_passage(rng, other, None, headed)[0])
        return chosen

    def _targets(self, usable: Sequence[tuple[Question, list[EncodedPair], list[int]]], width: int) -> Targets:
        longest = 1 + max(len(answer) for _, _, answer in usable)
        steps = min(-(-longest // 4) * 4, self._featurizer.config.max_answer_tokens + 1)  # few shapes, as above
        shape = (len(usable), steps)
        tokens = torch.full(shape, self._featurizer.sep_id)
        sources = torch.full(shape, -1)
        actions = torch.full(shape, PAD)
        gold_passage = torch.empty(len(usable), dtype=torch.int64)
        for row, (question, pairs, answer) in enumerate(usable):
            tokens[row, 0] = self._featurizer.cls_id
            actions[row, len(answer)] = END
            gold_passage[row] = len(pairs) if question.gold is None else question.gold
            if question.gold is None or not answer:
                continue
            positions = torch.tensor(answer)
            actions[row, : len(answer)] = positions + question.gold * width
            sources[row, 1 : len(answer) + 1] = positions + question.gold * width
            tokens[row, 1 : len(answer) + 1] = torch.tensor(pairs[question.gold].ids)[positions]
        return Targets(tokens, sources, actions, gold_passage)


def answer_tokens(pairs: Sequence[EncodedPair], question: Question) -> list[int] | None:
    """Find the answer's tokens.

    Args:
        pairs: The question's pairs.
        question: Which of them is gold, and the answer's characters.

    Returns:
        Token positions in the gold pair; empty without a gold passage; ``None`` if the answer was cut off.
    """
    if question.gold is None:
        return []
    pair = pairs[question.gold]
    first = bisect.bisect_right([offset.end for offset in pair.offsets], question.answer.start)
    last = bisect.bisect_left([offset.start for offset in pair.offsets], question.answer.end)
    if first >= last or pair.offsets[last - 1].end < question.answer.end:
        return None
    return list(range(pair.text_start + first, pair.text_start + last))


def _passage(rng: random.Random, example: QaExample, answer: Span | None, headed: bool) -> tuple[ReaderPassage, Span]:
    """Cut a context to a window, around the answer if there is one, at white space."""
    start, end = 0, len(example.context)
    if end > _WINDOW_CHARS * 1.3:
        low, high = (answer.end - _WINDOW_CHARS, answer.start) if answer else (0, end - _WINDOW_CHARS)
        high = max(0, min(high, end - _WINDOW_CHARS))
        start = rng.randint(min(max(0, low), high), high)
        start = example.context.rfind(" ", 0, start) + 1
        end = min(end, max(start + _WINDOW_CHARS, answer.end if answer else 0))
        end = end if (space := example.context.find(" ", end)) < 0 else space
    span = Span(answer.start - start, answer.end - start) if answer else Span(0, 0)
    return ReaderPassage(example.context[start:end], example.title if headed else ""), span


def _silenced(text: str, answer: Span, references: Sequence[str]) -> str:
    """Cut the sentence with the answer out of a passage; empty if nothing is left or the rest still says it."""
    sentences = split_sentences(text, 0, len(text))
    rest = " ".join(text[s.start : s.end] for s in sentences if s.end <= answer.start or s.start >= answer.end)
    return "" if any(reference.casefold() in rest.casefold() for reference in references) else rest


def _answers(example: QaExample, other: QaExample) -> bool:
    """Whether the other context may hold the answer too, so that it would be no distractor."""
    return any(reference in other.context for reference in example.references) or example.context == other.context


def _siblings(examples: Sequence[QaExample]) -> dict[tuple[str, str | None], list[int]]:
    """Index one example a context by (dataset, title) and by (dataset, None)."""
    groups: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    seen: set[str] = set()
    for index, example in enumerate(examples):
        if example.context in seen:
            continue
        seen.add(example.context)
        dataset = example.dataset.removesuffix(NEAR_MISS)
        groups[dataset, None].append(index)
        if example.title:
            groups[dataset, example.title].append(index)
    return groups
