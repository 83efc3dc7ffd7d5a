"""The index against a model of it in plain Python, under any order of operations."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from index_samples import CHUNKER, PIN, bytes_of, commit, document, stored, vector, vectors_of

from ragapp.indexes.index import Index
from ragapp.indexes.types import FileStamp, SearchFilter, embedding_text
from ragapp.indexes.writer import Writer

NAMES = ["/a/one.md", "/a/two.txt", "/b/three.md", "/b/line\nbreak \x1b[2J.txt", "/c/café '; DROP TABLE x.html"]
WORDS = ["alpha", "bravo", "charlie", "delta", "echo"]
names = st.sampled_from(NAMES)
paragraphs = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join), max_size=4)


class Entry(NamedTuple):
    name: str
    text: str
    heading: str
    vector: np.ndarray


class IndexMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.index = Index.open(self.home)
        self.collection = self.index.ensure_collection("default", PIN, CHUNKER)
        # A neighbour, to see that nothing of one collection shows in another.
        self.other = self.index.ensure_collection("other", PIN, CHUNKER)
        with self.index.write() as writer:
            commit(writer, self.other, document("/a/one.md", ["alpha bravo"]))
        self.entries: dict[str, list[Entry]] = {}
        self.stamps: dict[str, FileStamp] = {}
        self.versions: dict[str, int] = {}
        self.markers: dict[str, str] = {}
        self.dead: set[str] = set()
        self.marked = 0

    def teardown(self) -> None:
        self.index.close()
        shutil.rmtree(self.home)

    @rule(batch=st.dictionaries(names, paragraphs, min_size=1, max_size=4), together=st.booleans())
    def commit(self, batch: dict[str, list[str]], together: bool) -> None:
        documents = []
        for name, texts in batch.items():
            self.marked += 1
            marker = f"marker{self.marked:05}x"
            new = document(name, [f"{marker} {text}" for text in texts], heading=f"Head {marker}")
            documents.append(new)
            if name in self.markers:
                self.dead.add(self.markers[name])
            self.markers[name] = marker
            self.versions[name] = self.versions.get(name, 0) + 1
            self.stamps[name] = new.stamp
            rows = stored(vectors_of([new]))
            self.entries[name] = [Entry(name, c.text, c.heading, row) for c, row in zip(new.chunks, rows, strict=True)]
        with self.index.write() as writer:
            for part in [documents] if together else [[new] for new in documents]:
                commit(writer, self.collection, *part)
            self._reuses(writer)

    def _reuses(self, writer: Writer) -> None:
        texts = [embedding_text(e.heading, e.text) for entries in self.entries.values() for e in entries]
        hashes = {text: hashlib.sha256(text.encode()).hexdigest() for text in texts}
        known = writer.reuse_vectors(self.collection, [*hashes.values(), "0" * 64])
        assert known.keys() == set(hashes.values())
        for text, sha256 in hashes.items():
            np.testing.assert_array_equal(known[sha256], stored(vector(text)))

    @rule(chosen=st.lists(names, max_size=3))
    def remove(self, chosen: list[str]) -> None:
        with self.index.write() as writer:
            assert writer.remove(self.collection, chosen) == len(set(chosen) & self.stamps.keys())
        for name in set(chosen) & self.stamps.keys():
            self.dead.add(self.markers.pop(name))
            del self.stamps[name], self.entries[name], self.versions[name]

    @rule(name=names, mtime_ns=st.integers(0, 2**62))
    def touch(self, name: str, mtime_ns: int) -> None:
        stamp = self.stamps.get(name)
        new = FileStamp(7, mtime_ns, stamp.content_sha256 if stamp else "")
        with self.index.write() as writer:
            writer.touch(self.collection, {name: new})
        if stamp:
            self.stamps[name] = new

    @rule()
    def compact(self) -> None:
        before = self.index.stats(self.collection)
        with self.index.write() as writer:
            report = writer.compact()
        assert report.documents_erased == before.removed_documents
        assert self.index.stats(self.collection).removed_documents == 0
        assert self.index.stats(self.collection).segments <= 1
        left = bytes_of(self.home)
        assert [marker for marker in self.dead if marker.encode() in left] == []
        assert [
            marker for name, marker in self.markers.items() if marker.encode() not in left and self.entries[name]
        ] == []

    @rule()
    def merge(self) -> None:
        with self.index.write() as writer:
            writer.merge_small()
        assert self.index.stats(self.collection).segments <= 8

    @rule()
    def reopen(self) -> None:
        self.index.close()
        self.index = Index.open(self.home)

    @rule(
        text=st.text(max_size=8),
        k=st.integers(1, 8),
        where=st.sampled_from([SearchFilter(), SearchFilter("/a/*"), SearchFilter("nowhere/**")]),
    )
    def dense(self, text: str, k: int, where: SearchFilter) -> None:
        query = vector(text)
        live = [entry for entries in self.entries.values() for entry in entries]
        allowed = [e for e in live if not where.path_glob or (where.path_glob == "/a/*" and e.name.startswith("/a/"))]
        wanted = sorted(((float(e.vector @ query), e.name, e.text) for e in allowed), reverse=True)
        hits = self.index.search_dense(self.collection, query, k, where)
        assert [hit.score for hit in hits] == pytest.approx([score for score, _, _ in wanted[:k]], abs=1e-5)
        passages = self.index.passages([hit.id for hit in hits])
        scores = {(name, text): score for score, name, text in wanted}
        for hit, passage in zip(hits, passages, strict=True):
            assert hit.score == pytest.approx(scores[passage.document, passage.text], abs=1e-5)
            assert passage.version == self.versions[passage.document]

    @rule(word=st.sampled_from(WORDS))
    def lexical(self, word: str) -> None:
        live = [(e.name, e.text) for entries in self.entries.values() for e in entries if word in e.text]
        hits = self.index.search_lexical(self.collection, word.upper(), 100)
        passages = self.index.passages([hit.id for hit in hits])
        assert sorted((passage.document, passage.text) for passage in passages) == sorted(live)
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)

    @invariant()
    def agrees(self) -> None:
        assert self.index.files(self.collection) == self.stamps
        listed = {info.name: (info.version, info.passages) for info in self.index.documents(self.collection)}
        assert listed == {name: (self.versions[name], len(entries)) for name, entries in self.entries.items()}
        report = self.index.verify()
        assert report.problems == ()
        assert report.documents == len(self.stamps) + 1
        assert report.passages == sum(map(len, self.entries.values())) + 1
        assert list(self.index.files(self.other)) == ["/a/one.md"]
        (hit,) = self.index.search_lexical(self.other, "alpha", 5)
        assert self.index.passages([hit.id])[0].text == "alpha bravo"


TestIndex = IndexMachine.TestCase
TestIndex.settings = settings(
    max_examples=10, stateful_step_count=10, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
