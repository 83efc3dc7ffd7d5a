"""Confidence: a probability that grows with everything that speaks for the answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragapp.confidence import ConfidenceModel, Signals, coverage, load_confidence, save_confidence, signals
from ragapp.errors import ModelCorrupt
from ragapp.indexes.types import Passage, ScoredPassage, Span, StageScores
from ragapp.readers.base import Candidate, Place, Reading
from ragapp.readers.registry import SHIPPED

_LOGITS = st.floats(-20, 20)


def _passage(text: str, heading: str = "") -> ScoredPassage:
    passage = Passage(1, 1, "a.txt", 1, Span(0, len(text)), text, heading, ())
    return ScoredPassage(passage, 1, StageScores(fused=0.75))


@given(st.builds(Signals, _LOGITS, _LOGITS, _LOGITS, _LOGITS, st.floats(0, 1), st.floats(0, 1)), st.floats(0, 5))
def test_confidence_is_a_probability_that_no_signal_lowers(seen: Signals, more: float) -> None:
    model = load_confidence(SHIPPED)
    assert 0 <= model(seen) <= 1
    for name in Signals._fields:
        stronger = seen._replace(**{name: getattr(seen, name) + more})
        assert model(stronger) >= model(seen)


def test_signals_are_those_of_the_passage_the_answer_stands_in() -> None:
    passages = (_passage("Nothing here."), _passage("The bridge opened in 1890.", "The Forth Bridge"))
    best = Candidate("1890", 0.5, 0.6, (Place(1, Span(21, 25), 0.6),))
    other = Candidate("bridge", 0.2, 0.3, (Place(1, Span(4, 10), 0.3),))
    seen = signals("When did the Forth Bridge open?", Reading((best, other), 0.1, (-3.0, 4.0)), passages)
    assert seen is not None
    assert seen.answerability == pytest.approx(4.0)
    assert seen.coverage == pytest.approx(2 / 3)  # "open" is not "opene"
    assert seen.retrieval == pytest.approx(0.75)
    assert seen.some_answer == pytest.approx(2.197, abs=1e-3)
    assert seen.margin == pytest.approx(0.693, abs=1e-3)


def test_without_a_candidate_there_are_no_signals() -> None:
    assert signals("Why?", Reading((), 1.0, ()), ()) is None


@given(st.text(), st.text())
def test_coverage_is_a_share(question: str, text: str) -> None:
    assert 0 <= coverage(question, text) <= 1
    assert coverage(question, f"{question} {text}") >= coverage(question, text)


def test_a_model_is_read_as_it_was_written(tmp_path: Path) -> None:
    model = ConfidenceModel(-1.5, Signals(0.5, 0, 0, 1, 2, 0))
    save_confidence(model, tmp_path)
    assert load_confidence(tmp_path) == model
    (tmp_path / "confidence.json").write_text("{}", "utf-8")
    with pytest.raises(ModelCorrupt, match="damaged"):
        load_confidence(tmp_path)
    assert load_confidence(tmp_path / "none") == load_confidence(SHIPPED)
