"""Segments: exact and inverted search, damage, and a disk that is full."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from index_samples import DIMENSION, run_python, stored

from ragapp.errors import IndexCorrupt
from ragapp.indexes.segments import SegmentFile, SegmentStore, SegmentVanished, WrittenSegment, selector

RNG = np.random.default_rng(3)


def unit(count: int, dimension: int = DIMENSION) -> np.ndarray:
    rows = RNG.standard_normal((count, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def named(written: WrittenSegment, vectors: int) -> SegmentFile:
    return SegmentFile(1, written.file, written.sha256, written.size, vectors)


@pytest.fixture
def store(tmp_path: Path) -> SegmentStore:
    return SegmentStore(tmp_path / "segments")


@pytest.mark.parametrize("count", [1, 7, 500])
def test_a_small_segment_is_searched_exactly(store: SegmentStore, count: int) -> None:
    rows, query = unit(count), unit(1)[0]
    ids = np.arange(count, dtype=np.int64) * 3 + 10
    segment = named(store.write(ids, rows), count)
    scores = stored(rows) @ query
    order = np.argsort(-scores)[:10]
    hits = store.search(segment, query, 10)
    assert [hit.id for hit in hits] == ids[order].tolist()
    assert [hit.score for hit in hits] == pytest.approx(scores[order].tolist(), abs=1e-5)
    np.testing.assert_array_equal(store.vectors(segment, ids[::-1].tolist()), stored(rows)[::-1])
    np.testing.assert_array_equal(store.ids(segment), ids)


@pytest.mark.parametrize("exact_limit", [1000, 100], ids=["exact", "inverted"])
@pytest.mark.parametrize("only", [True, False])
def test_a_selection_is_kept_to(store: SegmentStore, exact_limit: int, only: bool) -> None:
    rows, ids = unit(400), np.arange(1000, 1400)
    segment = named(store.write(ids, rows, exact_limit=exact_limit), 400)
    for chosen in (np.empty(0, np.int64), ids[:1], ids[::2], ids, np.array([0, 5, 1000, 99_999])):
        allowed = set(ids.tolist()) & set(chosen.tolist()) if only else set(ids.tolist()) - set(chosen.tolist())
        hits = store.search(segment, rows[0], 400, selector(chosen, only=only), thorough=only)
        found = [hit.id for hit in hits]
        assert len(found) == len(set(found))
        assert set(found) <= allowed
        if exact_limit == 1000 or only:
            assert set(found) == allowed
        elif 1000 in allowed:
            assert found[0] == 1000


def test_a_large_segment_is_an_inverted_file_that_finds_nearly_all(store: SegmentStore) -> None:
    # Vectors in clusters, as those of texts are.
    count, centers = 3000, unit(40)
    rows = centers[RNG.integers(40, size=count)] + 0.3 * unit(count)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    ids = np.arange(5, count + 5)
    segment = named(store.write(ids, rows, exact_limit=1000), count)
    assert segment.size < count * DIMENSION * 2 + count * 16 + 100_000
    queries = rows[:50] + 0.05 * unit(50)
    exact = np.argsort(-(queries @ rows.T), axis=1)[:, :10] + 5
    found = [{hit.id for hit in store.search(segment, query, 10)} for query in queries]
    recall = sum(len(hits & set(wanted.tolist())) for hits, wanted in zip(found, exact, strict=True)) / exact.size
    assert recall > 0.85
    np.testing.assert_allclose(store.vectors(segment, [5, 3004]), rows[[0, -1]], atol=0.02)
    np.testing.assert_array_equal(store.ids(segment), ids)


@pytest.mark.parametrize("damage", ["flip", "truncate", "extend", "empty"])
def test_damage_is_found_before_anything_is_searched(tmp_path: Path, store: SegmentStore, damage: str) -> None:
    segment = named(store.write(np.arange(50), unit(50)), 50)
    path = tmp_path / "segments" / segment.file
    whole = path.read_bytes()
    flipped = whole[:200] + bytes([whole[200] ^ 1]) + whole[201:]
    path.write_bytes({"flip": flipped, "truncate": whole[:-1], "extend": whole + b"\0", "empty": b""}[damage])
    for use in (lambda: store.search(segment, unit(1)[0], 3), lambda: store.ids(segment), lambda: store.check(segment)):
        with pytest.raises(IndexCorrupt, match=segment.file) as raised:
            use()
        assert raised.value.hint == "ragapp verify --repair"


def test_a_file_that_no_faiss_can_read_is_damaged(tmp_path: Path, store: SegmentStore) -> None:
    import hashlib

    (tmp_path / "segments").mkdir()
    (tmp_path / "segments" / "x.faiss").write_bytes(b"not faiss")
    segment = SegmentFile(1, "x.faiss", hashlib.sha256(b"not faiss").hexdigest(), 9, 1)
    with pytest.raises(IndexCorrupt, match=r"x\.faiss"):
        store.search(segment, unit(1)[0], 1)


def test_a_missing_file_is_damage_that_can_be_told_from_a_compaction(store: SegmentStore) -> None:
    segment = named(store.write(np.arange(5), unit(5)), 5)
    store.search(segment, unit(1)[0], 1)
    store.remove([segment.file])
    with pytest.raises(SegmentVanished, match=segment.file):
        store.search(segment, unit(1)[0], 1)


def test_a_removed_segment_is_let_go_when_another_is_opened(tmp_path: Path, store: SegmentStore) -> None:
    old = named(store.write(np.arange(5), unit(5)), 5)
    reader = SegmentStore(tmp_path / "segments")
    assert reader.load(old) is reader.load(old)
    store.remove([old.file])
    assert reader.load(old).ntotal == 5, "a search under way is not disturbed"
    reader.load(named(store.write(np.arange(5), unit(5)), 5))
    with pytest.raises(SegmentVanished):
        reader.load(old)


def test_the_sweep_takes_what_is_not_named_and_leaves_what_is_not_ours(tmp_path: Path, store: SegmentStore) -> None:
    kept, orphan = store.write(np.arange(5), unit(5)), store.write(np.arange(5), unit(5))
    folder = tmp_path / "segments"
    (folder / "0123.faiss.part").write_bytes(b"half")
    (folder / "notes.txt").write_text("mine")
    assert store.sweep({kept.file}) == 2
    assert {path.name for path in folder.iterdir()} == {kept.file, "notes.txt"}
    assert not (folder / orphan.file).exists()
    assert SegmentStore(tmp_path / "none").sweep(set()) == 0


def test_a_checksum_of_another_file_is_refused(store: SegmentStore) -> None:
    one, two = named(store.write(np.arange(5), unit(5)), 5), named(store.write(np.arange(5), unit(5)), 5)
    with pytest.raises(IndexCorrupt):
        store.search(replace(one, sha256=two.sha256), unit(1)[0], 1)


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    code = """
import resource, sys
from pathlib import Path
import numpy as np
from ragapp.errors import StorageFull
from ragapp.indexes.segments import SegmentStore
folder = Path(sys.argv[1])
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
try:
    SegmentStore(folder).write(np.arange(5000), np.ones((5000, 16), np.float32))
except StorageFull as error:
    print(error.message, error.hint)
"""
    done = run_python(code, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "5000 vectors" in done.stdout
    assert "make room" in done.stdout
    assert list(tmp_path.iterdir()) == []
