"""Gates: a run that misses what was asked of it ends with exit code 5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ragapp.errors import ConfigError
from ragapp.evals.figures import BY_NAME


class Gate(NamedTuple):
    """A bound on a figure, in percent: at least that where higher is better, at most that where lower is."""

    name: str
    percent: float

    def __str__(self) -> str:
        return f"{self.name} {'≥' if BY_NAME[self.name].better == 'higher' else '≤'} {self.percent:g} %"


def parse_gates(given: Sequence[str]) -> list[Gate]:
    """Read gates as they are typed.

    Args:
        given: Each ``name=percent``, for instance ``f1=70`` or ``hallucination=5``.

    Returns:
        The gates.

    Raises:
        ConfigError: If one is not of that form, or there is no such figure.
    """
    gates: list[Gate] = []
    for text in given:
        name, _, bound = text.partition("=")
        try:
            percent = float(bound)
        except ValueError as error:
            raise ConfigError(f"The gate {text!r} is not of the form NAME=PERCENT.", "--fail-under f1=70") from error
        if name not in BY_NAME or not 0 <= percent <= 100:
            what = f"no figure {name!r}" if name not in BY_NAME else f"no percentage {bound!r}"
            raise ConfigError(f"The gate {text!r} names {what}.", f"one of {', '.join(BY_NAME)}")
        gates.append(Gate(name, percent))
    return gates


def missed(gates: Sequence[Gate], figures: Mapping[str, Any]) -> list[str]:
    """Tell which gates a run misses.

    Args:
        gates: What is asked of it.
        figures: Its figures, as `ragapp.evals.figures.measure` gives them.

    Returns:
        A sentence a gate that is missed; a figure that could not be measured is missed, too.
    """
    sentences: list[str] = []
    for gate in gates:
        figure = figures["figures"].get(gate.name)
        if figure is None:
            sentences.append(f"{gate}: nothing in the dataset measures it")
            continue
        percent = 100 * figure["value"]
        short = percent < gate.percent if BY_NAME[gate.name].better == "higher" else percent > gate.percent
        if short:
            sentences.append(f"{gate}: it is {percent:.1f} %")
    return sentences
