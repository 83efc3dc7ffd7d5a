"""The index as others use it: collections, documents, passages, conversations."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from index_samples import CHUNKER, DIMENSION, PIN, commit, document, vector

from ragapp.errors import CollectionMismatch, CollectionNotFound, IndexError_
from ragapp.indexes.filters import removed
from ragapp.indexes.index import Index
from ragapp.indexes.models import DocumentRow
from ragapp.indexes.records import Collection
from ragapp.indexes.segments import SegmentStore
from ragapp.indexes.types import EncoderPin, Locator, SearchFilter
from ragapp.ingest.discovery import document_name

HOSTILE = ["/line\nbreak.txt", "/\x1b[2Jclear\x07.md", "/'; DROP TABLE documents; --", "/é\u202etxt.exe", "/%_\\", "/ "]


def test_a_collection_pins_its_encoder_and_chunker(index: Index, collection: Collection) -> None:
    assert index.ensure_collection("default", PIN, CHUNKER) == collection == index.collection("default")
    for pin in (EncoderPin("sample-16", "6" * 64, DIMENSION), EncoderPin("other", "5" * 64, 8)):
        with pytest.raises(CollectionMismatch, match="'sample-16'") as raised:
            index.ensure_collection("default", pin, CHUNKER)
        assert "RAGAPP_ENCODER=sample-16" in raised.value.hint
    with pytest.raises(CollectionMismatch, match="'paragraphs-1'") as raised:
        index.ensure_collection("default", PIN, "paragraphs-2")
    assert "--collection" in raised.value.hint
    index.ensure_collection("another", EncoderPin("other", "7" * 64, 8), "x")
    assert [each.name for each in index.collections()] == ["another", "default"]
    with pytest.raises(CollectionNotFound, match="'none'") as raised:
        index.collection("none")
    assert raised.value.hint.startswith("ragapp ingest")


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_kept_to_the_letter(index: Index, collection: Collection, name: str) -> None:
    with index.write() as writer:
        commit(writer, collection, document(name, ["apples"]), document("/other", ["apples"]))
        assert set(index.files(collection)) == {name, "/other"}
        (hit,) = index.search_lexical(collection, "apples", 5, SearchFilter(name))
        assert index.passages([hit.id])[0].document == name
        commit(writer, collection, document(name, ["pears"]))
        assert {info.name: info.version for info in index.documents(collection)} == {name: 2, "/other": 1}
        assert writer.remove(collection, [name]) == 1
    assert set(index.files(collection)) == {"/other"}
    assert index.verify().problems == ()


def test_a_name_that_is_no_unicode_is_stored_as_it_is_shown(index: Index, collection: Collection) -> None:
    name = document_name(os.fsdecode(b"/caf\xe9.txt"))
    assert name == r"/caf\xe9.txt"
    with index.write() as writer:
        commit(writer, collection, document(name, ["apples"]))
        assert set(index.files(collection)) == {name}
        assert len(index.search_dense(collection, vector("x"), 5, SearchFilter(name))) == 1
        with pytest.raises(IndexError_, match="udce9"):
            index.search_dense(collection, vector("x"), 5, SearchFilter(os.fsdecode(b"/caf\xe9.txt")))
        assert writer.remove(collection, [name]) == 1


def test_a_passage_can_be_cited(index: Index, collection: Collection) -> None:
    new = document("/a", ["apples are red", "pears are green"], heading="Fruit", media_type="pdf")
    with index.write() as writer:
        commit(writer, collection, new)
    (info,) = index.documents(collection)
    assert (info.name, info.version, info.title) == ("/a", 1, "Fruit")
    assert (info.media_type, info.size, info.passages) == ("pdf", len(new.loaded.text), 2)
    text = index.document_text(info.id)
    assert text == new.loaded.text
    assert index.landmarks(info.id) == new.loaded.landmarks
    (hit,) = index.search_lexical(collection, "pears", 5)
    (passage,) = index.passages([hit.id])
    assert text[passage.span.start : passage.span.end] == passage.text == "pears are green"
    assert (passage.heading, passage.locator) == ("Fruit", Locator(page=2))
    assert (passage.document_id, passage.version) == (info.id, 1)


def test_passages_come_in_the_order_asked_for(index: Index, collection: Collection) -> None:
    with index.write() as writer:
        commit(writer, collection, *[document(f"/{n}", [f"{n} {part}" for part in range(40)]) for n in range(30)])
    ids = [hit.id for hit in index.search_dense(collection, vector("x"), 1200)]
    assert len(ids) == 1200
    assert [passage.id for passage in index.passages(ids)] == ids
    assert index.passages([]) == []
    assert [passage.id for passage in index.passages([ids[3], 10**15, ids[3]])] == [ids[3], ids[3]]


def test_unknown_documents_are_an_error(index: Index) -> None:
    for read in (index.document_text, index.landmarks):
        with pytest.raises(IndexError_, match="document 77") as raised:
            read(77)
        assert raised.value.hint == "ragapp ls"


def test_an_empty_collection(index: Index, collection: Collection) -> None:
    assert index.files(collection) == {}
    assert index.documents(collection) == []
    assert index.search_dense(collection, vector("x"), 5) == []
    assert index.search_lexical(collection, "x", 5) == []
    assert index.stats(collection) == (0, 0, 0, 0, 0, 0)
    assert index.verify().problems == ()


def test_a_filter_finds_all_it_lets_through_in_an_inverted_file(
    index: Index, home: Path, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SegmentStore.write.__kwdefaults__ or {}, "exact_limit", 1000)
    many = document("/many", [f"paragraph {n}" for n in range(4000)])
    with index.write() as writer:
        commit(writer, collection, many, document("/few", ["apples", "pears", "plums"]))
    (segment,) = (home / "segments").iterdir()
    assert segment.stat().st_size < 4003 * DIMENSION * 2 + 100_000, "bytes, not half-precision numbers"
    for text in ("x", "y", "z"):
        assert len(index.search_dense(collection, vector(text), 5, SearchFilter("/few"))) == 3
        assert len(index.search_dense(collection, vector(text), 5)) == 5


def test_removed_documents_are_found_by_index_and_not_by_reading_all(index: Index, home: Path) -> None:
    query = sa.select(DocumentRow.id).where(removed()).compile(compile_kwargs={"literal_binds": True})
    with closing(sqlite3.connect(home / "catalog.sqlite3")) as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert len(plan) == 1
    assert "INDEX ix_documents_removed_at" in plan[0]


def test_stats(index: Index, home: Path, collection: Collection) -> None:
    with index.write() as writer:
        commit(writer, collection, document("/a", ["apples", "pears"]))
        commit(writer, collection, document("/b", ["plums"]))
        writer.remove(collection, ["/b"])
    size = sum(path.stat().st_size for path in (home / "segments").iterdir())
    assert index.stats(collection) == (1, 2, 2, size, len("apples\n\npears"), 1)


def test_conversations_are_kept(index: Index, home: Path) -> None:
    first = index.conversations.create("default", "first \x1b[2J")
    second = index.conversations.create("other", "second")
    turns = [index.conversations.add_turn(first, f"question {n}", '{"answer": "é\\u0000"}') for n in range(3)]
    index.close()
    with Index.open(home) as opened:
        assert [(each.id, each.collection, each.title) for each in opened.conversations.all()] == [
            (second, "other", "second"),
            (first, "default", "first \x1b[2J"),
        ]
        assert [turn.id for turn in opened.conversations.turns(first)] == turns
        assert [turn.question for turn in opened.conversations.turns(first)] == [f"question {n}" for n in range(3)]
        assert opened.conversations.turns(first)[0].answer == '{"answer": "é\\u0000"}'
        assert opened.conversations.turns(second) == opened.conversations.turns(99) == []
        with pytest.raises(IndexError_, match="no conversation 99"):
            opened.conversations.add_turn(99, "question", "{}")


def test_a_conversation_is_stored_while_another_writes(index: Index, collection: Collection) -> None:
    with index.write() as writer:
        commit(writer, collection, document("/a", ["apples"]))
        assert index.conversations.turns(index.conversations.create("default", "x")) == []
