"""One writer at a time, across processes."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from index_samples import python

from ragapp.errors import IndexError_, IndexLocked
from ragapp.indexes.index import Index

HOLD = """
from pathlib import Path
from ragapp.indexes.index import Index
with Index.open(Path(sys.argv[1])) as index, index.write():
    print("writing", flush=True)
    sys.stdin.read()
"""


@contextmanager
def writer_elsewhere(home: Path) -> Generator[subprocess.Popen[str]]:
    child = subprocess.Popen(python(HOLD, home), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin
    assert child.stdout
    with child:
        assert child.stdout.readline() == "writing\n"
        yield child
        child.stdin.close()


def test_a_second_writer_is_told_who_the_first_is_and_readers_are_not_kept_out(index: Index, home: Path) -> None:
    with writer_elsewhere(home) as child:
        with pytest.raises(IndexLocked, match=rf"process {child.pid}\b") as raised, index.write():
            pass
        assert raised.value.hint
        with pytest.raises(IndexLocked), index.write(wait_s=0.1):
            pass
        assert index.collections() == []
        assert index.verify().problems == ()
    with index.write():
        pass
    assert not (home / "lock.pid").exists()


def test_a_writer_waits_as_long_as_it_may(index: Index, home: Path) -> None:
    got = threading.Event()

    def wait() -> None:
        with index.write(wait_s=60):
            got.set()

    with writer_elsewhere(home):
        thread = threading.Thread(target=wait)
        thread.start()
        assert not got.is_set()
    thread.join()
    assert got.is_set()


def test_a_killed_writer_holds_nothing(index: Index, home: Path) -> None:
    with writer_elsewhere(home) as child:
        child.kill()
        child.wait()
        assert (home / "lock.pid").exists()
        with index.write():
            assert str(child.pid) not in (home / "lock.pid").read_text()


def test_another_thread_is_another_writer(index: Index) -> None:
    with index.write(), pytest.raises(IndexLocked), index.write():
        pass
    with index.write():
        pass


def test_a_home_that_cannot_be_locked(index: Index, home: Path, tmp_path: Path) -> None:
    (home / "lock").unlink(missing_ok=True)
    (home / "lock").mkdir()
    with pytest.raises(IndexError_, match="cannot be locked") as raised, index.write():
        pass
    assert "RAGAPP_HOME" in raised.value.hint
    with Index.open(home) as opened:
        assert opened.collections() == [], "readers need no lock"
    (tmp_path / "new" / "lock").mkdir(parents=True)
    with pytest.raises(IndexError_, match="cannot be locked"):
        Index.open(tmp_path / "new")
