"""The catalog's file: migrations, versions, damage, and a disk that is full."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from index_samples import CHUNKER, PIN, commit, document, run_python
from sqlalchemy import event

import ragapp.indexes.migrations
from ragapp.errors import IndexCorrupt, IndexError_, IndexVersionMismatch, StorageFull
from ragapp.indexes.database import HEAD
from ragapp.indexes.index import Index
from ragapp.indexes.models import Base
from ragapp.indexes.records import Collection


@pytest.fixture
def catalog(home: Path) -> Path:
    Index.open(home).close()
    return home / "catalog.sqlite3"


def test_the_migrations_make_the_tables_of_the_models(catalog: Path) -> None:
    def ours(_object: object, name: str | None, kind: str, *_: object) -> bool:
        return not (kind == "table" and str(name).startswith(("passages_fts", "turns_fts")))

    engine = sa.create_engine(f"sqlite:///{catalog}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_the_code_knows_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", ragapp.indexes.migrations.__path__[0])
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_opening_a_current_index_loads_no_migrations(catalog: Path) -> None:
    code = """
import sys
from pathlib import Path
from ragapp.indexes.index import Index
Index.open(Path(sys.argv[1])).close()
print(sorted({"alembic", "mako", "torch", "transformers"} & sys.modules.keys()))
"""
    done = run_python(code, catalog.parent)
    assert (done.stderr, done.stdout) == ("", "[]\n")


def test_an_index_may_be_made_by_several_at_once(tmp_path: Path) -> None:
    start, failed = threading.Barrier(4), list[BaseException]()
    homes = [tmp_path / f"home{n}" for n in range(10)]

    def open_them() -> None:
        for home in homes:
            start.wait()
            try:
                Index.open(home).close()
            except BaseException as error:  # noqa: BLE001 - whatever it is, the test shows it
                failed.append(error)

    threads = [threading.Thread(target=open_them) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    for home in homes:
        with Index.open(home) as index:
            assert index.collections() == []
            assert index.verify().problems == ()
        with closing(sqlite3.connect(home / "catalog.sqlite3")) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("content", [b"this is no database, " * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_what_is_no_database_is_damage_with_a_remedy(home: Path, content: bytes) -> None:
    home.mkdir()
    (home / "catalog.sqlite3").write_bytes(content)
    with pytest.raises(IndexCorrupt, match=r"catalog\.sqlite3") as raised:
        Index.open(home)
    assert raised.value.hint == f"move {str(home)!r} away and ingest again"
    assert (home / "catalog.sqlite3").read_bytes() == content


def test_a_damaged_page_is_told_by_verify(index: Index, home: Path, collection: Collection) -> None:
    with index.write() as writer:
        commit(writer, collection, *[document(f"/{n}", [f"{n} {'word ' * 400}"]) for n in range(40)])
        writer.compact()
    index.close()
    path = home / "catalog.sqlite3"
    whole = path.read_bytes()
    page = 4096 * (len(whole) // 4096 // 2)
    path.write_bytes(whole[:page] + b"\xa5" * 4096 * 3 + whole[page + 4096 * 3 :])
    with Index.open(home) as opened:
        try:
            problems = opened.verify().problems
        except IndexCorrupt as error:
            problems = (error.message,)
    assert problems
    assert "damaged" in problems[0]


def change(catalog: Path, statement: str) -> bytes:
    """Change the catalog behind ragapp's back; returns what the file holds then."""
    with closing(sqlite3.connect(catalog)) as connection:
        connection.execute(statement)
        connection.commit()
    return catalog.read_bytes()


@pytest.mark.parametrize("revision", ["9999", "0000", "", "1a2b3c", "0001 "])
def test_a_catalog_of_another_version_is_refused_and_left_alone(catalog: Path, revision: str) -> None:
    before = change(catalog, f"UPDATE alembic_version SET version_num = '{revision}'")
    with pytest.raises(IndexVersionMismatch, match=repr(revision)) as raised:
        Index.open(catalog.parent)
    assert "pip install --upgrade" in raised.value.hint
    assert catalog.read_bytes() == before


def test_a_catalog_of_two_versions_is_refused(catalog: Path) -> None:
    change(catalog, "INSERT INTO alembic_version VALUES ('9999')")
    with pytest.raises(IndexVersionMismatch, match=f"{HEAD}, 9999"):
        Index.open(catalog.parent)


@pytest.mark.parametrize("damage", ["DROP TABLE alembic_version", "DELETE FROM alembic_version"])
def test_a_catalog_without_a_version_is_refused_and_left_alone(catalog: Path, damage: str) -> None:
    before = change(catalog, damage)
    with pytest.raises(IndexCorrupt, match="no version"):
        Index.open(catalog.parent)
    assert catalog.read_bytes() == before


