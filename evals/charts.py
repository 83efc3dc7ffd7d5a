"""The report's pictures, as SVG that a page can hold: no file, no font and no script from elsewhere."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ragapp.errors import EvalError
from ragapp.evals.curves import risk_coverage
from ragapp.evals.metrics.certainty import reliability
from ragapp.evals.performance import Latency
from ragapp.evals.stats import binomial_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _ACCENT, _FAINT = "#44474d", "#2563a8", "#c9d8ea"
_VARIABLES = {_INK: "--chart-ink", _ACCENT: "--accent", _FAINT: "--chart-fill"}
"""What a page may call these colours, so that it can give others in the dark."""


def reliability_svg(confidence: np.ndarray, right: np.ndarray) -> str:
    """Draw how often answers of each confidence are right, with exact 95 % intervals and how many there are.

    Args:
        confidence: Confidence of each answer, (n,).
        right: 1 for a right answer, (n,).

    Returns:
        An ``<svg>`` element.

    Raises:
        EvalError: If matplotlib is not installed.
    """
    bins = reliability(confidence, right)

    def draw(axes: Axes) -> None:
        width = bins[0].high - bins[0].low
        axes.plot([0, 1], [0, 1], linestyle=":", color=_INK, linewidth=1)
        axes.bar(
            [each.low for each in bins],
            [each.accuracy for each in bins],
            width=width * 0.94,
            align="edge",
            color=_FAINT,
            edgecolor=_ACCENT,
        )
        middles, heights = [each.low + width / 2 for each in bins], [each.accuracy for each in bins]
        ranges = [binomial_interval(round(each.accuracy * each.n), each.n) for each in bins]
        below = [max(0.0, height - low) for height, (low, _) in zip(heights, ranges, strict=True)]
        above = [max(0.0, high - height) for height, (_, high) in zip(heights, ranges, strict=True)]
        axes.errorbar(middles, heights, yerr=[below, above], fmt="none", ecolor=_ACCENT, elinewidth=1, capsize=2)
        for middle, each in zip(middles, bins, strict=True):
            axes.text(middle, 1.03, str(each.n), ha="center", fontsize=7, color=_INK)
        axes.set(xlabel="confidence", ylabel="share of right answers", xlim=(0, 1), ylim=(0, 1.1))

    return _svg("reliability", draw)


def risk_coverage_svg(confidence: np.ndarray, right: np.ndarray, given: np.ndarray) -> str:
    """Draw the share of wrong answers as fewer and fewer are withheld, and where the run stood on that curve.

    Args:
        confidence: Confidence of each answer, (n,).
        right: 1 for a right answer, (n,).
        given: 1 for an answer that was not withheld, (n,).

    Returns:
        An ``<svg>`` element.

    Raises:
        EvalError: If matplotlib is not installed.
    """
    curve = risk_coverage([*confidence], [*(right > 0.5)])

    def draw(axes: Axes) -> None:
        axes.fill_between(curve.coverage, curve.risk, step="post", color=_FAINT)
        axes.plot(curve.coverage, curve.risk, drawstyle="steps-post", color=_ACCENT)
        if given.any():
            at, risk = float(given.mean()), float(1 - right[given > 0.5].mean())
            axes.plot([at], [risk], marker="o", color=_ACCENT)
            side: Literal["left", "right"] = "right" if at > 0.5 else "left"
            axes.annotate("this run", (at, risk), (0, 8), textcoords="offset points", ha=side, color=_INK, fontsize=8)
        axes.set(xlabel="share of questions answered, surest first", ylabel="share of wrong answers")
        axes.set(xlim=(0, 1), ylim=(0, 1))

    return _svg("risk", draw)


def latency_svg(latency: Mapping[str, Latency]) -> str:
    """Draw the median of each stage with a whisker to its 95th percentile.

    Args:
        latency: Milliseconds by stage.

    Returns:
        An ``<svg>`` element.

    Raises:
        EvalError: If matplotlib is not installed.
    """
    stages = [*latency][::-1]

    def draw(axes: Axes) -> None:
        medians = [latency[stage]["p50"] for stage in stages]
        tails = [max(0.0, latency[stage]["p95"] - latency[stage]["p50"]) for stage in stages]
        axes.barh(stages, medians, color=_FAINT, edgecolor=_ACCENT, height=0.6)
        axes.errorbar(
            medians, stages, xerr=np.array([np.zeros(len(stages)), tails]), fmt="none", ecolor=_ACCENT, capsize=3
        )
        axes.set(xlabel="milliseconds: median, whisker to the 95th percentile")

    return _svg("latency", draw)


def _svg(name: str, draw: Callable[[Axes], None]) -> str:
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise EvalError(
            "The report needs matplotlib, which is not installed.", "pip install 'ragapp[evals]'"
        ) from error
    # Fixed ids and no date, so that the same run is the same bytes; text as text, so that it can be searched and read.
    style: dict[Any, Any] = {
        "svg.hashsalt": name,
        "svg.fonttype": "none",
        "font.size": 9,
        "font.family": "sans-serif",
        "axes.edgecolor": _INK,
        "axes.labelcolor": _INK,
        "xtick.color": _INK,
        "ytick.color": _INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with rc_context(style):
        figure = Figure(figsize=(4.0, 3.0), layout="constrained")
        draw(figure.subplots())
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    text = file.getvalue()
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var({variable}, {colour})")
    return text[text.index("<svg") :]


def columns_of(rows: Sequence[tuple[float, bool, bool]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give rows of confidence, right and given as three columns, (n,) each, float64."""
    table = np.array(rows, np.float64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]
