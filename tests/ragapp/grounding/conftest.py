"""A tiny checker with random weights, and the one that ships."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from ragapp.grounding.cross_check import CrossChecker
from ragapp.grounding.training.trainer import initial_model
from ragapp.readers.copy_fid.training.checkpoint import export


@pytest.fixture(scope="session")
def tiny_checker_folder(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checker on the tiny encoder: 32 tokens of claim, 64 of evidence."""
    folder = tmp_path_factory.mktemp("checker")
    model, tokenizer = initial_model(tiny_encoder, seed=0)
    export(model, model.config.to_json(), tokenizer, folder)
    return folder


@pytest.fixture(scope="session")
def tiny_checker(tiny_checker_folder: Path) -> CrossChecker:
    return CrossChecker.load(tiny_checker_folder, "cpu", threads=1)


@pytest.fixture(scope="session")
def checker() -> CrossChecker:
    """The checker that ships."""
    return CrossChecker.load(device="cpu")


@pytest.fixture(scope="session")
def tokenizer(tiny_encoder: Path) -> Tokenizer:
    return Tokenizer.from_file(str(tiny_encoder / "tokenizer.json"))
