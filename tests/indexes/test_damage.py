"""Whatever happens to the files: an error that says what to do, never a traceback, and a repair that holds."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from index_samples import CHUNKER, PIN, commit, document, vector

from ragapp.errors import IndexCorrupt, RagappError
from ragapp.indexes.index import Index

DOCUMENTS = [
    document(f"/{n}", [f"apples café {n} {part} {'word ' * 40}" for part in range(4)], heading=f"Über {n}")
    for n in range(30)
]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("sound")
    with Index.open(home) as index, index.write() as writer:
        collection = index.ensure_collection("default", PIN, CHUNKER)
        commit(writer, collection, *DOCUMENTS[:15], document("/old", ["plums"]))
        commit(writer, collection, *DOCUMENTS[15:])
        writer.compact()
        writer.remove(collection, ["/old"])
    return home


def damaged(content: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(content))
    after = rng.choice([rng.randbytes(1) + content[at + 1 :], rng.randbytes(64) + content[at + 64 :], b""])
    return content[:at] + after


def use(index: Index) -> None:
    """Look in every way."""
    collection = index.collection("default")
    index.files(collection)
    for info in index.documents(collection):
        index.document_text(info.id)
        index.landmarks(info.id)
    index.passages([hit.id for hit in index.search_dense(collection, vector("apples"), 200)])
    index.passages([hit.id for hit in index.search_lexical(collection, "apples", 200)])


def explains(error: RagappError, home: Path) -> None:
    """See that an error names the file or the document, and the remedy, and shows no text of a document."""
    assert str(home) in error.message or "document '/" in error.message
    assert error.hint
    assert "café" not in error.message


def restore(index: Index) -> None:
    """Do what the remedy says: repair, and ingest again what is not there as it was."""
    with index.write() as writer:
        writer.repair()
        assert index.verify().problems == ()
        collection = index.collection("default")
        there = index.files(collection)
        commit(writer, collection, *[each for each in DOCUMENTS if there.get(each.name) != each.stamp])
        writer.compact()
    assert index.verify().problems == ()
    use(index)


@pytest.mark.parametrize("seed", range(4))
def test_bytes_changed_anywhere_are_an_error_with_a_remedy(tmp_path: Path, sound: Path, seed: int) -> None:
    rng = random.Random(seed)
    restored = 0
    for n in range(25):
        home = tmp_path / str(n)
        shutil.copytree(sound, home)
        catalog, *segments = sorted(path for path in home.rglob("*") if path.is_file() and path.stat().st_size)
        path = rng.choice([catalog, catalog, *segments])
        path.write_bytes(damaged(path.read_bytes(), rng))
        try:
            with Index.open(home) as index:
                try:
                    use(index)
                except RagappError as error:
                    explains(error, home)
                problems = index.verify().problems
                assert all("Remedy: " in problem for problem in problems)
                if problems and all(problem.endswith("ragapp verify --repair") for problem in problems):
                    restore(index)
                    restored += 1
        except IndexCorrupt as error:
            explains(error, home)
        shutil.rmtree(home)
    assert restored > 5


def test_text_that_is_damaged_is_an_error_that_does_not_show_it_and_can_be_repaired(
    tmp_path: Path, sound: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(sound, home)
    with closing(sqlite3.connect(home / "catalog.sqlite3")) as connection:
        connection.execute("UPDATE documents SET name = CAST(x'2f37ff1b5b324a' AS TEXT) WHERE name = '/7'")
        connection.commit()
    with Index.open(home) as index:
        with pytest.raises(IndexCorrupt, match=r"catalog\.sqlite3.* is damaged") as raised:
            index.files(index.collection("default"))
        assert "\x1b" not in raised.value.message
        assert raised.value.hint == "ragapp verify --repair"
        (problem,) = index.verify().problems
        assert "\x1b" not in problem
        restore(index)
        assert set(index.files(index.collection("default"))) == {each.name for each in DOCUMENTS}
