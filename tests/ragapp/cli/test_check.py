"""``ragapp check``, its training and its benchmark, as typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_samples import Cli

SOURCE = "The Forth Bridge opened on 4 March 1890. It crosses the Firth of Forth."
RIGHT, WRONG = "When did the Forth Bridge open? 4 March 1890", "The Forth Bridge opened on 12 June 1978."
COUNTRIES = ("Norway", "Italy", "Peru", "Egypt", "Ecuador", "Ghana", "Cuba", "Nepal", "Chad", "Laos", "Fiji", "Oman")


def claims(path: Path, *records: object) -> Path:
    path.write_text("\n".join(json.dumps(record) for record in records) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> tuple[Path, Path]:
    """Labelled claims and a tiny checker that was trained on them from the command line."""
    from ragapp.cli.main import main

    root = tmp_path_factory.mktemp("checker")
    rows = [
        {"source": f"The old town in {country} has a lighthouse.", "claim": f"{claim} has a lighthouse.", "grounded": y}
        for country in COUNTRIES * 2
        for claim, y in ((f"A town in {country}", 1), ("The moon", 0))
    ]
    data = claims(root / "claims.jsonl", *({**row, "dataset": f"towns {i % 2}"} for i, row in enumerate(rows, 0)))
    questions = claims(
        root / "questions.jsonl",
        *(
            {"question": f"Where is the {country[:3]} town?", "answers": [country], "title": country, "context": text}
            for country in COUNTRIES
            for text in (f"The old harbour town is in {country}. A lighthouse was built of stone in 1890 there.",)
        ),
    )
    command = ["train", "checker", "--data", str(data), "--data", str(questions), "--out", str(root / "run"), "--json"]
    assert main([*command, "--claims", "256", "--encoder", str(tiny_encoder), "--tokens", "1024"]) == 0
    return data, root / "run"


def test_claims_are_judged_line_by_line(cli: Cli, tmp_path: Path) -> None:
    file = claims(
        tmp_path / "claims.jsonl",
        {"id": "right", "source": SOURCE, "claim": RIGHT},
        {"source": SOURCE, "claim": WRONG},
        {"id": 7, "source": "", "claim": "Nothing holds this."},
    )
    checked = cli("check", "--file", file, "--json")
    assert checked.code == 0
    assert checked.err.startswith("3 pairs in ")
    assert checked.err.endswith(" pairs/s)\n")
    right, wrong, blank = checked.records
    assert [record["id"] for record in checked.records] == ["right", 2, 7]
    assert right["verdict"] == "supported"
    assert right["p_supported"] > wrong["p_supported"]
    assert wrong["verdict"] != "supported"
    assert blank == {"id": 7, "p_supported": 0.0, "verdict": "not_supported", "evidence": None}
    evidence = right["evidence"]
    assert evidence.keys() == {"char_start", "char_end", "quote"}
    assert SOURCE[evidence["char_start"] : evidence["char_end"]] == evidence["quote"]
    for_people = cli("check", "--file", file)
    assert for_people.out.startswith("right  supported  ")
    assert "“The Forth Bridge opened on 4 March 1890.”" in for_people.out


GOOD = b'{"id": "good", "source": "The bridge opened in 1890.", "claim": "It opened in 1890."}'


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b'{"source": 1, "claim": "b"}', "line 2 needs text as 'source', which is 1"),
        (b'{"source": "a"}', "line 2 needs text as 'claim', which is missing"),
        (b'{"source": "a", "claim": " "}', "line 2 has a blank 'claim'"),
        (b'["a", "b"]', "line 2 is not a JSON object"),
        (b"claim?", "line 2 is not JSON"),
        (b'{"source": "\\ud800", "claim": "b"}', "line 2 has a 'source' that is not Unicode"),
        (b"[" * 100_000, "line 2 is not JSON"),
        (b'{"source": "caf\xe9", "claim": "b"}', "line 2 is not UTF-8"),
        (b'{"id": [1], "source": "a", "claim": "b"}', "line 2 needs a string or an integer as 'id', which is [1]"),
    ],
)
def test_bad_lines_are_named_and_the_rest_is_checked(cli: Cli, tmp_path: Path, line: bytes, told: str) -> None:
    file = tmp_path / "claims.jsonl"
    file.write_bytes(b"\n".join([GOOD, line, b"", GOOD.replace(b"good", b"last")]) + b"\n")
    checked = cli("check", "--file", file, "--json")
    assert checked.code == 1
    assert [record["id"] for record in checked.records] == ["good", "last"]
    assert f"not checked: {str(file)!r} {told}" in checked.err
    assert "; lines not checked: 1" in checked.err


def test_a_file_without_a_claim_is_refused(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "claims.jsonl"
    file.write_text("question,answer\n" * 100, "utf-8")
    checked = cli("check", "--file", file)
    assert (checked.code, checked.out) == (2, "")
    assert "80 more lines" in checked.err
    assert "holds no claim" in checked.err
    assert cli("check", "--file", tmp_path / "nothing.jsonl").code == 2


def test_a_long_source_is_read_to_its_end(cli: Cli, tmp_path: Path) -> None:
    sheep = "".join(f"Hill {number} has grass, and sheep that like it. " for number in range(1500))
    file = claims(tmp_path / "claims.jsonl", {"id": 1, "source": sheep + SOURCE, "claim": RIGHT})
    (checked,) = cli("check", "--file", file, "--json").records
    assert checked["verdict"] == "supported"
    assert checked["evidence"]["char_start"] == len(sheep)


def test_a_checker_that_is_not_there_is_named(cli: Cli, tmp_path: Path) -> None:
    file = claims(tmp_path / "claims.jsonl", {"source": SOURCE, "claim": RIGHT})
    checked = cli("check", "--file", file, "--checker", "nobody/nothing")
    assert checked.code == 4
    assert "no checker 'nobody/nothing'" in checked.err


def test_a_trained_checker_is_used_and_measured(cli: Cli, trained: tuple[Path, Path], tmp_path: Path) -> None:
    data, run = trained
    assert (run / "curve.csv").read_text().startswith("claims,verdict_loss")
    file = claims(tmp_path / "claims.jsonl", {"source": SOURCE, "claim": RIGHT})
    checked = cli("check", "--file", file, "--checker", run / "checker", "--json")
    assert checked.code == 0
    assert 0 <= checked.record["p_supported"] <= 1
    measured = cli("bench", "checker", "--data", data, "--checker", run / "checker", "--json")
    assert measured.code == 0
    assert measured.record["pairs_per_s"] > 0
    table = measured.record["checkers"]
    assert table.keys() == {"cross-check", "word overlap", "embedding similarity"}
    for found in table.values():
        assert found["all"]["claims"] == 4 * len(COUNTRIES)
        assert found["all"]["supported"] == 2 * len(COUNTRIES)
        assert 0 <= found["all"]["balanced_accuracy"]["low"] <= found["all"]["balanced_accuracy"]["high"] <= 1
    assert table["word overlap"]["all"]["balanced_accuracy"]["mean"] == 1.0, "towns share words with their sources"
    shown = cli("bench", "checker", "--data", data, "--checker", run / "checker")
    assert "word overlap" in shown.out
    assert "pairs/s" in shown.err


def test_claims_of_one_label_cannot_be_measured(cli: Cli, tmp_path: Path) -> None:
    file = claims(tmp_path / "claims.jsonl", {"source": SOURCE, "claim": RIGHT, "grounded": 1})
    measured = cli("bench", "checker", "--data", file)
    assert measured.code == 1
    assert "one label only" in measured.err


def test_nothing_is_measured_on_what_was_learned(cli: Cli, trained: tuple[Path, Path]) -> None:
    data, _ = trained
    measured = cli("bench", "checker", "--data", data, "--against", data)
    assert measured.code == 1
    assert "to judge, 0 of" in measured.err
