"""The report's pictures, as SVG that a page can hold: no file, no font and no script from elsewhere."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ragapp.errors import EvalError
from ragapp.evals.curves import risk_coverage
from ragapp.evals.metrics.certainty import reliability
from ragapp.evals.performance import Latency

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _ACCENT, _FAINT = "#44474d", "#2563a8", "#c9d8ea"


def reliability_svg(confidence: np.ndarray, right: np.ndarray) -> str:
    """Draw how often answers of each confidence are right, with how many there are.

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
        for each in bins:
            axes.text(each.low + width / 2, each.accuracy + 0.02, str(each.n), ha="center", fontsize=7, color=_INK)
        axes.set(xlabel="confidence", ylabel="share of right answers", xlim=(0, 1), ylim=(0, 1.1))

    return _svg("reliability", draw)


def risk_coverage_svg(confidence: np.ndarray, right: np.ndarray) -> str:
    """Draw the share of wrong answers as fewer and fewer are withheld; arguments and errors as `reliability_svg`."""
    curve = risk_coverage([*confidence], [*(right > 0.5)])

    def draw(axes: Axes) -> None:
        axes.fill_between(curve.coverage, curve.risk, step="post", color=_FAINT)
        axes.plot(curve.coverage, curve.risk, drawstyle="steps-post", color=_ACCENT)
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
        figure = Figure(figsize=(4.6, 3.2), layout="constrained")
        draw(figure.subplots())
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    text = file.getvalue()
    return text[text.index("<svg") :]


def columns_of(pairs: Sequence[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    """Give pairs of confidence and right as two columns, (n,) each, float64."""
    table = np.array([(confidence, float(right)) for confidence, right in pairs], np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]
