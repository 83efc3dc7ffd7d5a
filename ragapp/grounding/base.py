"""What every grounding checker takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from ragapp.indexes.types import Span

Verdict = Literal["supported", "not_supported", "contradicted"]
"""What a source does to a claim: it says so, it doesn't say so, or it says otherwise."""


class ClaimPair(NamedTuple):
    """A claim and the text it should rest on."""

    source: str
    claim: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a checker holds of a pair.

    Attributes:
        p_supported: Probability that the source supports the whole claim, 0 to 1.
        verdict: Supported from the checker's threshold on; below it contradicted where the checker can tell.
        evidence: Characters of the source that weighed most; nothing only where the source is blank.
    """

    p_supported: float
    verdict: Verdict
    evidence: Span | None


class Checker(Protocol):
    """Judges claims by their sources, and nothing else: what the world knows doesn't count."""

    name: str
    """Short name, for instance ``cross-check``."""
    model_hash: str
    """SHA-256 of the weights, hex."""

    def check(self, pairs: Sequence[ClaimPair]) -> tuple[Judgement, ...]:
        """Judge pairs.

        Args:
            pairs: Claims with their sources, of any length.

        Returns:
            One judgement a pair, in order; a pair's judgement does not depend on the others.
        """
        ...
