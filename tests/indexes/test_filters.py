"""Path globs, against the standard library's where the two mean the same, and filters in searches."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from unicodedata import normalize

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from index_samples import CHUNKER, PIN, commit, document, vector

from ragapp.errors import ConfigError
from ragapp.indexes.filters import glob_pattern
from ragapp.indexes.index import Index
from ragapp.indexes.records import Collection
from ragapp.indexes.types import MediaType, SearchFilter, day, tag_name

components = st.text("ab-.\n[]!é&|~^\\$(", min_size=1, max_size=4).filter(lambda part: part.strip("."))
names = st.lists(components, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
glob_parts = st.text("ab*?[]!-^.\n\\&|~$(", min_size=1, max_size=6).filter(lambda part: part.strip("."))
globs = st.tuples(st.sampled_from(["", "/"]), st.lists(glob_parts, min_size=1, max_size=3)).map(
    lambda made: made[0] + "/".join(made[1])
)


def matches(glob: str, name: str) -> bool:
    return re.search(glob_pattern(glob), name) is not None


@given(globs, names)
def test_a_glob_with_wildcards_means_what_it_means_to_pathlib(glob: str, name: str) -> None:
    assume(("*" in glob or "?" in glob) and "**" not in glob)
    # To pathlib the root is a component that "*" and "?" match; here it is no folder's name.
    path = PurePosixPath(name if glob.startswith("/") else name.removeprefix("/"))
    assert matches(glob, name) == path.match(glob)


@given(globs, st.lists(names, max_size=3))
def test_any_text_is_a_glob(glob: str, found: list[str]) -> None:
    for name in found:
        matches(glob, name)


@given(names)
def test_a_name_finds_itself(name: str) -> None:
    assume(not set(name) & set("*?["))
    assert matches(name, name)
    assert matches(name.rsplit("/", 1)[1], name)
    assert matches(name + "/", name + "/below.txt")


@pytest.mark.parametrize(
    ("glob", "found", "passed_over"),
    [
        ("*.md", ["/a/b.md", "/b.md", "/a/b\n.md"], ["/a/b.mdx", "/a/b.md\n", "/a.md/b"]),
        ("notes/*.md", ["/x/notes/a.md"], ["/x/notes/y/a.md", "/x/mynotes/a.md"]),
        ("*/a.md", ["/x/a.md", "/x/y/a.md"], ["/a.md"]),
        ("?/a.md", ["/x/a.md", "/y/x/a.md"], ["/a.md", "/xy/a.md"]),
        ("**/a.md", ["/x/a.md", "/a.md"], ["/x/ba.md"]),
        ("notes/**/*.md", ["/x/notes/a.md", "/x/notes/y/z/a.md", "/notes/line\nbreak/a.md"], ["/x/a.md"]),
        ("notes", ["/x/notes", "/x/notes/y/a.md"], ["/x/notes2/a.md", "/x/notes.md"]),
        ("notes/", ["/x/notes/y/a.md"], ["/x/notes2/a.md"]),
        ("/x/**", ["/x/a", "/x/b/c\nd"], ["/y/x/a"]),
        ("202[0-3]/*", ["/a/2020/b"], ["/a/2024/b"]),
        ("[!a]*.txt", ["/x/b.txt"], ["/x/a.txt"]),
        ("[z-a]", [], ["/z", "/a", "/-"]),
        ("[!]", ["/[!]"], ["/a"]),
        ("a[/]b", ["/a[/]b"], ["/a/b"]),
    ],
)
def test_globs(glob: str, found: list[str], passed_over: list[str]) -> None:
    assert [name for name in found + passed_over if matches(glob, name)] == found


NEW_YEAR = int(datetime.combine(date(2026, 1, 1), time.min).timestamp())
"""When 2026 began here, seconds since the epoch."""


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (SearchFilter(after=date(2025, 12, 31)), {"/b", "/c"}),
        (SearchFilter(after=date(2026, 1, 1)), {"/c"}),
        (SearchFilter(before=date(2026, 1, 1)), {"/a", "/b"}),
        (SearchFilter(after=date(2025, 12, 31), before=date(2026, 1, 1)), {"/b"}),
        (SearchFilter(after=date(2026, 1, 1), before=date(2025, 1, 1)), set[str]()),
        (SearchFilter(after=date.min), {"/a", "/b", "/c"}),
        (SearchFilter(before=date.max), {"/a", "/b", "/c"}),
        (SearchFilter(after=date.max), set[str]()),
        (SearchFilter(before=date.min), set[str]()),
    ],
)
def test_days_are_those_of_this_place_and_say_when_a_file_was_changed(
    index: Index, collection: Collection, where: SearchFilter, expected: set[str]
) -> None:
    with index.write() as writer:
        commit(writer, collection, document("/a", ["pears grow"], mtime_ns=1))
        commit(writer, collection, document("/b", ["pears fall"], mtime_ns=NEW_YEAR * 10**9 - 1))
        commit(writer, collection, document("/c", ["pears rot"], mtime_ns=NEW_YEAR * 10**9))
    assert {info.name for info in index.documents(collection, where)} == expected
    hits = index.search_lexical(collection, "pears", 10, where)
    assert {passage.document for passage in index.passages([hit.id for hit in hits])} == expected
    times = {info.name: info.modified_at for info in index.documents(collection)}
    assert times["/c"] == NEW_YEAR


@pytest.mark.parametrize("text", ["", "soon", "2026", "2026-02-30", "1.1.2026"])
def test_what_is_no_day_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match="is no day"):
        day(text)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (SearchFilter(), {"/n/a.md", "/n/b.txt", "/m/c.pdf"}),
        (SearchFilter("/n/*"), {"/n/a.md", "/n/b.txt"}),
        (SearchFilter(media_types=frozenset[MediaType]({"pdf", "markdown"})), {"/n/a.md", "/m/c.pdf"}),
        (SearchFilter("n", frozenset[MediaType]({"text"})), {"/n/b.txt"}),
        (SearchFilter("[z-a]*[[a&&b]"), set[str]()),
        (SearchFilter("nowhere"), set[str]()),
        (SearchFilter(documents=frozenset({"/n/a.md", "/gone"})), {"/n/a.md"}),
    ],
)
def test_both_searches_keep_to_a_filter(
    index: Index, collection: Collection, where: SearchFilter, expected: set[str]
) -> None:
    with index.write() as writer:
        commit(writer, collection, document("/n/a.md", ["pears grow"], media_type="markdown"))
        commit(writer, collection, document("/n/b.txt", ["pears fall"]))
        commit(writer, collection, document("/m/c.pdf", ["pears rot"], media_type="pdf"))
    dense = index.search_dense(collection, vector("x"), 10, where)
    lexical = index.search_lexical(collection, "pears", 10, where)
    for hits in (dense, lexical):
        assert {passage.document for passage in index.passages([hit.id for hit in hits])} == expected
    assert {info.name for info in index.documents(collection, where)} == expected


def test_passages_are_left_out_of_both_searches(index: Index, collection: Collection) -> None:
    with index.write() as writer:
        commit(writer, collection, document("/n/a.md", ["pears grow", "pears fall"]))
    first, second = sorted(hit.id for hit in index.search_dense(collection, vector("x"), 10))
    where = SearchFilter(without=frozenset({first}))
    assert [hit.id for hit in index.search_dense(collection, vector("x"), 10, where)] == [second]
    assert [hit.id for hit in index.search_lexical(collection, "pears", 10, where)] == [second]


def test_documents_are_found_by_any_of_some_tags(index: Index, collection: Collection) -> None:
    with index.write() as writer:
        for name in ("/n/a.md", "/n/b.txt", "/m/c.pdf"):
            commit(writer, collection, document(name, ["pears grow"]))
        assert writer.tag(collection, ["/n/a.md", "/gone"], add=["Fruit", "#2024"]) == 1
        writer.tag(collection, ["/n/b.txt"], add=["fruit"])
        writer.tag(collection, ["/m/c.pdf"], add=["stones"])
    for tags, expected in (
        ({"fruit"}, {"/n/a.md", "/n/b.txt"}),
        ({"2024", " #STONES"}, {"/n/a.md", "/m/c.pdf"}),
        ({"nothing"}, set[str]()),
    ):
        where = SearchFilter(tags=frozenset(tags))
        dense = index.search_dense(collection, vector("x"), 9, where)
        lexical = index.search_lexical(collection, "pears", 9, where)
        for hits in (dense, lexical):
            assert {passage.document for passage in index.passages([hit.id for hit in hits])} == expected
        assert {info.name for info in index.documents(collection, where)} == expected
    assert index.tags(collection) == {"fruit": 2, "2024": 1, "stones": 1}


tag_changes = st.lists(
    st.tuples(
        st.sampled_from(["/a", "/b"]), st.sampled_from(["add", "remove", "change", "drop"]), st.sampled_from("xyz")
    ),
    max_size=12,
)


@given(tag_changes)
@settings(max_examples=25, deadline=None)
def test_a_documents_tags_stay_until_they_are_taken_or_it_goes(changes: list[tuple[str, str, str]]) -> None:
    with TemporaryDirectory() as home, Index.open(Path(home)) as index:
        collection = index.ensure_collection("default", PIN, CHUNKER)
        expected: dict[str, set[str]] = {}
        with index.write() as writer:
            for number, (name, what, tag) in enumerate(changes):
                if what == "change":
                    commit(writer, collection, document(name, [f"version {number}"]))
                    expected.setdefault(name, set())
                elif what == "drop":
                    writer.remove(collection, [name])
                    expected.pop(name, None)
                else:
                    writer.tag(collection, [name], **{what: [tag]})
                    if name in expected:
                        expected[name] = expected[name] | {tag} if what == "add" else expected[name] - {tag}
        assert {each.name: set(each.tags) for each in index.documents(collection)} == expected


@pytest.mark.parametrize("text", ["", "#", "two words", "a,b", "x" * 51, "bell\a", "\u202e"])
def test_what_cannot_be_a_tag_is_told(index: Index, collection: Collection, text: str) -> None:
    with index.write() as writer:
        commit(writer, collection, document("/a", ["pears"]))
        with pytest.raises(ConfigError, match="cannot be a tag"):
            writer.tag(collection, ["/a"], add=["fine", text])
        with pytest.raises(ConfigError, match="both to be given and to be taken"):
            writer.tag(collection, ["/a"], add=["Fine"], remove=["fine"])
    assert index.tags(collection) == {}
    with pytest.raises(ConfigError, match="cannot be a tag"):
        index.documents(collection, SearchFilter(tags=frozenset({text})))


@example("\r0")
@given(st.text(max_size=12))
def test_a_tag_is_one_however_it_is_typed(text: str) -> None:
    try:
        tag = tag_name(text)
    except ConfigError:
        return
    spellings = (f" #{text}", *(normalize(form, text) for form in ("NFC", "NFD")), tag)
    assert {tag_name(each) for each in spellings} == {tag}


def test_a_string_is_one_tag_and_not_its_letters(index: Index, collection: Collection) -> None:
    with index.write() as writer:
        commit(writer, collection, document("/a", ["pears"]))
        writer.tag(collection, ["/a"], add="fruit")
    assert index.tags(collection) == {"fruit": 1}