@pytest.mark.parametrize("table", ["documents", "recipes"])
def test_a_database_of_another_program_is_left_alone(home: Path, table: str) -> None:
    home.mkdir()
    change(home / "catalog.sqlite3", f"CREATE TABLE {table} (dish TEXT)")
    with pytest.raises(IndexCorrupt, match="no catalog of ragapp's") as raised:
        Index.open(home)
    assert "RAGAPP_HOME" in raised.value.hint
    with closing(sqlite3.connect(home / "catalog.sqlite3")) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [(table,)]


def test_a_home_that_is_a_file_or_holds_a_folder_for_a_catalog(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "home" / "catalog.sqlite3").mkdir(parents=True)
    for home in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "home"):
        with pytest.raises(IndexError_) as raised:
            Index.open(home)
        assert str(home) in raised.value.message
        assert "RAGAPP_HOME" in raised.value.hint


@pytest.fixture
def few_pages() -> Iterator[None]:
    """Let no catalog grow beyond 100 pages, as on a disk that is full."""

    def limit(connection: sqlite3.Connection, _: Any) -> None:
        connection.execute("PRAGMA max_page_count = 100")

    event.listen(sa.Engine, "connect", limit)
    yield
    event.remove(sa.Engine, "connect", limit)


@pytest.mark.usefixtures("few_pages")
def test_a_full_disk_leaves_the_index_as_it_was(index: Index, home: Path, collection: Collection) -> None:
    with index.write() as writer:
        commit(writer, collection, document("/a", ["kept"]))
        before, files = index.files(collection), sorted((home / "segments").iterdir())
        with pytest.raises(StorageFull, match=r"catalog\.sqlite3") as raised:
            commit(writer, collection, document("/a", ["new"]), document("/b", ["x" * 1_000_000]))
        assert "make room" in raised.value.hint
        assert sorted((home / "segments").iterdir()) == files
        assert index.files(collection) == before
        assert index.verify().problems == ()
        assert len(index.search_lexical(collection, "kept", 5)) == 1
        commit(writer, collection, document("/b", ["small enough"]))
        assert writer.remove(collection, ["/a"]) == 1
        assert writer.compact().documents_erased == 1
    assert index.verify().problems == ()


def test_a_disk_that_fills_up_in_the_log_and_while_an_index_is_made(home: Path) -> None:
    code = """
import resource, sys
from pathlib import Path
from index_samples import *
from ragapp.errors import StorageFull
from ragapp.indexes.index import Index

home = Path(sys.argv[1])
free, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

def full(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))

def attempt(action):
    try:
        action()
    except StorageFull as error:
        print("full:", error.hint)
    finally:
        full(free)

full(20_000)
attempt(lambda: Index.open(home))
with Index.open(home) as index:
    collection = index.ensure_collection("default", PIN, CHUNKER)
    with index.write() as writer:
        commit(writer, collection, document("/a", ["kept"]))
        segments = sorted((home / "segments").iterdir())
        full((home / "catalog.sqlite3-wal").stat().st_size + 50_000)
        attempt(lambda: commit(writer, collection, document("/b", ["word " * 100_000])))
        assert list(index.files(collection)) == ["/a"]
        assert sorted((home / "segments").iterdir()) == segments
        assert index.verify().problems == ()
        full(0)  # not even the lock's owner can be noted
        attempt(lambda: writer.remove(collection, ["/a"]))
        assert list(index.files(collection)) == ["/a"]
    full(0)
    with index.write() as writer:
        pass
    full(free)
    with index.write() as writer:
        commit(writer, collection, document("/b", ["word " * 100_000]))
    assert index.verify().problems == ()
"""
    done = run_python(code, home)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "full: make room and run the same command again\n" * 3


def test_text_that_is_no_unicode_is_an_error_not_a_crash(index: Index, collection: Collection) -> None:
    name = "/caf\udce9.txt"  # what Python makes of a byte that is not UTF-8
    with index.write() as writer:
        commit(writer, collection, document("/a", ["kept"]))
        for attempt in (
            lambda: commit(writer, collection, document(name, ["x"])),
            lambda: writer.remove(collection, [name]),
            lambda: writer.touch(collection, {name: index.files(collection)["/a"]}),
            lambda: index.conversations.create("default", name),
            lambda: index.ensure_collection(name, PIN, CHUNKER),
        ):
            with pytest.raises(IndexError_, match=r"udce9"):
                attempt()
    assert list(index.files(collection)) == ["/a"]
    assert index.verify().problems == ()
    assert index.collection("default").chunker == CHUNKER
