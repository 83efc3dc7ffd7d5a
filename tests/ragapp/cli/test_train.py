"""``ragapp train reader`` and the benchmarks, on data of a few lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragapp.cli.main import main
from ragapp.errors import ExitCode

COUNTRIES = ("Norway", "Italy", "Peru", "Egypt", "Ecuador", "Ghana", "Cuba", "Nepal", "Chad", "Laos", "Fiji", "Oman")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "questions.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for country in COUNTRIES:
            context = f"The old harbour town in {country} has a lighthouse that was built in stone."
            record = {"question": f"Which country is {country[:3]} town in?", "context": context, "answers": [country]}
            file.write(json.dumps({**record, "title": country}) + "\n")
    return path


def test_training_prints_its_curve_and_leaves_a_reader_that_can_be_measured(
    data: Path, tiny_encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    command = ["train", "reader", "--data", str(data), "--out", str(out), "--encoder", str(tiny_encoder), "--json"]
    assert main([*command, "--steps", "3", "--tokens", "512", "--evaluate-every", "3"]) == ExitCode.OK
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["step"] for line in lines] == [3]
    assert lines[-1]["span_loss"] > 0
    assert (out / "reader" / "model.safetensors").is_file()

    assert main(["bench", "reading", "--data", str(data), "-n", "5", "--reader", str(out / "reader"), "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["f1"]["n"] == 5
    assert 0 <= scores["exact_match"]["mean"] <= scores["f1"]["mean"] <= 1


def test_retrieval_is_measured_stage_by_stage(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "retrieval", "--data", str(data), "--json"]) == ExitCode.OK
    measured = json.loads(capsys.readouterr().out)
    for stage in ("dense", "lexical", "fused"):
        assert measured[f"{stage} recall@20"]["mean"] == pytest.approx(1.0)


def test_the_whole_way_is_measured(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "open", "--data", str(data), "-n", "4", "--json"]) == ExitCode.OK
    measured = json.loads(capsys.readouterr().out)
    assert measured["quotes_equal_source"]["mean"] == pytest.approx(1.0)
    assert measured["f1"]["n"] == 4


@pytest.mark.parametrize("command", [["train", "reader", "--out", "run"], ["bench", "reading"], ["bench", "retrieval"]])
def test_missing_data_is_named(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "missing.jsonl"
    assert main([*command, "--data", str(missing)]) == ExitCode.FAILED
    told = capsys.readouterr().err
    assert str(missing) in told
    assert "try:" in told
