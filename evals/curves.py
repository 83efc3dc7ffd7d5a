"""Curves: what is right among the answers given, as more are withheld; and how a training run went."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ragapp.errors import EvalError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class RiskCoverage(NamedTuple):
    """Error among the answers given when only the most confident ones are (El-Yaniv & Wiener 2010).

    Attributes:
        coverage: Share of the questions answered, ascending, (n,).
        risk: Share of wrong ones among them, (n,).
    """

    coverage: np.ndarray
    risk: np.ndarray

    @property
    def area(self) -> float:
        """Mean risk over all coverages (AURC, Geifman & El-Yaniv 2017): lower is better."""
        return float(self.risk.mean())


def risk_coverage(confidences: Sequence[float], right: Sequence[bool]) -> RiskCoverage:
    """Compute the curve.

    Args:
        confidences: Confidence of each answer.
        right: Whether it was right; an answer to an unanswerable question is not.

    Returns:
        The curve, with answers of equal confidence given together.

    Raises:
        EvalError: If there are none.
    """
    if not confidences:
        raise EvalError("There is no answer to draw a curve of.", "give questions")
    scores = np.asarray(confidences, np.float64)
    order = np.argsort(-scores, kind="stable")
    wrong = np.cumsum(~np.asarray(right, bool)[order])
    given = np.arange(1, len(scores) + 1)
    # With ties broken by file order, the curve would depend on it: each point stands at the end of its ties.
    last = np.searchsorted(-scores[order], -scores[order], side="right") - 1
    return RiskCoverage(given[last] / len(scores), wrong[last] / given[last])


def draw_risk_coverage(curve: RiskCoverage, path: Path) -> None:
    """Draw the curve.

    Args:
        curve: What to draw.
        path: An ``.svg`` or ``.png`` file.

    Raises:
        EvalError: If matplotlib is not installed.
    """

    def draw(axes: Axes) -> None:
        axes.plot(curve.coverage, curve.risk, drawstyle="steps-post")
        axes.axhline(curve.risk[-1], linestyle=":", color="grey", linewidth=1)
        axes.set(xlabel="share of questions answered", ylabel="share of wrong answers among them", xlim=(0, 1))
        axes.set_ylim(0, 1)
        axes.set_title(f"area under the curve {curve.area:.3f}, n = {len(curve.risk)}", fontsize=10)

    _draw(path, draw)


def draw_training(runs: Sequence[Path], path: Path) -> None:
    """Draw the losses and held-out scores of training runs, one after the other.

    Args:
        runs: Folders with a ``curve.csv`` each; a run that went on from another stands after it.
        path: An ``.svg`` or ``.png`` file.

    Raises:
        EvalError: If a curve is missing, or matplotlib is not installed.
    """
    questions: list[float] = []
    losses: list[float] = []
    scores: list[tuple[float, float]] = []
    seen = 0.0
    for run in runs:
        rows = _rows(run / "curve.csv")
        for row in rows:
            questions.append(seen + float(row["questions"]))
            losses.append(float(row["span_loss"]))
            named = dict(pair.split("=") for pair in row["scores"].split())
            if "f1" in named:
                scores.append((questions[-1], float(named["f1"])))
        seen = questions[-1]

    def draw(axes: Axes) -> None:
        axes.plot(questions, losses, linewidth=1, color="tab:grey")
        axes.set(xlabel="questions read", ylabel="loss of the span, nats (grey)", yscale="log")
        right = axes.twinx()
        right.plot(*zip(*scores, strict=True), marker="o")
        right.set(ylabel="token F1 on held-out questions (blue)", ylim=(0, 1))

    _draw(path, draw)


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise EvalError(f"There is no curve {str(path)!r}: {error}", "give a folder of ragapp train reader") from error
    if not rows:
        raise EvalError(f"The curve {str(path)!r} is empty.", "let the run take some steps first")
    return rows


def _draw(path: Path, draw: Callable[[Axes], None]) -> None:
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise EvalError("Drawing needs matplotlib, which is not installed.", "pip install 'ragapp[evals]'") from error
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    draw(axes)
    axes.grid(visible=True, alpha=0.3)
    # Without a date and with fixed ids, so that the same curve is the same bytes.
    with rc_context({"svg.hashsalt": path.name}):
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
