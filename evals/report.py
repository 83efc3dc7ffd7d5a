"""A run as one HTML file that needs nothing else: figures, pictures, and the worst answers with their evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ragapp.errors import EvalError
from ragapp.evals import charts
from ragapp.evals.figures import BY_NAME, FAMILIES, is_right, measure
from ragapp.evals.metrics.citations import JudgedClaim
from ragapp.evals.performance import performance
from ragapp.evals.records import Item
from ragapp.evals.squad import token_f1
from ragapp.evals.store import RunFolder
from ragapp.text import counted

_TEMPLATE = Path(__file__).parent / "report.html"
_WORST = 25
_HEADLINES = ("f1", "hallucination", "wrong", "answered")


class Row(NamedTuple):
    """A figure as it is shown, in percent."""

    title: str
    arrow: str
    value: float
    low: float
    high: float
    n: int


class Part(NamedTuple):
    """A piece of a quote, and whether it is the evidence."""

    text: str
    marked: bool


class Case(NamedTuple):
    """A question that went wrong."""

    what: str
    """What went wrong, in a few words."""
    item: Item
    unsupported: tuple[JudgedClaim, ...]
    """Claims of the answer that was given which nothing it cites supports."""
    quotes: tuple[tuple[str, tuple[Part, ...]], ...]
    """Document and quote of each citation, the answer marked in it."""


def render(folder: RunFolder) -> str:
    """Write the report of a run, finished or partial.

    Args:
        folder: The run.

    Returns:
        The page; everything that a document or a model said is escaped in it.

    Raises:
        EvalError: If jinja2 or matplotlib is not installed, or the run has no item.
    """
    try:
        from jinja2 import Environment, StrictUndefined
        from markupsafe import Markup
    except ImportError as error:
        raise EvalError("The report needs jinja2, which is not installed.", "pip install 'ragapp[evals]'") from error
    items = folder.items()
    if not items:
        raise EvalError(f"The run {folder.name!r} has no answer yet.", "start it again with the same command")
    figures: Any = folder.figures() if folder.finished else measure(items, folder.manifest.seed)
    measured = performance(folder.timings())
    sure = [
        (item.confidence, is_right(item), not item.abstained)
        for item in items
        if item.answers is not None and item.confidence is not None
    ]
    confidence, right, given = charts.columns_of(sure)
    pictures = {"Where the time goes": charts.latency_svg(measured["latency_ms"])}
    if sure:
        pictures = {
            "Does confidence mean what it says?": charts.reliability_svg(confidence, right),
            "What answering more costs": charts.risk_coverage_svg(confidence, right, given),
            **pictures,
        }
    rows = {name: _row(BY_NAME[name].title, name, figure) for name, figure in figures["figures"].items()}
    families = {
        title: [rows[figure.name] for figure in family if figure.name in rows] for title, family in FAMILIES.items()
    }
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_TEMPLATE.read_text("utf-8")).render(
        run=folder.name,
        manifest=folder.manifest,
        finished=folder.finished,
        asked=len(items),
        counted=counted,
        summary=_summary(items, rows),
        headlines=[rows[name] for name in _HEADLINES if name in rows],
        families={title: family for title, family in families.items() if family},
        kinds=[_row(kind, "f1", figure) for kind, figure in figures["kinds"].items()],
        pictures={title: Markup(svg) for title, svg in pictures.items()},  # noqa: S704 - drawn by matplotlib, above
        performance=measured,
        cases=worst(items),
        bins=figures["bins"],
        resamples=figures["resamples"],
    )


def worst(items: Sequence[Item], most: int = _WORST) -> list[Case]:
    """Choose the answers that a person should look at, worst first.

    Args:
        items: The items of a run.
        most: How many.

    Returns:
        Wrong answers by how sure they were, then claims that nothing supports, then right answers that were withheld.
    """
    found: list[tuple[float, Case]] = []
    for item in items:
        sure = item.confidence if item.confidence is not None else 0.5
        if item.answers is not None and item.given and not is_right(item):
            what = "wrong answer" if item.answers else "answered, though no document does"
            found.append((3 + sure, _case(what, item)))
        elif item.given and any(not claim.supported for claim in item.claims):
            found.append((2 + sure, _case("nothing it cites supports it", item)))
        elif item.abstained and item.answers and token_f1(item.text, item.answers) == 1:
            found.append((1 - sure, _case("right, but withheld", item)))
    found.sort(key=lambda pair: (-pair[0], pair[1].item.id))
    return [case for _, case in found[:most]]


def _case(what: str, item: Item) -> Case:
    quotes = tuple((cited.document, _marked(cited.quote, item.text)) for cited in item.citations)
    if not quotes:
        quotes = tuple(("evidence", _marked(claim.evidence, item.text)) for claim in item.claims if claim.evidence)
    unsupported = tuple(claim for claim in item.claims if item.given and not claim.supported)
    return Case(what, item, unsupported, quotes)


def _marked(quote: str, answer: str) -> tuple[Part, ...]:
    before, found, after = quote.partition(answer) if answer else (quote, "", "")
    return tuple(Part(text, marked) for text, marked in ((before, False), (found, True), (after, False)) if text)


def _summary(items: Sequence[Item], rows: Mapping[str, Row]) -> str:
    """Say in a few sentences how the run went."""
    given = sum(bool(item.given) for item in items)
    told = [f"{given} of {counted(len(items), 'question')} were answered."]
    if "wrong" in rows and given:
        told.append(f"Of those answers {rows['wrong'].value:g} % are wrong.")
    if "hallucination" in rows:
        told.append(
            f"Of what they claim, {rows['hallucination'].value:g} % is not supported by the passages they cite."
        )
    if "abstain_recall" in rows:
        told.append(
            f"Of the questions that the documents do not answer, {rows['abstain_recall'].value:g} % were withheld."
        )
    return " ".join(told)


def _row(title: str, name: str, figure: dict[str, Any]) -> Row:
    value, low, high = (round(100 * figure[key], 1) for key in ("value", "low", "high"))
    return Row(title, "↑" if BY_NAME[name].better == "higher" else "↓", value, low, high, figure["n"])
