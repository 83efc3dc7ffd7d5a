"""``ragapp ingest``: what goes in, what does not, and what the exit code says."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_samples import DOCUMENTS, Cli, write_documents

from ragapp.indexes.index import Index


def test_bad_files_are_named_with_the_remedy_and_the_others_go_in(cli: Cli, tmp_path: Path) -> None:
    folder, home = write_documents(tmp_path / "documents").resolve(), tmp_path / "home"
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing of it\n%%EOF\n")
    (folder / "empty.txt").touch()
    (folder / "noise.txt").write_bytes(bytes(range(256)) * 40)
    done = cli("ingest", folder, tmp_path / "missing", "--home", home)
    assert done.code == 1
    assert done.out.startswith(f"{len(DOCUMENTS)} added, 4 failed; ")
    for name in ("broken.pdf", "empty.txt", "noise.txt", "missing"):
        (line,) = [number for number, line in enumerate(done.err.splitlines()) if f"/{name}'" in line]
        assert done.err.splitlines()[line].startswith("not taken in: ")
        assert done.err.splitlines()[line + 1].startswith("  try: ")
    assert len(cli("ls", "--home", home).out.splitlines()) == len(DOCUMENTS)

    again = cli("ingest", folder, "--home", home, "--json")
    assert again.code == 1
    assert (again.record["unchanged"], again.record["added"], again.record["failed"]) == (len(DOCUMENTS), 0, 3)
    assert {Path(failure["name"]).name for failure in again.record["failures"]} == {
        "broken.pdf",
        "empty.txt",
        "noise.txt",
    }
    assert all(failure["detail"] and failure["hint"] for failure in again.record["failures"])


def test_changed_and_vanished_files(cli: Cli, own_library: Path, corpus: Path, tmp_path: Path) -> None:
    folder, home = write_documents(tmp_path / "documents"), tmp_path / "home"
    assert cli("ingest", folder, "--home", home).code == 0
    (folder / "food.txt").write_text("Sourdough needs a starter that is fed daily.\n")
    (folder / "bridges.md").unlink()
    kept = cli("ingest", folder, "--home", home, "--json")
    assert (kept.code, kept.record["changed"], kept.record["removed"]) == (0, 1, 0)
    pruned = cli("ingest", folder, "--home", home, "--prune", "--json")
    assert (pruned.code, pruned.record["changed"], pruned.record["removed"]) == (0, 0, 1)
    assert pruned.record["status"] == "done"
    versions = {Path(each["name"]).name: each["version"] for each in cli("ls", "--home", home, "--json").record}
    assert versions == {"food.txt": 2, "voyager.txt": 1, "rosetta.html": 1}


def test_nothing_to_ingest(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    done = cli("ingest", tmp_path / "documents", "--home", tmp_path / "home")
    assert done.code == 0
    assert done.out.startswith("no documents found; ")


def test_a_second_writer_is_refused_and_the_first_one_named(cli: Cli, own_library: Path, corpus: Path) -> None:
    with Index.open(own_library) as index, index.write():
        for command in (["ingest", corpus], ["rm", corpus], ["compact"], ["verify", "--repair"]):
            refused = cli(*command, "--home", own_library)
            assert refused.code == 3
            assert "process " in refused.err
            assert "wait until it has ended" in refused.err
        assert cli("ls", "--home", own_library).code == 0, "readers are never blocked"
    assert cli("ingest", corpus, "--home", own_library).code == 0


def test_a_collection_is_refused_another_chunker(
    cli: Cli, own_library: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGAPP_CHUNK_TOKENS", "64")
    refused = cli("ingest", corpus, "--home", own_library)
    assert refused.code == 3
    assert "RAGAPP_CHUNK_TOKENS" in refused.err
    assert cli("ingest", corpus / "food.txt", "--home", own_library, "--collection", "small").code == 0
    assert [each["collection"] for each in cli("status", "--home", own_library, "--json").record["collections"]] == [
        "default",
        "small",
    ]
