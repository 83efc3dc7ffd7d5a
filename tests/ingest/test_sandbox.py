"""Loading in worker processes: one that dies or hangs costs one file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragapp.errors import IngestError
from ragapp.ingest.discovery import FoundFile, discover
from ragapp.ingest.limits import Limits
from ragapp.ingest.sandbox import Loaded, LoaderPool, LoadRequest


def write(folder: Path, files: dict[str, str | bytes]) -> list[LoadRequest]:
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return [LoadRequest(file) for file in discover([folder]) if isinstance(file, FoundFile)]


def loaded(requests: list[LoadRequest], limits: Limits | None = None, workers: int = 2) -> list[Loaded]:
    with LoaderPool(workers, limits) as pool:
        return list(pool.load(requests))


def children() -> list[int]:
    """Give the worker processes of this process."""
    tasks = Path("/proc/self/task").iterdir()
    pids = [int(pid) for task in tasks for pid in (task / "children").read_text().split()]
    return [pid for pid in pids if b"ragapp.ingest.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_files_come_back_in_order_whatever_they_take(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {f"{n:03}.txt": f"Text {n}. ‹ü› " * (1 + 4000 * (n % 7 == 0)) for n in range(60)}
    results = loaded(write(tmp_path, files), workers=3)
    assert [Path(item.file.path).name for item in results] == list(files)
    assert all(item.document and item.document.text == files[Path(item.file.path).name] for item in results)
    assert children() == []


def test_landmarks_titles_and_surrogates_in_names_cross_the_pipe(tmp_path: Path) -> None:
    name = os.fsdecode(b"bad\xff\n.md")
    (item,) = loaded(write(tmp_path, {name: "# Über\n\n‹text›\n"}))
    assert item.document
    assert item.document.title == "Über"
    assert [(mark.start, mark.locator.heading, mark.locator.line) for mark in item.document.landmarks] == [
        (0, "Über", 1),
        (8, "Über", 3),
    ]


def test_a_known_hash_is_not_parsed_again(tmp_path: Path) -> None:
    (request,) = write(tmp_path, {"a.txt": "Same."})
    (first,) = loaded([request])
    (second,) = loaded([LoadRequest(request.file, first.sha256)])
    assert second.sha256 == first.sha256
    assert second.document is None
    assert second.error is None


def test_a_bad_file_costs_only_itself(tmp_path: Path) -> None:
    requests = write(tmp_path, {"a.txt": "One.", "b.pdf": b"%PDF-1.4 broken", "c.txt": "Three."})
    first, second, third = loaded(requests, workers=1)
    assert first.document
    assert third.document
    assert second.error
    assert "b.pdf' is a broken PDF" in second.error.message
    assert second.error.hint


def test_a_file_that_takes_too_long_is_given_up_and_the_worker_replaced(tmp_path: Path) -> None:
    requests = write(tmp_path, {"a.txt": "One.", "b.html": b"<div>" * 600_000, "c.txt": "Three."})
    first, second, third = loaded(requests, Limits(seconds=1.5), workers=1)
    assert first.document
    assert third.document
    assert second.error
    assert "b.html' was not read within 1.5 s" in second.error.message


def test_a_file_that_needs_too_much_memory_is_given_up(tmp_path: Path) -> None:
    requests = write(tmp_path, {"a.txt": "One.", "b.txt": b"many words " * 4_000_000, "c.txt": "Three."})
    first, second, third = loaded(requests, Limits(memory_bytes=150_000_000), workers=1)
    assert first.document
    assert third.document
    assert second.error
    assert "b.txt' needs more than 0.1 GB of memory" in second.error.message


def test_a_worker_that_dies_costs_only_its_file(tmp_path: Path) -> None:
    requests = write(tmp_path, {"a.txt": "One.", "b.html": b"<div>" * 600_000, "c.txt": "Three."})

    def killing() -> Iterator[LoadRequest]:
        yield requests[0]
        yield requests[1]
        (worker,) = children()  # the file after the one it was just given is asked for
        os.kill(worker, signal.SIGKILL)
        yield requests[2]

    with LoaderPool(1, Limits(seconds=20)) as pool:
        results = list(pool.load(killing()))
    assert [Path(item.file.path).name for item in results] == ["a.txt", "b.html", "c.txt"]
    assert results[0].document
    assert results[2].document
    assert results[1].error
    assert "ended the process that read it (Killed)" in results[1].error.message


@pytest.mark.parametrize("executable", ["/bin/false", "/nowhere/python"])
def test_workers_that_cannot_start_are_an_error_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executable: str
) -> None:
    monkeypatch.setattr(sys, "executable", executable)
    with pytest.raises(IngestError, match=r"does not start.* 1\)|does not start: .*No such file"):
        loaded(write(tmp_path, {"a.txt": "One."}))


def test_a_pool_that_is_left_early_ends_its_workers(tmp_path: Path) -> None:
    requests = write(tmp_path, {f"{n}.txt": "Text." for n in range(20)})
    with LoaderPool(2) as pool:
        next(iter(pool.load(requests)))
        assert children()
    assert children() == []


def test_no_file_starts_no_worker() -> None:
    with LoaderPool(2) as pool:
        assert list(pool.load([])) == []
        assert children() == []


def test_a_worker_loads_neither_models_nor_the_index() -> None:
    code = "import sys, ragapp.ingest.worker; print(*sorted(m.split('.')[0] for m in sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "transformers", "sentence_transformers", "faiss", "numpy", "sqlalchemy", "tokenizers"} & {
        *modules
    }
