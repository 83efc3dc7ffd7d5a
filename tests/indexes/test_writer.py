"""Writing: replacing, removing, erasing, merging, and what a crash leaves."""

from __future__ import annotations

import hashlib
import os
import random
import select
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from index_samples import CHUNKER, DIMENSION, PIN, bytes_of, commit, document, python, run_python, vector, vectors_of

from ragapp.errors import IndexCorrupt, IndexError_
from ragapp.indexes.index import Index
from ragapp.indexes.records import Collection
from ragapp.indexes.types import FileStamp


def found_by(index: Index, collection: Collection, word: str) -> set[str]:
    return {p.document for p in index.passages([hit.id for hit in index.search_lexical(collection, word, 100)])}


def test_a_changed_document_takes_the_place_of_the_old_at_once(index: Index, collection: Collection) -> None:
    with index.write() as writer:
        commit(writer, collection, document("/a", ["old apples"]))
        (old,) = index.documents(collection)
        commit(writer, collection, document("/a", ["new pears", "more pears"]))
        (new,) = index.documents(collection)
        assert (old.version, new.version, new.passages) == (1, 2, 2)
        assert found_by(index, collection, "apples") == set()
        assert found_by(index, collection, "pears") == {"/a"}
        assert len(index.search_dense(collection, vector("x"), 10)) == 2
        assert index.document_text(old.id) == "old apples", "what an answer cited can be shown until it is erased"
        writer.compact()
    with pytest.raises(IndexError_, match=str(old.id)):
        index.document_text(old.id)
    assert index.document_text(new.id) == "new pears\n\nmore pears"


def test_removed_passages_are_gone_from_hits_that_are_still_held(index: Index, collection: Collection) -> None:
    with index.write() as writer:
        commit(writer, collection, document("/a", ["apples"]), document("/b", ["apples too"]))
        hits = index.search_dense(collection, vector("apples"), 2)
        assert writer.remove(collection, ["/a", "/a", "/unknown"]) == 1
        assert writer.remove(collection, ["/a"]) == 0
        assert writer.remove(collection, []) == 0
    assert [passage.document for passage in index.passages([hit.id for hit in hits])] == ["/b"]


def test_nothing_of_what_was_removed_is_left_after_compaction(index: Index, home: Path, collection: Collection) -> None:
    rng = random.Random(5)
    with index.write() as writer:
        for n in range(30):
            secret = [f"secret{n:03} {rng.randbytes(900).hex()}" for _ in range(3)]
            commit(writer, collection, document(f"/{n}", secret, heading=f"hidden{n:03}"))
        writer.remove(collection, [f"/{n}" for n in range(29)])
        commit(writer, collection, document("/29", ["harmless"]))
        before = bytes_of(home)
        assert b"secret007" in before
        report = writer.compact()
    left = bytes_of(home)
    assert b"secret" not in left
    assert b"hidden" not in left
    assert len(left) < len(before) / 10
    assert report == (31, 1, 30, 90)
    assert index.stats(collection)[:3] == (1, 1, 1)
    assert index.verify().problems == ()


def test_compaction_of_everything_removed_leaves_an_empty_index(
    index: Index, home: Path, collection: Collection
) -> None:
    with index.write() as writer:
        assert writer.compact() == (0, 0, 0, 0)
        commit(writer, collection, document("/a", ["apples"]), document("/empty", []))
        last = index.search_dense(collection, vector("x"), 1)[0].id
        writer.remove(collection, ["/a", "/empty"])
        assert writer.compact() == (1, 0, 2, 1)
        assert list((home / "segments").iterdir()) == []
        assert index.search_dense(collection, vector("x"), 3) == []
        commit(writer, collection, document("/a", ["apples"]))
        assert index.search_dense(collection, vector("x"), 1)[0].id > last, "no id is ever given twice"


def test_documents_without_passages(index: Index, home: Path, collection: Collection) -> None:
    with index.write() as writer:
        commit(writer, collection)
        commit(writer, collection, document("/empty", []))
        assert not (home / "segments").exists()
        commit(writer, collection, document("/e1", []), document("/a", ["apples"]), document("/e2", []))
        commit(writer, collection, document("/a", []))
    assert {info.name: info.passages for info in index.documents(collection)} == dict.fromkeys(
        ("/a", "/e1", "/e2", "/empty"), 0
    )
    assert index.search_dense(collection, vector("x"), 3) == []
    assert index.verify().problems == ()


def test_what_cannot_be_right_is_refused_before_anything_is_written(
    index: Index, home: Path, collection: Collection
) -> None:
    one = document("/a", ["apples"])
    with index.write() as writer:
        with pytest.raises(ValueError, match="'/a'"):
            commit(writer, collection, one, document("/b", ["x"]), one)
        for shape in [(2, DIMENSION), (0, DIMENSION), (1, DIMENSION + 1), (DIMENSION,)]:
            with pytest.raises(ValueError, match="vectors"):
                writer.commit(collection, [one], np.ones(shape, np.float32))
    assert index.files(collection) == {}
    assert not (home / "segments").exists()


