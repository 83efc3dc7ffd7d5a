"""How fast a run went and how much memory it took; kept apart from its figures, as it is never twice the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from ragapp.evals.records import Timing

_ORDER = ("encode", "search", "rank", "read", "check", "total")
"""Stages as a question passes them."""


class Latency(TypedDict):
    """Milliseconds of one stage over all questions."""

    p50: float
    p95: float


class Performance(TypedDict):
    """What a run took: latency by stage, ``total`` last; mean tokens read a question; peak resident megabytes."""

    latency_ms: dict[str, Latency]
    tokens_a_question: float
    peak_rss_mb: float


def performance(timings: Sequence[Timing]) -> Performance:
    """Sum timings up.

    Args:
        timings: One a question.

    Returns:
        Percentiles by stage, in the order the stages are passed through; zeros without a timing.
    """
    stages = [*dict.fromkeys(stage for timing in timings for stage in timing.stages_ms)]
    stages.sort(key=lambda stage: _ORDER.index(stage) if stage in _ORDER else len(_ORDER))
    latency: dict[str, Latency] = {}
    for stage in stages:
        p50, p95 = np.percentile([timing.stages_ms.get(stage, 0.0) for timing in timings], [50, 95])
        latency[stage] = {"p50": round(float(p50), 1), "p95": round(float(p95), 1)}
    return {
        "latency_ms": latency,
        "tokens_a_question": round(float(np.mean([timing.tokens for timing in timings] or [0])), 1),
        "peak_rss_mb": round(max((timing.peak_rss_mb for timing in timings), default=0.0), 1),
    }
