"""Tables of runs and comparisons, as lines that look the same on a terminal and in a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ragapp.text import counted

if TYPE_CHECKING:
    from ragapp.evals.compare import Change, Comparison
    from ragapp.evals.performance import Performance
    from ragapp.evals.store import RunFolder

_MOST_CHANGES = 5


def figure_lines(folder: RunFolder, figures: Mapping[str, Any], measured: Performance) -> Iterator[str]:
    """Lay a run's figures out.

    Args:
        folder: The run.
        figures: Its figures.
        measured: What it took.

    Yields:
        Lines.
    """
    from ragapp.evals.figures import FAMILIES

    manifest = folder.manifest
    state = "" if folder.finished else f"  PARTIAL: {figures['questions']} of {counted(manifest.questions, 'question')}"
    yield f"{folder.name}{state}"
    yield f"{manifest.dataset}, {counted(figures['questions'], 'question')}; claims judged by {manifest.judge}"
    for title, family in FAMILIES.items():
        shown = [each for each in family if each.name in figures["figures"]]
        if shown:
            yield ""
            yield _heading(title)
        for each in shown:
            arrow = "↑" if each.better == "higher" else "↓"
            yield f"  {each.title + ' ' + arrow:46}{_row(figures['figures'][each.name])}"
    if figures["kinds"]:
        yield ""
        yield _heading("Token F1 by sort of question")
    for kind, figure in figures["kinds"].items():
        yield f"  {kind + ' ↑':46}{_row(figure)}"
    stages = ", ".join(f"{stage} {each['p50']:.0f}/{each['p95']:.0f}" for stage, each in measured["latency_ms"].items())
    yield ""
    yield f"milliseconds a question, median/p95: {stages}"
    yield f"{measured['tokens_a_question']:.0f} tokens read a question; peak memory {measured['peak_rss_mb']:.0f} MB"
    yield f"folder: {folder.path}"


def comparison_lines(before: str, after: str, compared: Comparison) -> Iterator[str]:
    """Lay a comparison out.

    Args:
        before: Name of the first run.
        after: Name of the second.
        compared: How they differ.

    Yields:
        Lines.
    """
    yield f"before: {before}"
    yield f"after:  {after}"
    both = counted(compared.questions, "question")
    yield f"{both} in both; p by paired permutation, corrected for the number of figures"
    if compared.only_before or compared.only_after:
        only = counted(compared.only_before, "question")
        yield f"left out: {only} that only the first asked, {compared.only_after} only the second"
    yield ""
    yield f"{'':46}{'before':>8}{'after':>8}{'change':>8}  {'95 % interval':18} {'p':>6}"
    for each in compared.differences:
        mark = "  worse" if each.worse else "  better" if each.p <= 0.05 and each.after != each.before else ""
        arrow = "↑" if each.better == "higher" else "↓"
        numbers = f"{100 * each.before:8.1f}{100 * each.after:8.1f}{100 * (each.after - each.before):+8.1f}"
        between = f"[{100 * each.low:+.1f}, {100 * each.high:+.1f}]"
        yield f"{each.title + ' ' + arrow:46}{numbers}  {between:18} {each.p:6.3f}{mark}"
    yield ""
    yield f"{counted(len(compared.wins), 'answer')} better, {len(compared.losses)} worse"
    for name, changes in (("better", compared.wins), ("worse", compared.losses)):
        for change in changes[:_MOST_CHANGES]:
            yield _change(name, change)


def _heading(title: str) -> str:
    return f"{title:48}{'%':>7}  {'95 % interval':16} {'n':>6}"


def _row(figure: Mapping[str, Any]) -> str:
    between = f"[{100 * figure['low']:.1f}, {100 * figure['high']:.1f}]"
    return f"{100 * figure['value']:7.1f}  {between:16} {figure['n']:>6}"


def _change(name: str, change: Change) -> str:
    return f"  {name}: {change.question}  {change.before or '(none)'} → {change.after or '(none)'}"
