"""Fusion keeps what both searches know, in any order of its input."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragapp.indexes.fusion import DENSE_WEIGHT, FusedHit, fuse
from ragapp.indexes.types import Hit

DEPTH = 50


def _hits(lowest: int, highest: int) -> st.SearchStrategy[list[Hit]]:
    """Lists as a search returns them: distinct ids, best first, ties by id; scores in thousandths, so that some tie."""
    return st.dictionaries(st.integers(0, 99), st.integers(lowest, highest), max_size=DEPTH).map(
        lambda scores: [
            Hit(id, score / 1000) for id, score in sorted(scores.items(), key=lambda item: (-item[1], item[0]))
        ]
    )


COSINES = _hits(-1000, 1000)
BM25 = _hits(0, 60_000)


def _ids(hits: list[FusedHit]) -> list[int]:
    return [hit.id for hit in hits]


@given(COSINES, BM25, st.integers(0, 120))
def test_returns_the_best_k_of_what_either_search_found(dense: list[Hit], lexical: list[Hit], k: int) -> None:
    found = {hit.id for hit in dense} | {hit.id for hit in lexical}
    everything = fuse(dense, lexical, len(found))
    assert set(_ids(everything)) == found
    assert len(everything) == len(found)
    assert fuse(dense, lexical, k) == everything[:k]


@given(COSINES, BM25)
def test_order_is_by_score_then_id_and_scores_are_shares(dense: list[Hit], lexical: list[Hit]) -> None:
    hits = fuse(dense, lexical, 2 * DEPTH)
    assert hits == sorted(hits, key=lambda hit: (-hit.fused, hit.id))
    assert all(0.0 <= hit.fused <= 1.0 + 1e-12 for hit in hits)


@given(COSINES, BM25)
def test_each_hit_keeps_the_scores_of_its_searches(dense: list[Hit], lexical: list[Hit]) -> None:
    cosines, words = dict(dense), dict(lexical)
    for hit in fuse(dense, lexical, 2 * DEPTH):
        assert (hit.dense, hit.lexical) == (cosines.get(hit.id), words.get(hit.id))


@given(COSINES, BM25)
def test_the_order_of_the_lists_does_not_matter(dense: list[Hit], lexical: list[Hit]) -> None:
    assert fuse(dense[::-1], lexical[::-1], DEPTH) == fuse(dense, lexical, DEPTH)


@given(_hits(1, 1000))
def test_one_search_alone_keeps_its_order(hits: list[Hit]) -> None:
    expected = [hit.id for hit in hits]
    assert _ids(fuse(hits, [], DEPTH)) == expected
    assert _ids(fuse([], hits, DEPTH)) == expected


@given(COSINES, BM25)
def test_what_both_searches_prefer_is_never_ranked_lower(dense: list[Hit], lexical: list[Hit]) -> None:
    cosines, words = dict(dense), dict(lexical)
    both = [hit for hit in fuse(dense, lexical, 2 * DEPTH) if hit.id in cosines and hit.id in words]
    for above, below in pairwise(both):
        worse = cosines[above.id] < cosines[below.id] and words[above.id] < words[below.id]
        assert not worse or above.fused == below.fused  # equal only where both cosines count as 0


@given(BM25, st.floats(0.0, 1.0))
def test_a_dense_search_that_finds_all_equally_near_decides_nothing(lexical: list[Hit], cosine: float) -> None:
    dense = [Hit(id, cosine) for id in range(DEPTH)]
    fused = fuse(dense, lexical, 2 * DEPTH)
    scores = [hit.lexical or 0.0 for hit in fused]
    assert scores == pytest.approx(sorted(scores, reverse=True), abs=1e-12)


@given(COSINES, BM25, st.floats(0.1, 10.0))
def test_the_unit_of_bm25_does_not_matter(dense: list[Hit], lexical: list[Hit], unit: float) -> None:
    scaled = [Hit(hit.id, hit.score * unit) for hit in lexical]
    before = {hit.id: hit.fused for hit in fuse(dense, lexical, 2 * DEPTH)}
    after = {hit.id: hit.fused for hit in fuse(dense, scaled, 2 * DEPTH)}
    assert after == pytest.approx(before)


def test_a_full_lexical_list_bounds_what_it_left_out() -> None:
    dense = [Hit(1, 0.8), Hit(2, 0.4)]
    full = {hit.id: hit.fused for hit in fuse(dense, [Hit(2, 10.0), Hit(3, 5.0)], 3)}
    assert full[1] == pytest.approx(DENSE_WEIGHT + (1 - DENSE_WEIGHT) * 0.5)
    assert full[3] == pytest.approx(DENSE_WEIGHT * 0.5 + (1 - DENSE_WEIGHT) * 0.5)
    short = {hit.id: hit.fused for hit in fuse(dense, [Hit(2, 10.0)], 3)}
    assert short[1] == pytest.approx(DENSE_WEIGHT)


@pytest.mark.parametrize("k", [0, -1])
def test_asking_for_nothing_gives_nothing(k: int) -> None:
    assert fuse([Hit(1, 0.5)], [Hit(2, 3.0)], k) == []


def test_nothing_found() -> None:
    assert fuse([], [], 8) == []


def test_negative_cosines_count_as_zero() -> None:
    hits = fuse([Hit(1, -0.1), Hit(2, -0.9)], [], 8)
    assert [(hit.id, hit.dense, hit.fused) for hit in hits] == [(1, -0.1, 0.0), (2, -0.9, 0.0)]
