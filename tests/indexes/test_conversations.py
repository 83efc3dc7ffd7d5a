"""Conversations are found by what was said in them, renamed and deleted."""

from __future__ import annotations

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
        conversations.add_turn(first, "Who built it?", "{}")
        assert [turn.question for turn in conversations.turns(first)] == ["When did it open?", "Who built it?"]
        assert [turn.question for turn in conversations.turns(first, last=1)] == ["Who built it?"]
        assert conversations.questions(2) == ["What is in kimchi?", "Who built it?"]
        conversations.rename(first, "Forth")
        assert [c.title for c in conversations.all()] == ["Food", "Forth"]
        conversations.delete(first)
        assert [c.id for c in conversations.all()] == [second]
        assert conversations.turns(first) == []
