"""Risk and coverage, by hand and by property."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragapp.errors import EvalError
from ragapp.evals.curves import risk_coverage


def test_by_hand() -> None:
    curve = risk_coverage([0.9, 0.8, 0.8, 0.1], [True, False, True, False])
    np.testing.assert_allclose(curve.coverage, [0.25, 0.75, 0.75, 1.0])
    np.testing.assert_allclose(curve.risk, [0.0, 1 / 3, 1 / 3, 0.5])
    assert curve.area == pytest.approx((1 / 3 + 1 / 3 + 0.5) / 4)


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.4, 0.9]), st.booleans()), min_size=1), st.randoms())
def test_order_in_the_file_does_not_matter(cases: list[tuple[float, bool]], rng: random.Random) -> None:
    shuffled = cases[:]
    rng.shuffle(shuffled)
    first, second = (risk_coverage(*zip(*some, strict=True)) for some in (cases, shuffled))
    np.testing.assert_allclose(first.risk, second.risk)
    assert first.risk[-1] == pytest.approx(np.mean([not right for _, right in cases]))


def test_nothing_has_no_curve() -> None:
    with pytest.raises(EvalError, match="no answer"):
        risk_coverage([], [])
