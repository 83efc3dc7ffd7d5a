"""What ``--json`` prints of answers; the fields are documented in docs/cli.md."""

from __future__ import annotations

from typing import Any

from ragapp.answers import Answer
from ragapp.grounding.signals import Explanation
from ragapp.indexes.types import ScoredPassage
from ragapp.serialization import to_dict


def answer_record(answer: Answer, explanation: Explanation | None = None) -> dict[str, Any]:
    """Give an answer as a JSON object.

    Args:
        answer: The answer.
        explanation: What it leans on, if that was asked for.

    Returns:
        ``answer`` holds the best candidate and ``citations`` what it rests on, also where ``abstained`` is true.
    """
    plain = to_dict(answer)
    record: dict[str, Any] = {
        "question": answer.question,
        "answer": answer.text,
        "abstained": answer.abstained,
        "confidence": answer.confidence,
        "citations": plain["citations"],
        "alternatives": [{"text": text, "probability": probability} for text, probability in answer.alternatives],
        "passages": [_passage_record(scored) for scored in answer.passages],
        "grounding": plain["grounding"],
        "timings_ms": plain["timings_ms"],
        "models": answer.models._asdict(),
        "guarantee": answer.guarantee._asdict() if answer.guarantee else None,
    }
    if explanation:
        record["explanation"] = {
            "influences": [influence._asdict() for influence in explanation.influences],
            "gain": explanation.gain,
            "unfound": [{"kind": kind, "text": text} for kind, text, _ in explanation.unfound],
        }
    return record


def _passage_record(scored: ScoredPassage) -> dict[str, Any]:
    passage = scored.passage
    return {
        "rank": scored.rank,
        "document": passage.document,
        "version": passage.version,
        "char_start": passage.span.start,
        "char_end": passage.span.end,
        "text": passage.text,
        "page": passage.locator.page,
        "heading": passage.locator.heading,
        "line": passage.locator.line,
        "modified_at": passage.modified_at,
        "scores": scored.scores._asdict(),
    }
