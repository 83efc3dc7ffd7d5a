"""Fixtures for the command line: it runs in this process, on an index made once by `ragapp ingest` itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cli_samples import Cli, Outcome, write_documents

from ragapp.cli.main import main


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command line and tell what it did."""

    def run(*arguments: str | Path) -> Outcome:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Outcome(code, printed.out, printed.err)

    return run


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of documents; leave it as it is."""
    return write_documents(tmp_path_factory.mktemp("corpus").resolve())


@pytest.fixture(scope="session")
def library(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder that holds the corpus; leave it as it is."""
    home = tmp_path_factory.mktemp("library")
    assert main(["ingest", str(corpus), "--home", str(home)]) == 0
    return home


@pytest.fixture
def own_library(library: Path, tmp_path: Path) -> Path:
    """A copy of the library to do anything to."""
    return Path(shutil.copytree(library, tmp_path / "library"))
