"""Verify finds what is wrong with an index, and repair takes it out."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from index_samples import commit, document, vector

from ragapp.indexes.index import Index
from ragapp.indexes.records import Collection

REPAIR = "Remedy: ragapp verify --repair"


@contextmanager
def behind_its_back(home: Path) -> Generator[sqlite3.Connection]:
    """Change the catalog as no code of ours does."""
    with closing(sqlite3.connect(home / "catalog.sqlite3", isolation_level=None)) as connection:
        yield connection


@pytest.fixture
def filled(index: Index, home: Path, collection: Collection) -> Path:
    with index.write() as writer:
        commit(writer, collection, document("/a", ["apples", "more apples"]), document("/b", ["pears"]))
        commit(writer, collection, document("/c", ["plums"]), document("/d", []), document("/old", ["quinces"]))
        writer.remove(collection, ["/old"])
    return home


def test_a_sound_index_is_counted(index: Index, filled: Path) -> None:
    report = index.verify()
    assert (report.documents, report.passages, report.segments, report.awaiting_compaction) == (4, 4, 2, 1)
    assert report.problems == ()
    with index.write() as writer:
        assert writer.repair() == (0, ())
        writer.compact()
    report = index.verify()
    assert (report.documents, report.passages, report.segments, report.awaiting_compaction) == (4, 4, 1, 0)


@pytest.mark.parametrize(
    ("damage", "problem", "dropped"),
    [
        ("UPDATE passages SET text = 'lies' WHERE text = 'pears'", "'/b'", ["/b"]),
        ("UPDATE passages SET char_start = char_start + 1 WHERE text = 'more apples'", "'/a'", ["/a"]),
        ("UPDATE passages SET heading = 'Other' WHERE text = 'plums'", "'/c'", ["/c"]),
        ("UPDATE documents SET text = 'x' || text WHERE name = '/b'", "'/b'", ["/b"]),
        ("UPDATE documents SET content_sha256 = 'x' WHERE name = '/b'", "'/b'", ["/b"]),
        ("UPDATE documents SET landmarks = '[[0,' WHERE name = '/b'", "'/b'", ["/b"]),
        ("UPDATE documents SET landmarks = '[[0, 1, 2, 3, 4, 5]]' WHERE name = '/b'", "'/b'", ["/b"]),
        ("UPDATE documents SET landmarks = '7' WHERE name = '/b'", "'/b'", ["/b"]),
        ("UPDATE documents SET title = CAST(x'ff' AS TEXT) WHERE name = '/b'", "'/b'", ["/b"]),
        ("UPDATE documents SET text = CAST(x'7065ff' AS TEXT) WHERE name = '/b'", "'/b'", ["/b"]),
        ("UPDATE passages SET text = CAST(x'7065ff' AS TEXT) WHERE text = 'pears'", "'/b'", ["/b"]),
        ("UPDATE passages SET heading = CAST(x'ff' AS TEXT) WHERE text = 'pears'", "'/b'", ["/b"]),
        ("DELETE FROM passages WHERE text = 'apples'", "differ in 1 passage", ["/a", "/b"]),
        ("UPDATE passages SET segment_id = 2 WHERE text = 'pears'", "differ in 1 passage", ["/a", "/b", "/c"]),
        ("UPDATE segments SET sha256 = 'x' WHERE id = 1", "checksum", ["/a", "/b"]),
        ("INSERT INTO passages_fts(passages_fts) VALUES ('delete-all')", "lexical index", []),
        ("DELETE FROM passages_fts_data WHERE id > 10", "lexical index", []),
        ("UPDATE passages_fts_data SET block = x'00ff' WHERE id > 10", "lexical index", []),
    ],
)
def test_damage_is_told_and_repaired(
    index: Index, filled: Path, collection: Collection, damage: str, problem: str, dropped: list[str]
) -> None:
    with behind_its_back(filled) as connection:
        assert connection.execute(damage).rowcount
    problems = index.verify().problems
    assert any(problem in each for each in problems)
    assert all(each.endswith(REPAIR) for each in problems)
    with index.write() as writer:
        assert list(writer.repair().documents_dropped) == dropped
        assert index.verify().problems == ()
        assert set(index.files(collection)) == {"/a", "/b", "/c", "/d"} - set(dropped)
        texts = {"/a": ["apples", "more apples"], "/b": ["pears"], "/c": ["plums"]}
        commit(writer, collection, *[document(name, texts[name]) for name in dropped])
        assert index.verify().problems == ()
        assert len(index.search_dense(collection, vector("x"), 9)) == 4
        for word, count in {"apples": 2, "pears": 1, "plums": 1, "quinces": 0}.items():
            assert len(index.search_lexical(collection, word, 9)) == count
        writer.compact()
    assert index.verify().problems == ()


def test_rows_that_point_nowhere_mean_a_damaged_catalog(index: Index, filled: Path) -> None:
    with behind_its_back(filled) as connection:
        connection.execute("DELETE FROM documents WHERE name = '/b'")
    (problem,) = index.verify().problems
    assert "1 rows point nowhere" in problem
    assert "ingest again" in problem


def test_verify_reads_segments_from_the_disk_each_time(index: Index, filled: Path, collection: Collection) -> None:
    index.search_dense(collection, vector("x"), 9)
    assert index.verify().problems == ()
    path = next((filled / "segments").iterdir())
    whole = path.read_bytes()
    path.unlink()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 255]))
    (problem,) = index.verify().problems
    assert str(path) in problem
    assert problem.endswith(REPAIR)
