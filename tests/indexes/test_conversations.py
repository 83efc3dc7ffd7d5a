"""Conversations are found by what was said in them, renamed and deleted."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from ragapp.indexes.index import Index


def test_they_are_searched_renamed_and_deleted(tmp_path: Path) -> None:
    with Index.open(tmp_path) as index:
        conversations = index.conversations
        first, second = conversations.create("default", "Bridges"), conversations.create("default", "Food")
        conversations.add_turn(first, "When did it open?", '{"text": "100 % in 1890"}')
        conversations.add_turn(second, "What is in kimchi?", '{"text": "cabbage_"}')
        assert [c.id for c in conversations.all()] == [second, first]
        assert [c.id for c in conversations.search("OPEN 1890")] == [first]
        assert [c.id for c in conversations.search("food")] == [second]
        assert conversations.search("open cabbage") == []
        assert [c.id for c in conversations.search("100 %")] == [first]  # no wildcard
        assert [c.id for c in conversations.search("e_")] == [second]
        assert [c.id for c in conversations.search("_")] == [second]
        assert conversations.search("text") == []  # how an answer is stored is not what was said
        assert conversations.search('"open" OR') == []
        conversations.add_turn(first, "Who built it?", "{}")
        assert [turn.question for turn in conversations.turns(first)] == ["When did it open?", "Who built it?"]
        assert [turn.question for turn in conversations.turns(first, last=1)] == ["Who built it?"]
        assert conversations.questions(2) == ["What is in kimchi?", "Who built it?"]
        conversations.rename(first, "Forth")
        assert [c.title for c in conversations.all()] == ["Food", "Forth"]
        conversations.delete(first)
        assert [c.id for c in conversations.all()] == [second]
        assert conversations.turns(first) == []


def test_what_was_said_before_there_was_a_search_is_found(tmp_path: Path) -> None:
    with Index.open(tmp_path) as index:
        conversation = index.conversations.create("default", "Bridges")
        index.conversations.add_turn(
            conversation, "When?", '{"text": "1890", "citations": [{"quote": "It opened in March."}]}'
        )
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite3")) as catalog:
        catalog.execute("DROP TABLE turns_fts")
        catalog.execute("DROP TABLE document_tags")
        catalog.execute("UPDATE alembic_version SET version_num = '0002'")
        catalog.commit()
    with Index.open(tmp_path) as index:
        for words in ("when", "1890", "march"):
            assert [found.id for found in index.conversations.search(words)] == [conversation]
