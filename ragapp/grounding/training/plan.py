"""What a training run reads, in which order: blocks of claims, dealt out to batches of equal length.

Everything random comes from generators seeded by (seed, block), so that a resumed run sees what an uninterrupted one
would have seen.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ragapp.grounding.features import Batch, Featurizer, Input
from ragapp.grounding.training.data import LabelledClaim
from ragapp.grounding.training.made import MadeClaims
from ragapp.indexes.encoder_torch import token_batches
from ragapp.indexes.types import Span

BLOCK = 256
"""Claims that are dealt out to batches together, and after which a run may stop and go on."""


class TrainingBatch(NamedTuple):
    """Tensors of P claims of at most T tokens."""

    rows: Batch
    verdicts: Tensor
    """(P, 3) bool, the verdicts that the label allows."""
    wrong: Tensor
    """(P, T) float32, 1 at the claim's tokens that are wrong, 0 at those that are right, -1 where it is unknown."""
    decisive: Tensor
    """(P, T) bool, the evidence's tokens that decide; none where it is unknown."""


class Plan:
    """Deals claims out to batches, as many supported as not of every set.

    A set of labelled claims is drawn from in proportion to the square root of the number of its rarer label: large sets
    do not drown small ones, and small ones are not learned by heart.

    Args:
        claims: Labelled claims.
        made: Where claims are made from questions.
        featurizer: Builds the rows.
        share_made: Share of the claims that are made from questions, 0 to 1.
        tokens: Budget of a batch in tokens, padding included.
        seed: Seed of everything random.
    """

    def __init__(
        self,
        claims: Sequence[LabelledClaim],
        made: MadeClaims,
        featurizer: Featurizer,
        share_made: float,
        tokens: int,
        seed: int,
    ) -> None:
        self._made, self._featurizer = made, featurizer
        self._tokens, self._seed = tokens, seed
        self._decks: dict[tuple[str, bool], list[LabelledClaim]] = defaultdict(list)
        for claim in claims:
            self._decks[claim.dataset, claim.supported].append(claim)
        self._datasets = sorted({claim.dataset for claim in claims})
        counts = [[len(self._decks.get((name, label), ())) for label in (True, False)] for name in self._datasets]
        self._weights = [max(1, min(count)) ** 0.5 for count in counts]
        self._share_made = 0.0 if not len(made) else share_made if self._datasets else 1.0

    def block(self, number: int) -> list[TrainingBatch]:
        """Build the batches of a block.

        Args:
            number: Which block, from 0.

        Returns:
            Its batches, in the order to train on.
        """
        rng = random.Random(f"{self._seed}/{number}")
        rows = [(claim, row) for claim in self._claims(rng) if (row := self._row(claim)) is not None]
        lengths = [-(-row.tokens // 16) * 16 for _, row in rows]
        batches = [self._batch([rows[i] for i in chosen]) for chosen in token_batches(lengths, self._tokens)]
        rng.shuffle(batches)
        return batches

    def _claims(self, rng: random.Random) -> Iterator[LabelledClaim]:
        for place in range(BLOCK):
            supported = place % 2 == 0
            if rng.random() < self._share_made:
                yield self._make(supported, rng)
            else:
                yield self._drawn(rng.choices(self._datasets, self._weights)[0], supported, rng)

    def _make(self, supported: bool, rng: random.Random) -> LabelledClaim:
        while True:
            claim = self._made.make(rng.randrange(len(self._made)), supported, rng)
            if claim is not None:
                return claim

    def _drawn(self, dataset: str, supported: bool, rng: random.Random) -> LabelledClaim:
        return rng.choice(self._decks.get((dataset, supported)) or self._decks[dataset, not supported])

    def _row(self, claim: LabelledClaim) -> Input | None:
        """Give the claim with its digest if the source is long; the first piece of a very long claim."""
        pieces = self._featurizer.claims(claim.claim)
        inputs = self._featurizer.inputs(pieces[0], self._featurizer.source(claim.source)) if pieces else []
        return inputs[-1] if inputs else None

    def _batch(self, rows: Sequence[tuple[LabelledClaim, Input]]) -> TrainingBatch:
        batch = self._featurizer.batch([row for _, row in rows])
        verdicts = torch.zeros((len(rows), 3), dtype=torch.bool)
        wrong = torch.full(batch.mask.shape, -1.0)
        decisive = torch.zeros(batch.mask.shape, dtype=torch.bool)
        for number, (claim, row) in enumerate(rows):
            verdicts[number, list(claim.verdicts)] = True
            if claim.wrong is not None:
                marks = [float(_meet(offset, claim.wrong)) for offset in row.claim.offsets]
                wrong[number, 1 : 1 + len(marks)] = torch.tensor(marks)
            if claim.evidence is not None:
                start = row.evidence_start
                for sentence in row.evidence:
                    end = start + len(sentence.ids)
                    decisive[number, start:end] = _meet(sentence.span, claim.evidence)
                    start = end
        return TrainingBatch(batch, verdicts, wrong, decisive)


def _meet(one: Span, two: Span) -> bool:
    return one.start < two.end and two.start < one.end
