"""``ragapp ask --explain``: what an answer leans on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragapp.cli.console import progress, write
from ragapp.text import one_line

if TYPE_CHECKING:
    from ragapp.answers import Answer
    from ragapp.app import RagApp
    from ragapp.grounding.signals import Explanation


def explained(ragapp: RagApp, answer: Answer) -> Explanation:
    """Work out what an answer leans on.

    Args:
        ragapp: The app that gave it.
        answer: The answer.

    Returns:
        The explanation; its passages are those of the answer, from 0.
    """
    from ragapp.grounding.signals import explain
    from ragapp.reranker import as_read

    cited = {citation.passage_id for citation in answer.citations}
    positions = [index for index, scored in enumerate(answer.passages) if scored.passage.id in cited]
    with progress(len(answer.passages), "passages", "reading without each") as advance:
        passages = [as_read(scored) for scored in answer.passages]
        return explain(ragapp.reader, answer.understood_as, passages, positions, lambda: advance(1))


def show(explanation: Explanation) -> None:
    """Print an explanation.

    Args:
        explanation: What an answer leans on.
    """
    changing = [influence for influence in explanation.influences if influence.changed]
    for influence in changing:
        other = f"the answer would be: {one_line(influence.answer)}" if influence.answer else "there would be none"
        write(f"  without passage {influence.passage + 1}, {other}")
    if not changing:
        write("  no passage changes the answer when it alone is taken away")
    for unfound in explanation.unfound:
        write(f"  the {unfound.kind} {one_line(unfound.text)} is not in the passages it cites")
