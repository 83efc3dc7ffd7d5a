"""Readers beside a writer: never an error, never half a commit."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest
from index_samples import CHUNKER, PIN, commit, document, python, vector

from ragapp.indexes.index import Index
from ragapp.indexes.records import Collection

NAMES = [f"/{n}" for n in range(4)]
PARTS = 5

WRITE = """
from pathlib import Path
from index_samples import *
from ragapp.indexes.index import Index
with Index.open(Path(sys.argv[1])) as index, index.write() as writer:
    collection = index.collection("default")
    for version in range(2, 17):
        texts = {name: [f"apples {version} {part}" for part in range(5)] for name in sys.argv[2:]}
        commit(writer, collection, *[document(name, paragraphs) for name, paragraphs in texts.items()])
        if version % 3 == 0:
            writer.compact()
        if version % 4 == 0:
            writer.merge_small()
"""


def read_all(index: Index, collection: Collection) -> None:
    """Look in every way; each look must show one whole commit."""
    stamps = index.files(collection)
    assert sorted(stamps) == NAMES
    assert len({stamp.content_sha256 for stamp in stamps.values()}) == 1, "all of one commit"
    dense = index.search_dense(collection, vector("apples"), 100)
    assert len(dense) == len(NAMES) * PARTS
    lexical = index.search_lexical(collection, "apples", 100)
    assert len(lexical) == len(NAMES) * PARTS
    for passage in index.passages([hit.id for hit in dense]):
        assert passage.text.startswith("apples")
    assert index.stats(collection).documents == len(NAMES)
    assert len({info.version for info in index.documents(collection)}) == 1


@pytest.fixture
def filled(index: Index, home: Path, collection: Collection) -> Path:
    with index.write() as writer:
        commit(writer, collection, *[document(name, [f"apples 1 {part}" for part in range(PARTS)]) for name in NAMES])
    return home


def test_readers_see_whole_commits_while_another_process_writes(filled: Path) -> None:
    failed = list[BaseException]()
    child = subprocess.Popen(python(WRITE, filled, *NAMES), stderr=subprocess.PIPE, text=True)

    def read() -> None:
        try:
            with Index.open(filled) as index:
                while child.poll() is None:
                    read_all(index, index.collection("default"))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test shows it
            failed.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    with Index.open(filled) as index:
        while child.poll() is None:
            assert index.verify().problems == (), "also in the midst of a compaction"
    for reader in readers:
        reader.join()
    assert child.stderr
    assert child.stderr.read() == ""
    child.stderr.close()
    assert child.returncode == 0
    assert failed == []


def test_one_index_serves_a_writer_and_readers_in_threads(index: Index, filled: Path, collection: Collection) -> None:
    done, failed = threading.Event(), list[BaseException]()

    def read() -> None:
        try:
            while not done.is_set():
                read_all(index, collection)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test shows it
            failed.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        with index.write() as writer:
            for version in range(2, 10):
                texts = [f"apples {version} {part}" for part in range(PARTS)]
                commit(writer, collection, *[document(name, texts) for name in NAMES])
                if version % 4 == 0:
                    writer.compact()
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert failed == []
    assert (collection.encoder, collection.chunker) == (PIN, CHUNKER)
    assert index.verify().problems == ()
