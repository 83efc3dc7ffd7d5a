"""``ragapp verify``, ``compact`` and ``doctor``."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_samples import DOCUMENTS, Cli

from ragapp.indexes.index import Index


def test_verify_of_a_good_index(cli: Cli, library: Path) -> None:
    verified = cli("verify", "--home", library)
    assert (verified.code, verified.err) == (0, "")
    assert verified.out.startswith(f"{len(DOCUMENTS)} documents, ")
    record = cli("verify", "--home", library, "--json").record
    assert record["documents"] == len(DOCUMENTS)
    assert record["problems"] == []


def test_a_damaged_segment_is_told_and_repaired_and_ingest_restores_it(
    cli: Cli, own_library: Path, corpus: Path
) -> None:
    (segment,) = (own_library / "segments").iterdir()
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 0xFF
    segment.chmod(0o600)
    segment.write_bytes(content)
    damaged = cli("verify", "--home", own_library, "--json")
    assert damaged.code == 3
    assert len(damaged.record["problems"]) == 1
    assert segment.name in damaged.err
    assert "ragapp verify --repair" in damaged.err
    asked = cli("ask", "When did the Forth Bridge open?", "--home", own_library)
    assert asked.code == 3, "the stream keeps the exit code"
    assert segment.name in asked.err
    assert "ragapp verify --repair" in asked.err

    repaired = cli("verify", "--repair", "--home", own_library)
    assert repaired.code == 0
    assert f"1 segment dropped, {len(DOCUMENTS)} documents with them" in repaired.err
    assert repaired.err.count("ingest again: ") == len(DOCUMENTS)
    assert cli("ingest", corpus, "--home", own_library, "--json").record["added"] == len(DOCUMENTS)
    assert cli("verify", "--home", own_library).code == 0


def test_compact_erases_what_was_removed(cli: Cli, own_library: Path) -> None:
    assert cli("rm", "*.txt", "--home", own_library).out == "2 documents removed\n"
    assert "await `ragapp compact`" in cli("status", "--home", own_library).out
    assert "await `ragapp compact`" in cli("verify", "--home", own_library).out
    compacted = cli("compact", "--home", own_library, "--json")
    assert compacted.code == 0
    assert compacted.record["documents_erased"] == 2
    assert compacted.record["passages_erased"] == 2
    assert "0 documents and 0 passages erased" in cli("compact", "--home", own_library).out
    assert b"Kimchi" not in (own_library / "catalog.sqlite3").read_bytes()


def test_doctor_finds_all_well(cli: Cli, library: Path) -> None:
    checked = cli("doctor", "--home", library)
    assert checked.code == 0
    verdicts = {line[6:].split(":")[0]: line[:4].strip() for line in checked.out.splitlines() if line[:2] != "  "}
    assert verdicts.keys() >= {"python", "torch", "encoder", "reader", "device", "index", "disk"}
    assert "FAIL" not in verdicts.values()
    assert verdicts["index"] == "OK"


def test_doctor_names_the_fix(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGAPP_READER", str(tmp_path / "nothing"))
    checked = cli("doctor", "--home", tmp_path / "home", "--json")
    assert checked.code == 1
    checks = {check["name"]: check for check in checked.record}
    assert checks["reader"]["verdict"] == "FAIL"
    assert checks["reader"]["fix"]
    assert checks["index"] | {"detail": ""} == {
        "name": "index",
        "verdict": "WARN",
        "detail": "",
        "fix": "ragapp ingest FOLDER",
    }
    assert checks["encoder"]["verdict"] == "OK", "one failure hides no other check"


def test_doctor_tells_of_an_ingest_that_did_not_end(cli: Cli, own_library: Path) -> None:
    with Index.open(own_library) as index, index.write() as writer:
        writer.start_job(index.collection("default"), ["/notes of mine"])
    checked = cli("doctor", "--home", own_library)
    assert "WARN  index: the last ingest was running" in checked.out
    assert "fix: ragapp ingest '/notes of mine'" in checked.out
