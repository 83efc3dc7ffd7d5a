"""Follow-up questions with and without what the turn before them was about."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from ragapp.app import RagApp
from ragapp.evals.squad import token_f1
from ragapp.evals.stats import Estimate, bootstrap


class FollowUp(NamedTuple):
    """Two questions of which the second leaves out what the first names."""

    first: str
    question: str
    answers: tuple[str, ...]


class FollowUpScores(NamedTuple):
    """Share of follow-up questions answered rightly (token F1 of at least 0.5), and the difference."""

    with_context: Estimate
    without: Estimate
    gain: Estimate


def read_followups(path: Path) -> list[FollowUp]:
    """Read pairs of questions, one JSON object a line with ``first``, ``question`` and ``answers``."""
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    return [FollowUp(record["first"], record["question"], tuple(record["answers"])) for record in records]


def measure_followups(
    app: RagApp, pairs: Sequence[FollowUp], on_done: Callable[[], None] = lambda: None
) -> FollowUpScores:
    """Ask each pair in a conversation of its own, and each second question also alone.

    Args:
        app: An app that holds the documents.
        pairs: The pairs.
        on_done: Called after each pair.

    Returns:
        How often the second answer is right.
    """
    within: list[float] = []
    alone: list[float] = []
    for pair in pairs:
        conversation = app.index.conversations.create(app.settings.collection, pair.first)
        app.ask(pair.first, conversation=conversation)
        second = app.ask(pair.question, conversation=conversation)
        within.append(float(token_f1(second.text, pair.answers) >= 0.5))
        alone.append(float(token_f1(app.ask(pair.question).text, pair.answers) >= 0.5))
        on_done()
    gain = bootstrap([a - b for a, b in zip(within, alone, strict=True)])
    return FollowUpScores(bootstrap(within), bootstrap(alone), gain)
