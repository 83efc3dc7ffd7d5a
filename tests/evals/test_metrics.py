"""Metrics agree with ir-measures where it has them, and with cases worked out by hand where it has not."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import ir_measures
import numpy as np
import pytest
from eval_samples import claim, item
from hypothesis import given, settings
from hypothesis import strategies as st

from ragapp.evals.figures import measure
from ragapp.evals.metrics import certainty, ranking
from ragapp.evals.metrics.citations import judge_claims
from ragapp.grounding.base import ClaimPair, Judgement
from ragapp.grounding.baselines import LexicalChecker

DOCUMENTS = [f"d{number}" for number in range(12)]
Measure = Callable[[Sequence[str], Mapping[str, int]], float]
OURS: dict[ir_measures.Measure, Measure] = {
    ir_measures.Success @ 1: lambda found, gold: ranking.hit(found, gold, 1),
    ir_measures.Success @ 5: lambda found, gold: ranking.hit(found, gold, 5),
    ir_measures.R @ 5: lambda found, gold: ranking.recall(found, gold, 5),
    ir_measures.RR: ranking.reciprocal_rank,
    ir_measures.nDCG @ 10: lambda found, gold: ranking.ndcg(found, gold, 10),
    ir_measures.Rprec: ranking.r_precision,
}


@settings(max_examples=40, deadline=None)
@given(
    st.permutations(DOCUMENTS),
    st.integers(1, 12),
    st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(1, 3), min_size=1),
)
def test_retrieval_metrics_are_those_of_ir_measures(order: list[str], depth: int, gold: dict[str, int]) -> None:
    found = order[:depth]
    run = {"q": {document: float(-rank) for rank, document in enumerate(found)}}
    oracle = ir_measures.calc_aggregate(list(OURS), {"q": gold}, run)
    for measure_, ours in OURS.items():
        assert ours(found, gold) == pytest.approx(oracle[measure_]), str(measure_)


def test_calibration_error_by_hand() -> None:
    # Bins (0.5, 0.6] and (0.9, 1.0]: |0.5 - 0.55| and |1 - 0.95|, two answers each.
    confidence, right = np.array([0.52, 0.58, 0.92, 0.98]), np.array([1.0, 0.0, 1.0, 1.0])
    assert certainty.expected_calibration_error(confidence, right) == pytest.approx(0.05)
    assert certainty.brier(confidence, right) == pytest.approx((0.48**2 + 0.58**2 + 0.08**2 + 0.02**2) / 4)
    bins = certainty.reliability(confidence, right)
    assert [(each.low, each.high, each.n) for each in bins] == [(0.5, 0.6, 2), (0.9, 1.0, 2)]


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_bins_lose_no_answer_and_errors_are_shares(answers: list[tuple[float, bool]]) -> None:
    confidence, right = np.array([c for c, _ in answers]), np.array([float(r) for _, r in answers])
    assert sum(each.n for each in certainty.reliability(confidence, right)) == len(answers)
    assert 0 <= certainty.expected_calibration_error(confidence, right) <= 1
    assert 0 <= certainty.area_under_risk_coverage(confidence, right) <= 1


class Scripted:
    """Supports a claim if the source holds a phrase for it."""

    name, model_hash = "scripted", "0" * 64

    def check(self, pairs: Sequence[ClaimPair]) -> tuple[Judgement, ...]:
        return tuple(
            Judgement(1.0, "supported", None) if "proof" in source else Judgement(0.0, "not_supported", None)
            for source, _ in pairs
        )


@pytest.mark.parametrize(
    ("cited", "recall", "precise"),
    [
        ((), False, ()),
        (("nothing",), False, (False,)),
        (("proof",), True, (True,)),
        (("proof", "nothing"), True, (True, False)),  # ALCE: the second neither supports it nor is needed
        (("proof", "more proof"), True, (True, True)),  # each supports it alone
        (("nothing", "nothing else"), False, (False, False)),
    ],
)
def test_citation_recall_and_precision_as_alce_defines_them(
    cited: tuple[str, ...], recall: bool, precise: tuple[bool, ...]
) -> None:
    (judged,) = judge_claims(Scripted(), ["a claim"], cited)
    assert (judged.supported, judged.precise) == (recall, precise)


@pytest.mark.parametrize(
    ("retrieved", "held"),
    [
        (("a", "b", "c"), 1),  # both pages of the first set on top, in either order
        (("b", "a"), 1),
        (("c", "a", "b"), 1),  # the second set is enough
        (("a", "c", "b"), 0),
        (("a",), 0),
        ((), 0),
    ],
)
def test_kilts_evidence_is_on_top_if_one_set_of_it_is(retrieved: tuple[str, ...], held: float) -> None:
    assert ranking.provenance(retrieved, [("a", "b"), ("c",)]) == held
    kilt = item("k", "yes", ("yes",), retrieved=retrieved, gold={"a": 1, "b": 1, "c": 1})
    for evidence, value in (((("a", "b"), ("c",)), held), ((), float(set(retrieved) == {"a", "b", "c"}))):
        figures = measure([replace(kilt, evidence=evidence)])["figures"]
        assert isinstance(figures, dict)
        assert figures["kilt_f1"]["value"] == value


def test_figures_by_hand() -> None:
    items = [
        item("a", "4 March 1890", ("4 March 1890",), claims=(claim(True, True),), retrieved=("x",), gold={"x": 1}),
        item("b", "in 1890", ("1890",), claims=(claim(True, True, False), claim(False, False))),
        item("c", "a guess", (), abstained=True, claims=(claim(False, False),)),
        item("d", "nonsense", (), claims=(claim(False, False),)),
        item("e", "right", ("right",), abstained=True, retrieved=("y", "z"), gold={"z": 1}),
        item("f", "whatever", None),
    ]
    measured = measure(items)["figures"]
    assert isinstance(measured, dict)
    values = {name: figure["value"] for name, figure in measured.items()}
    assert values["em"] == pytest.approx((1 + 0 + 1 + 0 + 0) / 5, abs=1e-6)
    assert values["f1"] == pytest.approx((1 + 2 / 3 + 1 + 0 + 0) / 5, abs=1e-6)
    assert values["has_ans_f1"] == pytest.approx((1 + 2 / 3 + 0) / 3, abs=1e-6)
    assert values["no_ans_f1"] == pytest.approx(0.5)
    assert values["candidate_f1"] == pytest.approx((1 + 2 / 3 + 1) / 3, abs=1e-6)
    assert values["hallucination"] == pytest.approx(2 / 4)  # of a, b and d; c and e were withheld
    assert values["answer_hallucination"] == pytest.approx(2 / 3, abs=1e-6)
    assert values["citation_recall"] == pytest.approx((1 + 0.5 + 0) / 3, abs=1e-6)
    assert values["citation_precision"] == pytest.approx((1 + 1 / 3 + 0) / 3, abs=1e-6)
    assert values["answered"] == pytest.approx(4 / 6, abs=1e-6)
    assert values["wrong"] == pytest.approx(1 / 3, abs=1e-6)
    assert values["abstain_precision"] == pytest.approx(1 / 2)
    assert values["abstain_recall"] == pytest.approx(1 / 2)
    assert values["mrr"] == pytest.approx((1 + 0.5) / 2)
    assert values["kilt_f1"] == pytest.approx(1 / 2)  # e was withheld, and its evidence was not on top


def test_an_interval_holds_its_value_and_the_same_seed_gives_it_again() -> None:
    items = [item(str(n), "yes" if n % 3 else "no", ("yes",), confidence=n / 30) for n in range(30)]
    once, again, other = measure(items), measure(items), measure(items, seed=1)
    assert once == again != other
    figures = once["figures"]
    assert isinstance(figures, dict)
    for figure in figures.values():
        assert figure["low"] <= figure["value"] <= figure["high"]
    assert not any(math.isnan(figure["value"]) for figure in figures.values())


def test_few_answers_in_perfect_order_leave_the_auroc_open() -> None:
    items = [item(str(n), "yes" if n < 4 else "no", ("yes",), confidence=0.9 - n / 10) for n in range(6)]
    figures = measure(items)["figures"]
    assert isinstance(figures, dict)
    auroc = figures["auroc"]
    assert auroc["value"] == auroc["high"] == 1
    assert auroc["low"] == pytest.approx(0.025 ** (1 / 2), abs=1e-6)  # two wrong answers: two pairs without overlap


def test_the_lexical_baseline_counts_words() -> None:
    pairs = [
        ClaimPair("Nothing here. The Forth Bridge opened in 1890.", "The Forth Bridge opened in 1890."),
        ClaimPair("The Forth Bridge opened in 1890.", "Penguins eat fish."),
        ClaimPair("", "Penguins eat fish."),
    ]
    yes, no, blank = LexicalChecker().check(pairs)
    assert (yes.verdict, no.verdict, blank.verdict) == ("supported", "not_supported", "not_supported")
    assert yes.evidence
    assert pairs[0].source[yes.evidence.start : yes.evidence.end].startswith("The Forth")
    assert blank.evidence is None
