"""``ragapp train reader`` and the benchmarks, on data of a few lines."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ragapp.cli.main import main
from ragapp.errors import ExitCode
from ragapp.readers.registry import SHIPPED

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

    measured: dict[str, dict[str, float]] = {}
    for runtime in ("torch", "onnx", "onnx-int8"):
        command = ["bench", "precision", "--data", str(data), "-n", "6", "--reader", str(out / "reader"), "--json"]
        assert main([*command, "--runtime", runtime]) == ExitCode.OK
        record = json.loads(capsys.readouterr().out)
        measured[record["precision"]] = record["same_answer"]
    assert [*measured][1:] == ["onnx float32", "onnx int8"]
    assert measured["onnx float32"]["mean"] == 1, "the same network, however it is run"


def test_a_mixture_is_prepared_and_learned_from(
    data: Path, tiny_encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mixture, run = tmp_path / "mixture", tmp_path / "run"
    evaluation = tmp_path / "dev.jsonl"
    evaluation.write_text(data.read_text("utf-8").splitlines()[0] + "\n", "utf-8")
    command = ["train", "prepare", "--data", str(data), "--out", str(mixture), "--json"]
    assert main([*command, "--against", str(evaluation), "--near-miss", "questions=1"]) == ExitCode.OK
    report = json.loads(capsys.readouterr().out)
    assert report["dropped"] == {"the context is in an evaluation file": 1}
    assert report["questions"]["questions"] == len(COUNTRIES) - 1
    assert report["with_negatives"] > 0
    command = ["train", "reader", "--data", str(mixture), "--out", str(run), "--encoder", str(tiny_encoder), "--json"]
    options = ["--steps", "2", "--tokens", "512", "--passages", "0.5,0.5", "--evaluate-every", "2"]
    assert main([*command, *options]) == ExitCode.OK
    again = ["train", "reader", "--data", str(mixture), "--out", str(tmp_path / "more"), "--from", str(run / "reader")]
    assert main([*again, *options]) == ExitCode.OK
    assert (tmp_path / "more" / "reader" / "model.safetensors").is_file()


@pytest.fixture
def mixture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """So many articles that some are kept back."""
    path, folder = tmp_path / "towns.jsonl", tmp_path / "towns"
    with path.open("w", encoding="utf-8") as file:
        for number in range(150):
            context = f"The old town {number} on the coast has a lighthouse that was built in {1500 + number}."
            record = {"question": f"When was town {number} given its lighthouse?", "answers": [f"{1500 + number}"]}
            file.write(json.dumps({**record, "context": context, "title": f"Town {number}"}) + "\n")
    assert main(["train", "prepare", "--data", str(path), "--out", str(folder), "--json"]) == ExitCode.OK
    capsys.readouterr()
    return folder


def test_recipes_are_compared_question_by_question(
    mixture: Path, tiny_encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "ablations"
    command = ["train", "ablations", "--data", str(mixture), "--out", str(out), "--encoder", str(tiny_encoder)]
    names = ["plain", "words", "occurrences", "two-layers", "learned-words", "curriculum", "paragraphs"]
    chosen = [part for name in names for part in ("--variant", name)]
    assert main([*command, *chosen, "--steps", "4", "-n", "3", "--json"]) == ExitCode.OK
    rows = json.loads(capsys.readouterr().out)
    assert [row["variant"] for row in rows] == names
    assert all(row["f1"]["n"] >= 2 and row["questions"] > 0 for row in rows)
    assert {row["f1_change"]["mean"] for row in rows[:1]} == {0.0}
    assert json.loads((out / "two-layers" / "reader" / "config.json").read_text("utf-8"))["decoder_layers"] == 2

    trained = (out / "plain" / "reader" / "model.safetensors").stat().st_mtime_ns
    assert main([*command, "--variant", "plain", "--variant", "words", "--steps", "4", "-n", "3"]) == ExitCode.OK
    assert (out / "plain" / "reader" / "model.safetensors").stat().st_mtime_ns == trained  # it was not done again
    assert "any token that reads the same" in capsys.readouterr().out

    assert main([*command, "--variant", "no-such"]) == ExitCode.USAGE
    assert "'no-such'" in capsys.readouterr().err


def test_a_mixture_of_too_few_articles_compares_nothing(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "prepare", "--data", str(data), "--out", str(tmp_path / "few")]) == ExitCode.OK
    command = ["train", "ablations", "--data", str(tmp_path / "few"), "--out", str(tmp_path / "out")]
    assert main(command) == ExitCode.FAILED
    assert "kept back" in capsys.readouterr().err


def test_a_reader_learns_a_persons_own_questions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, documents, mine = tmp_path / "home", tmp_path / "documents", tmp_path / "mine.csv"
    documents.mkdir()
    rows = ["question,answer"]
    for country in COUNTRIES:
        (documents / f"{country}.txt").write_text(
            f"The harbour of {country} was dug by its queen's engineers.", "utf-8"
        )
        rows.append(f"Where did engineers dig a harbour: in {country}?,{country.upper()}")
    mine.write_text("\n".join([*rows, "Which moon has rivers?,Titan", "Who sank it?,"]), "utf-8")
    command = ["train", "reader", "--from", "shipped", "--data", str(mine), "--home", str(home)]
    assert main(command) == ExitCode.FAILED
    assert "ragapp ingest" in capsys.readouterr().err

    assert main(["ingest", str(documents), "--home", str(home)]) == ExitCode.OK
    capsys.readouterr()
    assert main([*command, "--json"]) == ExitCode.OK
    told = capsys.readouterr()
    measured = json.loads(told.out)
    assert measured["reader"] == "mine"
    assert measured["f1_after"]["n"] == measured["gain"]["n"] == 3
    assert measured["gain"]["mean"] == pytest.approx(measured["f1_after"]["mean"] - measured["f1_before"]["mean"])
    assert "1 question left out: no passage" in told.err

    assert main(["train", "readers", "--home", str(home), "--json"]) == ExitCode.OK
    (card,) = json.loads(capsys.readouterr().out)
    assert (card["name"], card["trained_from"], card["questions"]) == ("mine", "shipped", 10)

    lora = [*command, "--lora", "4", "--name", "thin"]
    assert main([*lora, "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["f1_after"]["n"] == 3
    whole, thin = (load_file(home / "readers" / name / "reader" / "model.safetensors") for name in ("mine", "thin"))
    before = load_file(SHIPPED / "model.safetensors")
    assert thin.keys() == before.keys()  # the adapters are in the weights
    query = "layers.0.cross_attention.query.weight"
    assert torch.linalg.matrix_rank(thin[query].float() - before[query].float(), rtol=0.05) <= 4
    assert torch.linalg.matrix_rank(whole[query].float() - before[query].float(), rtol=0.05) > 4
    assert main([*command, "--lora", "4", "--name", "mine"]) == ExitCode.FAILED
    assert "other settings" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "peft", None)
    assert main(lora) == ExitCode.FAILED
    assert "ragapp[lora]" in capsys.readouterr().err

    monkeypatch.setenv("RAGAPP_READER", "mine")
    assert main(["ask", "Whose harbour was dug in Peru?", "--home", str(home), "--json"]) == ExitCode.OK
    answer = json.loads(capsys.readouterr().out)
    assert answer["models"]["reader"].startswith("copy-fid@")
    monkeypatch.setenv("RAGAPP_READER", "other")
    assert main(["ask", "Whose?", "--home", str(home)]) == ExitCode.MODEL
    assert "['shipped', 'mine', 'thin']" in capsys.readouterr().err


def test_too_few_questions_are_refused(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = tmp_path / "few.jsonl"
    few.write_text("".join(data.read_text("utf-8").splitlines(keepends=True)[:3]), "utf-8")
    command = ["train", "reader", "--from", "shipped", "--data", str(few), "--home", str(tmp_path / "home")]
    assert main(command) == ExitCode.FAILED
    assert "3 usable questions" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--weight", "x"], ["--weight", "x=2"], ["--near-miss", "=0.5"]])
def test_a_share_that_is_none_is_refused(
    option: list[str], data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "prepare", "--data", str(data), "--out", str(tmp_path / "mixture")]
    assert main([*command, *option]) == ExitCode.USAGE
    assert "DATASET=SHARE" in capsys.readouterr().err


def test_retrieval_is_measured_stage_by_stage(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "retrieval", "--data", str(data), "--json"]) == ExitCode.OK
    measured = json.loads(capsys.readouterr().out)
    for stage in ("dense", "lexical", "fused", "reranked"):
        assert measured[f"{stage} recall@20"]["mean"] == pytest.approx(1.0)


def test_search_strategies_are_compared(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "search", "--data", str(data), "-n", "6", "--json"]) == ExitCode.OK
    measured = json.loads(capsys.readouterr().out)
    assert measured["exact certain"]["mean"] == pytest.approx(1.0)
    assert measured["greedy certain"]["mean"] <= measured["beam certain"]["mean"] <= 1
    assert {name.partition(" ")[0] for name in measured} == {"exact", "beam", "greedy", "machine"}


def test_confidence_is_fitted_to_a_reader(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reader, source = tmp_path / "reader", tmp_path / "many.jsonl"
    shutil.copytree(SHIPPED, reader)
    (reader / "confidence.json").unlink()
    with source.open("w", encoding="utf-8") as file:
        for i in range(5000):
            context = f"Harbour {i} was dug in {1500 + i}." if i % 2 else f"Harbour {i} has no known age."
            answers = [str(1500 + i)] if i % 2 else []
            record = {"question": f"When was harbour {i} dug?", "context": context, "answers": answers}
            file.write(json.dumps({**record, "is_impossible": not answers}) + "\n")
    mixture = tmp_path / "mixture"
    assert main(["train", "prepare", "--data", str(source), "--out", str(mixture), "--no-negatives"]) == ExitCode.OK
    capsys.readouterr()
    command = ["train", "confidence", "--data", str(mixture), "--reader", str(reader), "-n", "50", "--json"]
    assert main(command) == ExitCode.OK
    fitted = json.loads(capsys.readouterr().out)
    assert min(fitted["weights"].values()) >= 0
    assert fitted["auroc_right"] > 0.5
    written = json.loads((reader / "confidence.json").read_text("utf-8"))
    assert written == {"bias": fitted["bias"], "weights": fitted["weights"]}


def test_curves_are_drawn(data: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    command = ["train", "reader", "--data", str(data), "--encoder", str(tiny_encoder), "--tokens", "512"]
    for run in ("a", "b"):
        out = ["--out", str(tmp_path / run), "--steps", "2", "--evaluate-every", "1"]
        assert main([*command, *out]) == ExitCode.OK
    picture = tmp_path / "curve.svg"
    assert main(["train", "curve", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(picture)]) == ExitCode.OK
    assert picture.read_text("utf-8").startswith("<?xml")
    first = picture.read_bytes()
    assert main(["train", "curve", str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(picture)]) == ExitCode.OK
    assert picture.read_bytes() == first
    assert main(["train", "curve", str(tmp_path / "c"), "--out", str(picture)]) == ExitCode.FAILED


def test_the_whole_way_is_measured(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    curve = tmp_path / "curve.svg"
    assert main(["bench", "open", "--data", str(data), "-n", "4", "--curve", str(curve), "--json"]) == ExitCode.OK
    assert curve.is_file()
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
