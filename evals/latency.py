"""How long a question takes: warm over many passages, and cold from the start of a process."""

from __future__ import annotations

import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ragapp.app import RagApp


@dataclass(frozen=True, slots=True)
class AskLatency:
    """Times of asking.

    Attributes:
        passages: Passages in the index.
        questions: How many were asked warm.
        warm_median_ms: Median milliseconds from question to answer, models loaded.
        warm_p95_ms: 95th percentile of the same.
        cold_median_s: Median seconds from the start of a process to its exit with the answer.
        cold_runs: How many processes were started.
        peak_rss_mb: Largest resident memory of this process so far, megabytes.
    """

    passages: int
    questions: int
    warm_median_ms: float
    warm_p95_ms: float
    cold_median_s: float
    cold_runs: int
    peak_rss_mb: float


def measure_ask(app: RagApp, questions: Sequence[str], cold_runs: int = 3) -> AskLatency:
    """Ask warm, then cold in processes of their own.

    Args:
        app: An app over an index.
        questions: What to ask; the first warms up and is not counted.
        cold_runs: How many processes to start.

    Returns:
        Medians.
    """
    app.ask(questions[0])
    warm = [app.ask(question).timings_ms["total"] for question in questions[1:]]
    command = [sys.executable, "-m", "ragapp", "ask", questions[0], "--home", str(app.settings.home), "--json"]
    cold: list[float] = []
    for _ in range(cold_runs):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own interpreter and module
        cold.append(time.perf_counter() - began)
    return AskLatency(
        passages=app.index.stats(app.collection).passages,
        questions=len(warm),
        warm_median_ms=statistics.median(warm),
        warm_p95_ms=statistics.quantiles(warm, n=20)[-1],
        cold_median_s=statistics.median(cold),
        cold_runs=cold_runs,
        peak_rss_mb=peak_rss_mb(),
    )


def peak_rss_mb() -> float:
    """Give the largest resident memory this process had so far, megabytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def write_large_corpus(folder: Path, sources: Sequence[Path], passages: int, seed: int = 0) -> None:
    """Write documents that mix the sentences of others anew, until they make about so many passages.

    Args:
        folder: Where to write; made if missing.
        sources: Text files whose sentences are mixed.
        passages: About how many passages they should make.
        seed: Seed of the mixing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    sentences = [s for path in sources for s in path.read_text("utf-8").split(". ") if 20 < len(s) < 300]
    per_document = 50
    for number in range(max(1, passages // per_document)):
        paragraphs = [". ".join(rng.choices(sentences, k=6)) + "." for _ in range(per_document)]
        (folder / f"{number:05d}.txt").write_text("\n\n".join(paragraphs), "utf-8")
