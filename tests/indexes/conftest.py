"""Fixtures for the index: an empty one with a collection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from index_samples import CHUNKER, PIN

from ragapp.indexes.index import Index
from ragapp.indexes.records import Collection


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def index(home: Path) -> Iterator[Index]:
    with Index.open(home) as opened:
        yield opened


@pytest.fixture
def collection(index: Index) -> Collection:
    return index.ensure_collection("default", PIN, CHUNKER)
