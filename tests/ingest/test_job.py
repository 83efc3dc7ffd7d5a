"""The ingest job: what is done, what is skipped, what is reported."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from ingest_samples import HashingEncoder

from ragapp.errors import CollectionMismatch
from ragapp.indexes.index import Index
from ragapp.ingest.chunking import Chunker
from ragapp.ingest.events import BatchCommitted, FileDone, JobDone, JobEvent, JobReport, JobStarted, PassagesEncoded
from ragapp.ingest.job import ingest

TEXTS = {
    "canal.txt": "The canal was dug between 1817 and 1825. It joins the lake to the river.",
    "notes/locks.md": "# Locks\n\nA lock raises boats.\n\n## Gates\n\nEach lock has two gates.\n",
    "tolls.html": "<title>Tolls</title><h1>Tolls</h1><p>Salt paid for it.</p>",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    for name, text in TEXTS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "home") as index:
        yield index


def run(index: Index, *roots: Path, encoder: HashingEncoder | None = None, prune: bool = False) -> JobReport:
    return ingest(index, "default", roots, encoder or HashingEncoder(), prune=prune)


def counts(report: JobReport) -> tuple[int, int, int, int, int]:
    return report.added, report.changed, report.unchanged, report.failed, report.removed


def texts(index: Index) -> dict[str, str]:
    documents = index.documents(index.collection("default"))
    return {Path(document.name).name: index.document_text(document.id) for document in documents}


def test_documents_go_in_and_can_be_cited(index: Index, folder: Path) -> None:
    encoder = HashingEncoder()
    report = run(index, folder, encoder=encoder)
    assert counts(report) == (3, 0, 0, 0, 0)
    assert report.status == "done"
    assert report.size_bytes == sum(len(text) for text in TEXTS.values())
    collection = index.collection("default")
    assert collection.chunker == "sentences-1/190"
    (hit, *_) = index.search_dense(collection, encoder.encode_query("Gates\nEach lock has two gates."), 1)
    (passage,) = index.passages([hit.id])
    assert passage.document == (folder / "notes/locks.md").as_posix()
    assert passage.locator.heading
    documents = {document.name: document.id for document in index.documents(collection)}
    source = index.document_text(documents[passage.document])
    assert source[passage.span.start : passage.span.end] == passage.text
    assert index.verify().problems == ()


def test_a_second_run_reads_and_encodes_nothing(index: Index, folder: Path) -> None:
    run(index, folder)
    encoder = HashingEncoder()
    path = folder / "canal.txt"
    stamp = path.stat()
    path.write_bytes(b"?" * stamp.st_size)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert counts(run(index, folder, encoder=encoder)) == (0, 0, 3, 0, 0)
    assert encoder.encoded == []


def test_a_touched_file_is_read_but_not_taken_in_again(index: Index, folder: Path) -> None:
    run(index, folder)
    os.utime(folder / "canal.txt", ns=(1, 1))
    assert counts(run(index, folder)) == (0, 0, 3, 0, 0)
    stamps = index.files(index.collection("default"))
    assert stamps[str(folder / "canal.txt")].mtime_ns == 1


def test_a_changed_file_replaces_its_old_version_and_only_new_text_is_encoded(index: Index, folder: Path) -> None:
    guide = folder / "guide.md"
    guide.write_text("# A\n\nApples are red.\n\n## B\n\nPears are green.\n")
    run(index, folder)
    guide.write_text("# A\n\nApples are red.\n\n## B\n\nPears are yellow.\n")
    encoder = HashingEncoder()
    report = run(index, folder, encoder=encoder)
    assert counts(report) == (0, 1, 3, 0, 0)
    assert (report.passages, report.encoded) == (2, 1)
    assert encoder.encoded == ["A › B\n## B\n\nPears are yellow."]
    assert "yellow" in texts(index)["guide.md"]
    versions = {document.name: document.version for document in index.documents(index.collection("default"))}
    assert versions[str(guide)] == 2
    assert index.verify().problems == ()


def test_text_that_stands_twice_is_encoded_once(index: Index, folder: Path) -> None:
    for n in range(5):
        (folder / f"copy{n}.txt").write_text("The same words in every copy.")
    encoder = HashingEncoder()
    run(index, folder, encoder=encoder)
    assert encoder.encoded.count("The same words in every copy.") == 1
    hits = index.search_dense(index.collection("default"), encoder.encode_query("The same words in every copy."), 5)
    assert [hit.score for hit in hits] == pytest.approx([1.0] * 5, abs=1e-3)


def test_a_moved_folder_is_not_encoded_again(index: Index, folder: Path, tmp_path: Path) -> None:
    run(index, folder)
    moved = tmp_path / "moved"
    shutil.move(folder, moved)
    encoder = HashingEncoder()
    assert counts(run(index, moved, encoder=encoder)) == (3, 0, 0, 0, 0)
    assert encoder.encoded == []


def test_one_bad_file_is_reported_and_the_rest_goes_in(index: Index, folder: Path) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 no")
    (folder / "empty\x1b[2J.txt").write_bytes(b"")
    report = run(index, folder, folder / "missing.txt")
    assert counts(report) == (3, 0, 0, 3, 0)
    assert sorted(Path(failure.name).name for failure in report.failures) == [
        "broken.pdf",
        "empty\x1b[2J.txt",
        "missing.txt",
    ]
    for failure in report.failures:
        assert repr(failure.name) in failure.detail
        assert failure.hint
    assert set(texts(index)) == {"canal.txt", "locks.md", "tolls.html"}


def test_a_file_that_breaks_keeps_its_last_good_version(index: Index, folder: Path) -> None:
    run(index, folder)
    (folder / "canal.txt").write_bytes(b"\x89PNG....")
    assert counts(run(index, folder, prune=True)) == (0, 0, 2, 1, 0)
    assert texts(index)["canal.txt"] == TEXTS["canal.txt"]


def test_prune_removes_what_vanished_under_the_roots_only(index: Index, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "documents-other"
    other.mkdir()
    (other / "far.txt").write_text("Far away.")
    run(index, folder, other)
    (folder / "canal.txt").unlink()
    (other / "far.txt").unlink()
    assert counts(run(index, folder)) == (0, 0, 2, 0, 0)
    assert counts(run(index, folder, prune=True)) == (0, 0, 2, 0, 1)
    assert set(texts(index)) == {"locks.md", "tolls.html", "far.txt"}
    assert index.verify().problems == ()


def test_prune_leaves_alone_what_could_not_be_looked_at(index: Index, folder: Path) -> None:
    run(index, folder)
    shutil.rmtree(folder)
    assert counts(run(index, folder, prune=True)) == (0, 0, 0, 1, 0)
    assert len(texts(index)) == 3


def test_prune_leaves_a_file_that_was_given_by_name_and_is_still_there(index: Index, folder: Path) -> None:
    hidden = folder / ".diary.txt"
    hidden.write_text("Dear diary.")
    run(index, folder, hidden)
    assert counts(run(index, folder, prune=True)) == (0, 0, 3, 0, 0)
    assert ".diary.txt" in texts(index)


def test_names_of_any_bytes_go_in_once(index: Index, folder: Path) -> None:
    for name in ["new\nline.txt", "esc\x1b[31m.txt", os.fsdecode(b"bad\xff.txt")]:
        (folder / name).write_text(f"About {name.encode('utf-8', 'replace')!r}.")
    assert counts(run(index, folder)) == (6, 0, 0, 0, 0)
    assert counts(run(index, folder, prune=True)) == (0, 0, 6, 0, 0)


def test_events_tell_the_whole_story(index: Index, folder: Path) -> None:
    (folder / "empty.txt").write_text("")
    events: list[JobEvent] = []
    report = ingest(index, "default", [folder], HashingEncoder(), on_event=events.append)
    assert events[0] == JobStarted(4, sum(map(len, TEXTS.values())))
    assert events[-1] == JobDone(report)
    done = [event for event in events if isinstance(event, FileDone)]
    assert sorted(event.status for event in done) == ["added", "added", "added", "failed"]
    committed = [event for event in events if isinstance(event, BatchCommitted)]
    assert sum(event.passages for event in committed) == report.passages == sum(event.passages for event in done)
    assert sum(event.passages for event in events if isinstance(event, PassagesEncoded)) == report.encoded


def test_batches_are_committed_as_they_fill(index: Index, folder: Path) -> None:
    for n in range(30):
        (folder / f"{n}.txt").write_text("\n\n".join(f"Paragraph {n} {m}. " + "word " * 150 for m in range(50)))
    events: list[JobEvent] = []
    ingest(index, "default", [folder], HashingEncoder(), on_event=events.append)
    batches = [event for event in events if isinstance(event, BatchCommitted)]
    assert len(batches) > 2
    assert all(batch.passages < 512 + 60 for batch in batches)


def test_ctrl_c_keeps_what_is_committed_and_the_next_run_goes_on(index: Index, folder: Path) -> None:
    for n in range(30):
        (folder / f"{n}.txt").write_text("\n\n".join(f"Paragraph {n} {m}. " + "word " * 150 for m in range(50)))
    interrupted = 0

    def interrupt(event: JobEvent) -> None:
        nonlocal interrupted
        interrupted += isinstance(event, PassagesEncoded)
        if interrupted == 2:  # in the middle of the second batch
            interrupted += 1
            raise KeyboardInterrupt

    report = ingest(index, "default", [folder], HashingEncoder(), on_event=interrupt)
    assert report.status == "interrupted"
    assert 0 < report.added < 33
    assert index.verify().problems == ()
    assert len(texts(index)) == report.added
    rest = run(index, folder)
    assert rest.status == "done"
    assert (rest.added, rest.unchanged) == (33 - report.added, report.added)
    assert index.verify().problems == ()


def test_another_chunker_or_encoder_is_refused(index: Index, folder: Path) -> None:
    encoder = HashingEncoder()
    run(index, folder, encoder=encoder)
    with pytest.raises(CollectionMismatch):
        ingest(index, "default", [folder], encoder, chunker=Chunker(encoder.token_offsets, 64))


def test_an_error_in_encoding_leaves_the_index_as_it_was(index: Index, folder: Path) -> None:
    class Failing(HashingEncoder):
        def encode_passages(self, texts: object) -> np.ndarray:
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        run(index, folder, encoder=Failing())
    assert texts(index) == {}
    assert index.verify().problems == ()
    assert counts(run(index, folder)) == (3, 0, 0, 0, 0)