def test_touching_nothing_or_the_unknown_changes_nothing(index: Index, collection: Collection) -> None:
    with index.write() as writer:
        commit(writer, collection, document("/a", ["apples"]))
        before = index.files(collection)
        writer.touch(collection, {})
        writer.touch(collection, {"/unknown": FileStamp(1, 2, "")})
    assert index.files(collection) == before


def test_one_document_may_be_huge(index: Index, collection: Collection) -> None:
    count = 20_000
    new = document("/huge", [f"paragraph {n}" for n in range(count)])
    rows = np.random.default_rng(0).standard_normal((count, DIMENSION)).astype(np.float32)
    with index.write() as writer:
        writer.commit(collection, [new], rows)
        hashes = [f"{n:064}" for n in range(count)]
        assert writer.reuse_vectors(collection, hashes) == {}
        assert len(index.search_dense(collection, vector("x"), count)) == count
        passages = index.passages([hit.id for hit in index.search_lexical(collection, "17123", 5)])
        assert [passage.locator.page for passage in passages] == [17124]
        assert index.verify().passages == count
        assert writer.remove(collection, ["/huge"]) == 1
    assert index.search_dense(collection, vector("x"), 5) == []
    assert index.search_lexical(collection, "paragraph", 5) == []


def test_many_names_at_once(index: Index, collection: Collection) -> None:
    names = [f"/folder/{n}" for n in range(2500)]
    documents = [document(name, ["apples"] if n % 100 == 0 else []) for n, name in enumerate(names)]
    with index.write() as writer:
        commit(writer, collection, *documents)
        commit(writer, collection, *documents)
        assert {info.version for info in index.documents(collection)} == {2}
        assert writer.remove(collection, names[1:]) == 2499
    assert list(index.files(collection)) == names[:1]
    assert index.verify().problems == ()


def test_many_small_segments_are_merged_and_large_ones_left(index: Index, home: Path, collection: Collection) -> None:
    with index.write() as writer:
        rows = np.ones((20_000, DIMENSION), np.float32)
        writer.commit(collection, [document("/large", ["x"] * len(rows))], rows)
        (large,) = (home / "segments").iterdir()
        for n in range(8):
            commit(writer, collection, document(f"/{n}", [f"word{n}"]))
        writer.merge_small()
        assert index.stats(collection).segments == 9
        commit(writer, collection, document("/8", ["word8"]))
        writer.remove(collection, ["/3"])
        writer.merge_small()
    assert index.stats(collection).segments == 2
    assert large in (home / "segments").iterdir()
    assert len(list((home / "segments").iterdir())) == 2
    assert index.search_dense(collection, vector("word8"), 1)[0].score == pytest.approx(1, abs=1e-3)
    assert found_by(index, collection, "word3") == set()
    assert index.verify().problems == ()


def test_vectors_are_reused_across_documents_but_not_across_collections(index: Index, collection: Collection) -> None:
    other = index.ensure_collection("other", PIN, CHUNKER)
    known = hashlib.sha256(b"apples").hexdigest()
    with index.write() as writer:
        for name in ("/a", "/b"):
            commit(writer, collection, document(name, ["apples"]))
        writer.remove(collection, ["/b"])
        assert list(writer.reuse_vectors(collection, [known, known])) == [known]
        assert writer.reuse_vectors(other, [known]) == {}
        assert writer.reuse_vectors(collection, []) == {}


@pytest.mark.parametrize("damage", ["corrupt", "missing"])
def test_repair_and_another_ingest_restore_a_lost_segment(
    index: Index, home: Path, collection: Collection, damage: str
) -> None:
    lost = [document("/a", ["apples"]), document("/b", ["pears"]), document("/old", ["plums"])]
    with index.write() as writer:
        commit(writer, collection, *lost)
        commit(writer, collection, document("/kept", ["quinces"]))
        writer.remove(collection, ["/old"])
    index.close()
    with Index.open(home) as opened:
        broken = max((home / "segments").iterdir(), key=lambda path: path.stat().st_size)
        if damage == "missing":
            broken.unlink()
        else:
            broken.write_bytes(broken.read_bytes()[:-1])
        with pytest.raises(IndexCorrupt, match=broken.name) as raised:
            opened.search_dense(collection, vector("x"), 3)
        assert raised.value.hint == "ragapp verify --repair"
        (problem,) = opened.verify().problems
        assert broken.name in problem
        assert "ragapp verify --repair" in problem
        assert found_by(opened, collection, "apples") == {"/a"}, "words are still found"
        with opened.write() as writer:
            for step in (lambda: writer.compact(), lambda: writer.reuse_vectors(collection, [sha256_of("apples")])):
                with pytest.raises(IndexCorrupt):
                    step()
            assert writer.repair() == (1, ("/a", "/b"))
            assert opened.verify().problems == ()
            assert list(opened.files(collection)) == ["/kept"]
            assert len(opened.search_dense(collection, vector("x"), 9)) == 1
            assert found_by(opened, collection, "apples") == set()
            assert writer.reuse_vectors(collection, [sha256_of("apples")]) == {}
            commit(writer, collection, *lost[:2])
            assert writer.repair() == (0, ())
        assert opened.verify().problems == ()
        assert found_by(opened, collection, "apples") == {"/a"}
        assert set(opened.files(collection)) == {"/a", "/b", "/kept"}


def sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_crash_between_segment_and_transaction_leaves_a_file_that_the_next_writer_sweeps(
    index: Index, home: Path, collection: Collection
) -> None:
    with index.write() as writer:
        commit(writer, collection, document("/a", ["apples"]))
    code = """
import os, signal
from pathlib import Path
from index_samples import *
from ragapp.indexes.index import Index
from ragapp.indexes.segments import SegmentStore
with Index.open(Path(sys.argv[1])) as index, index.write():
    SegmentStore(index.home / "segments").write(np.arange(90, 99), np.ones((9, DIMENSION), np.float32))
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run_python(code, home).returncode == -signal.SIGKILL
    assert len(list((home / "segments").iterdir())) == 2
    assert index.verify().problems == ()
    assert len(index.search_dense(collection, vector("x"), 9)) == 1
    with index.write():
        assert len(list((home / "segments").iterdir())) == 1
    assert index.verify().problems == ()


@contextmanager
def interrupted_after(cpu_s: float) -> Generator[None]:
    """Ctrl-C after so much work of this process."""

    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGVTALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, cpu_s)
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Ctrl-C may come in a finalizer
def test_ctrl_c_at_any_moment_of_a_commit_leaves_all_of_it_or_nothing(
    index: Index, home: Path, collection: Collection
) -> None:
    rng = random.Random(4)
    interrupts = 0
    with index.write() as writer:
        for n in range(15):
            batch = [document(f"/{n}/{part}", [f"apples {n} {part} {k}" for k in range(8)]) for part in range(50)]
            rows = vectors_of(batch)
            try:
                with interrupted_after(rng.uniform(0.001, 0.04)):  # such a commit takes about 0.04 s
                    writer.commit(collection, batch, rows)
            except KeyboardInterrupt:
                interrupts += 1
                assert sum(name.startswith(f"/{n}/") for name in index.files(collection)) in (0, len(batch))
                assert index.verify().problems == (), "which also shows that no lock is left"
    assert interrupts
    with index.write():
        assert len(list((home / "segments").iterdir())) == index.stats(collection).segments


COMPACT = """
from pathlib import Path
from ragapp.indexes.index import Index
with Index.open(Path(sys.argv[1])) as index, index.write() as writer:
    print("compacting", flush=True)
    writer.compact()
"""


def test_compaction_survives_kill_9_at_random_points(index: Index, home: Path, collection: Collection) -> None:
    rng = random.Random(2)
    secrets = 0
    for _ in range(4):
        with index.write() as writer:
            secrets += 1
            commit(writer, collection, *[document(f"/{n}", [f"secret{secrets} {n}"] * 5) for n in range(60)])
            commit(writer, collection, *[document(f"/{n}", [f"plain {n}"] * 5) for n in range(60)])
        wanted = index.files(collection)
        child = subprocess.Popen(python(COMPACT, home), stdout=subprocess.PIPE, text=True)
        with child:
            assert child.stdout
            assert child.stdout.readline() == "compacting\n"
            handle = os.pidfd_open(child.pid)
            select.select([handle], [], [], rng.uniform(0, 0.06))  # a wait that ends with the child
            os.close(handle)
            child.kill()
        assert index.verify().problems == ()
        assert index.files(collection) == wanted
        assert len(index.search_dense(collection, vector("x"), 999)) == 300
        assert len(index.search_lexical(collection, "plain", 999)) == 300
    with index.write() as writer:
        writer.compact()
    assert b"secret" not in bytes_of(home)
    assert index.stats(collection).segments == 1
    assert len(list((home / "segments").iterdir())) == 1


def test_jobs_are_noted(index: Index, collection: Collection) -> None:
    assert index.last_job(collection) is None
    with index.write() as writer:
        first = writer.start_job(collection, ["/a"])
        writer.job_item(first, "/a/x\n\x1b[2J", "failed", "why")
        writer.finish_job(first, "done")
        second = writer.start_job(collection, ["/b\n", "/c"])
    job = index.last_job(collection)
    assert job == (second, "running", ("/b\n", "/c"))
