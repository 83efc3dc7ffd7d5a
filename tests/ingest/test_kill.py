"""``kill -9`` at any instruction of an ingest loses at most the batch it was at."""

from __future__ import annotations

import multiprocessing
import multiprocessing.process
import random
import shutil
import time
from pathlib import Path

from ingest_samples import HashingEncoder, ingest_all

from ragapp.indexes.index import Index
from ragapp.ingest.job import ingest

KILLS = 24
FILES = 60
PARAGRAPHS = 4
BATCH = 30


def write_documents(folder: Path) -> dict[str, str]:
    folder.mkdir()
    rng = random.Random(7)
    words = [f"word{n}" for n in range(300)]
    written: dict[str, str] = {}
    for number in range(FILES):
        sections = [f"# Section {number} {n}\n\n{' '.join(rng.choices(words, k=15))}.\n" for n in range(PARAGRAPHS)]
        path = folder / f"{number:03}.md"
        path.write_text("\n".join(sections))
        written[str(path)] = path.read_text()
    return written


def child_of(home: Path, folder: Path) -> multiprocessing.process.BaseProcess:
    """Start an ingest in a process that has its imports already: what is killed is work, not start-up."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ragapp.ingest.job", "ragapp.indexes.index", "ragapp.indexes.writer"])
    process = context.Process(target=ingest_all, args=(str(home), str(folder), BATCH))
    process.start()
    return process


def contents(home: Path) -> dict[str, str]:
    with Index.open(home) as index:
        if not index.collections():
            return {}
        return {doc.name: index.document_text(doc.id) for doc in index.documents(index.collection("default"))}


def test_ingest_survives_kill_9_at_random_points(tmp_path: Path) -> None:
    folder, home = tmp_path / "documents", tmp_path / "home"
    written = write_documents(folder)
    child_of(home, folder).join()  # imports, so that the next one's time is that of the work
    shutil.rmtree(home)
    began = time.monotonic()
    child_of(home, folder).join()
    whole_s = time.monotonic() - began
    assert contents(home) == written
    shutil.rmtree(home)

    rng = random.Random(1)
    kills, progress = 0, 0
    while kills < KILLS:
        child = child_of(home, folder)
        child.join(rng.uniform(0, whole_s))
        kills += child.is_alive()
        child.kill()
        child.join()
        with Index.open(home) as index:
            assert index.verify().problems == ()
        found = contents(home)
        assert found.items() <= written.items(), "whole documents or none"
        assert len(found) >= progress, "what is committed stays"
        progress = len(found)
        if progress == FILES and kills < KILLS:
            shutil.rmtree(home)
            progress = 0

    encoder = HashingEncoder()
    with Index.open(home) as index:
        report = ingest(index, "default", [folder], encoder)
        assert (report.added, report.unchanged) == (FILES - progress, progress)
        assert len(encoder.encoded) == PARAGRAPHS * (FILES - progress), "what was committed is not encoded again"
        assert index.verify().problems == ()
        assert contents(home) == written
        stats = index.stats(index.collection("default"))
        assert stats.passages == FILES * PARAGRAPHS
        assert stats.segments == sum(1 for _ in (home / "segments").iterdir())
