"""Lexical search: any text is a question, and words are found however they are written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from index_samples import CHUNKER, PIN, commit, document

from ragapp.indexes.index import Index
from ragapp.indexes.lexical import terms
from ragapp.indexes.records import Collection
from ragapp.indexes.types import MediaType, SearchFilter

anything = st.text(st.characters(exclude_categories=[]), max_size=60)
SYNTAX = r"""AND OR NOT NEAR( a ) ( " "" ' * ^ : text: heading: - + { } , pears ; -- % rank passages_fts _ __ \\"""
fts5 = st.lists(st.sampled_from([*SYNTAX.split(), "\0", "\ud800", "🦆", "\n"]), max_size=8).map(" ".join)


@pytest.fixture(scope="module")
def pears(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with Index.open(tmp_path_factory.mktemp("home")) as index:
        collection = index.ensure_collection("default", PIN, CHUNKER)
        with index.write() as writer:
            commit(writer, collection, document("/a", ["pears AND apples", "what is the who"]))
        yield index


@settings(deadline=None)
@given(question=anything | fts5)
def test_any_text_is_a_question(pears: Index, question: str) -> None:
    for hit in pears.search_lexical(pears.collection("default"), question, 5):
        assert hit.score > 0
    assert pears.search_lexical(pears.collection("default"), question + " pears", 5)


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Das Straßenbahndepot", "STRASSENBAHNDEPOT straßenbahndepot"),
        ("Straße", "Straße?"),
        ("Köln am Rhein", "koln"),
        ("Koln am Rhein", "Köln"),
        ("Köln am Rhein", "Ko\u0308ln"),
        ("Ko\u0308ln am Rhein", "Köln"),
        ("la velocità del caffè", "Velocita"),
        ("İstanbul", "istanbul"),
        ("istanbul", "İstanbul"),
        ("ἀρετή", "ἀρετή"),
        ("Москва слезам", "москва"),
        ("register x86_64 here", "x86_64"),
        ("don't O'Neill", "o'neill"),
        ("snake_case_name", "case"),
        ("price 1,250.75", "1,250.75"),
        ("to be or not to be", "to be or not to be"),
        ("the who", "who?"),
        ("naïve 🦆 duck", "🦆 duck"),
    ],
)
def test_words_are_found_however_they_are_written(
    index: Index, collection: Collection, text: str, question: str
) -> None:
    with index.write() as writer:
        commit(writer, collection, document("/other", ["nothing of the kind"]), document("/a", [text]))
    hits = index.search_lexical(collection, question, 1)
    assert [passage.document for passage in index.passages([hit.id for hit in hits])] == ["/a"]


@pytest.mark.parametrize("question", ["", " \n", "?!…", "🦆", "\0", "_"])
def test_a_question_without_words_finds_nothing(index: Index, collection: Collection, question: str) -> None:
    with index.write() as writer:
        commit(writer, collection, document("/a", ["words 🦆 _ here"]))
    assert index.search_lexical(collection, question, 5) == []


def test_stopwords_are_dropped_unless_there_is_nothing_else() -> None:
    assert terms("What is the capital of the Moon?") == ["capital", "moon"]
    assert terms("Who are you") == ["who", "are", "you"]
    assert terms("Perche\u0301 dov'è la LUNA luna") == ["dov", "luna"]
    assert len(terms(" ".join(f"word{n}" for n in range(1000)))) == 64


@settings(deadline=None)
@given(st.text(max_size=200))
def test_terms_are_distinct_words(question: str) -> None:
    found = terms(question)
    assert len(found) == len(set(found)) <= 64
    assert not any('"' in word or "\0" in word for word in found)


def test_a_rare_word_outweighs_a_common_one_and_headings_count(index: Index, collection: Collection) -> None:
    with index.write() as writer:
        commit(writer, collection, *[document(f"/{n}", ["the river flows"]) for n in range(9)])
        commit(writer, collection, document("/rare", ["an axolotl"]), document("/head", ["x"], heading="Quokka"))
    first = index.search_lexical(collection, "river axolotl", 3)[0]
    assert index.passages([first.id])[0].document == "/rare"
    (hit,) = index.search_lexical(collection, "quokka", 3)
    assert index.passages([hit.id])[0].document == "/head"
    tied = index.search_lexical(collection, "river", 9)
    assert [hit.id for hit in tied] == sorted(hit.id for hit in tied)


@pytest.mark.parametrize("where", [SearchFilter("/few"), SearchFilter(media_types=frozenset[MediaType]({"pdf"}))])
def test_the_best_may_all_be_kept_out(index: Index, collection: Collection, where: SearchFilter) -> None:
    other = index.ensure_collection("other", PIN, CHUNKER)
    with index.write() as writer:
        commit(writer, other, document("/other", ["apples apples"] * 20))
        commit(writer, collection, document("/many", ["apples apples"] * 20))
        long = ["apples " + "and a great deal else " * n for n in (9, 3, 6)]
        commit(writer, collection, document("/few", long, media_type="pdf"))
    hits = index.search_lexical(collection, "apples", 3, where)
    assert [p.text for p in index.passages([hit.id for hit in hits])] == [long[1], long[2], long[0]]
    assert len(index.search_lexical(collection, "apples", 22)) == 22
    assert len(index.search_lexical(collection, "apples", 100)) == 23
    assert len(index.search_lexical(other, "apples", 100)) == 20


@settings(deadline=None, max_examples=50)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_any_text_is_stored_to_the_letter(pears: Index, text: str) -> None:
    collection = pears.collection("default")
    with pears.write() as writer:
        commit(writer, collection, document("/text", [text], heading=text), document("/removed", [text]))
        writer.remove(collection, ["/removed"])
    info = pears.documents(collection)[-1]
    assert (info.name, info.title) == ("/text", text)
    assert pears.document_text(info.id) == text
    assert pears.verify().problems == ()
