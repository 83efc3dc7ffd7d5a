"""From examples to training batches: passages, distractors, buckets of equal length, targets.

Everything random here comes from a generator seeded by (seed, epoch, example), so that a resumed run sees what an
uninterrupted one would have seen.
"""

from __future__ import annotations

import bisect
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch

from ragapp.indexes.types import Span
from ragapp.readers.base import ReaderPassage
from ragapp.readers.copy_fid.features import EncodedPair, Featurizer, PairBatch
from ragapp.readers.copy_fid.model import END, PAD, Targets
from ragapp.readers.copy_fid.training.data import QaExample

_CHARS_PER_TOKEN = 4.2
_WINDOW_CHARS = 760
"""Longer contexts are cut to a window of about this many characters, as the chunker would cut them."""


class Mixture(NamedTuple):
    """What an epoch is made of.

    Attributes:
        dataset_shares: Share of each dataset's examples that an epoch draws, 0 to 1; 1 where none is given.
        passages: Probability of reading 1, 2, 3, … passages.
        unanswerable: Probability that the passage which answers is replaced by another of the same article.
        heading: Probability that a passage carries its title.
    """

    dataset_shares: Mapping[str, float]
    passages: tuple[float, ...] = (0.5, 0.25, 0.0, 0.25)
    unanswerable: float = 0.15
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
        mixture: What an epoch is made of.
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
            if rng.random() < self._mixture.dataset_shares.get(example.dataset, 1.0):
                chars = min(len(example.context), _WINDOW_CHARS) + len(example.question)
                drawn[self._passages(epoch, index)].append((chars * rng.uniform(0.9, 1.1), index))
        batches: list[list[int]] = []
        for passages, bucket in drawn.items():
            batch: list[int] = []
            for chars, index in sorted(bucket):
                if batch and (len(batch) + 1) * passages * (chars / _CHARS_PER_TOKEN + 8) > self._tokens:
                    batches.append(batch)
                    batch = []
                batch.append(index)
            batches.append(batch)
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

    def _passages(self, epoch: int, index: int) -> int:
        rng = random.Random(f"{self._seed}/{epoch}/{index}/passages")
        return rng.choices(range(1, len(self._mixture.passages) + 1), self._mixture.passages)[0]

    def _question(self, epoch: int, index: int) -> Question:
        rng = random.Random(f"{self._seed}/{epoch}/{index}")
        example = self._examples[index]
        count = self._passages(epoch, index)
        answerable = example.answer is not None and rng.random() >= self._mixture.unanswerable
        headed = rng.random() < self._mixture.heading
        others = self._distractors(rng, index, count)
        passages = [_passage(rng, self._examples[other], None, headed)[0] for other in others]
        gold, answer = None, Span(0, 0)
        if answerable or example.answer is None:
            passage, answer = _passage(rng, example, example.answer, headed)
            place = rng.randrange(count)
            passages[place] = passage
            gold = place if answerable else None
        return Question(example.question, tuple(passages), gold, answer)

    def _distractors(self, rng: random.Random, index: int, count: int) -> list[int]:
        """Other contexts: of the same article where it has enough, else of the same dataset."""
        example = self._examples[index]
        near = self._siblings.get((example.dataset, example.title), [])
        far = self._siblings[example.dataset, None]
        chosen: list[int] = []
        for _ in range(count):
            pool = near if len(near) > 1 and rng.random() < 0.7 else far
            taken = {self._examples[index].context for index in chosen}
            drawn = [rng.choice(pool) for _ in range(8)]
            fit = (
                i for i in drawn if not _answers(example, self._examples[i]) and self._examples[i].context not in taken
            )
            chosen.append(next(fit, drawn[-1]))
        return chosen

    def _targets(self, usable: Sequence[tuple[Question, list[EncodedPair], list[int]]], width: int) -> Targets:
        steps = 1 + max(len(answer) for _, _, answer in usable)
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
        groups[example.dataset, None].append(index)
        if example.title:
            groups[example.dataset, example.title].append(index)
    return groups
