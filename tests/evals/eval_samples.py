"""What the evaluation tests share: items as a run would leave them."""

from __future__ import annotations

from collections.abc import Mapping

from ragapp.evals.metrics.citations import JudgedClaim
from ragapp.evals.records import Item


def item(
    identity: str,
    text: str,
    answers: tuple[str, ...] | None,
    *,
    abstained: bool = False,
    confidence: float | None = 0.5,
    retrieved: tuple[str, ...] = (),
    gold: Mapping[str, int] | None = None,
    claims: tuple[JudgedClaim, ...] = (),
    kind: str = "",
) -> Item:
    """Make an item with the fields a test is about."""
    question = f"question {identity}?"
    signals: dict[str, float] = {}
    return Item(
        identity, kind, question, answers, gold or {}, text, abstained, confidence, signals, (), retrieved, claims
    )


def claim(verdict: bool, *precise: bool) -> JudgedClaim:
    """Make a judged claim with one citation for each of ``precise``."""
    return JudgedClaim("claim", 0.9 if verdict else 0.1, "supported" if verdict else "not_supported", "", precise)
