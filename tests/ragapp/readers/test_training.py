"""Training: data is checked, a killed run goes on as if it had not been killed, and what comes out can be loaded."""

from __future__ import annotations

import dataclasses
import gzip
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import XLMRobertaConfig, XLMRobertaModel

from ragapp.errors import ModelCorrupt, ModelError, ModelNotFound, TrainingError
from ragapp.indexes.encoder_sentence import SentenceEncoder
from ragapp.indexes.types import Span
from ragapp.readers.base import ReaderPassage
from ragapp.readers.copy_fid.features import Featurizer
from ragapp.readers.copy_fid.model import END, PAD, right_positions
from ragapp.readers.copy_fid.reader import CopyFidReader
from ragapp.readers.copy_fid.training.batches import BatchPlan, Mixture
from ragapp.readers.copy_fid.training.checkpoint import load_checkpoint
from ragapp.readers.copy_fid.training.data import QaExample, hold_out, load_examples
from ragapp.readers.copy_fid.training.retrieval_first import tune_for_retrieval
from ragapp.readers.copy_fid.training.start import from_encoder, from_reader
from ragapp.readers.copy_fid.training.trainer import Progress, Trainer, TrainingSettings

CITIES = {
    "Oslo": "Norway",
    "Rome": "Italy",
    "Lima": "Peru",
    "Cairo": "Egypt",
    "Quito": "Ecuador",
    "Dhaka": "Bangladesh",
}


@pytest.fixture(scope="module")
def examples() -> tuple[QaExample, ...]:
    made: list[QaExample] = []
    for city, country in CITIES.items():
        context = f"{city} is the capital of {country}. Many people live in {city} today."
        start = context.index(country)
        answer = Span(start, start + len(country))
        question = f"{city} is the capital of which country?"
        made.append(QaExample(city, question, context, "Capitals", answer, (country,), "capitals"))
    return tuple(made)


def _trainer(folder: Path, tiny_encoder: Path, examples: tuple[QaExample, ...], steps: int) -> Trainer:
    settings = TrainingSettings(
        steps=steps, warmup=5, decay=0.1, encoder_rate=1e-3, decoder_rate=3e-3, tokens=256, evaluate_every=1000,
        checkpoint_every=4, mixture=Mixture(passages=(0.5, 0.5)),
    )  # fmt: skip
    start = from_encoder(tiny_encoder, settings.seed)
    return Trainer(folder, start.model, start.tokenizer, examples, settings, data_hash=str(hash(examples)))


def _run(trainer: Trainer, until: int | None = None) -> list[Progress]:
    lines: list[Progress] = []
    for progress in trainer.run(lambda _: {}, log_every=1):
        lines.append(progress)
        if progress.step == until:
            break
    return lines


def test_a_killed_run_goes_on_as_if_it_had_not_been_killed(
    tmp_path: Path, tiny_encoder: Path, examples: tuple[QaExample, ...]
) -> None:
    whole = _run(_trainer(tmp_path / "whole", tiny_encoder, examples, 12))
    _run(_trainer(tmp_path / "cut", tiny_encoder, examples, 12), until=10)  # killed after the checkpoint of step 8
    rest = _run(_trainer(tmp_path / "cut", tiny_encoder, examples, 12))
    assert [line.step for line in rest] == [9, 10, 11, 12]
    assert [(line.span_loss, line.questions) for line in rest] == [
        (line.span_loss, line.questions) for line in whole[8:]
    ]
    final, again = (load_file(tmp_path / name / "reader" / "model.safetensors") for name in ("whole", "cut"))
    assert all(torch.equal(final[name], again[name]) for name in final)


def test_a_disk_that_fills_during_a_checkpoint_leaves_the_last_one(tmp_path: Path) -> None:
    code = """
import resource, sys
from pathlib import Path
import torch
from ragapp.errors import StorageFull
from ragapp.readers.copy_fid.training.checkpoint import Checkpoint, save_checkpoint
folder = Path(sys.argv[1])
save_checkpoint(folder, Checkpoint(1, {"seed": 3}, {"weight": torch.ones(10)}))
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
try:
    save_checkpoint(folder, Checkpoint(2, {"seed": 3}, {"weight": torch.ones(10_000)}))
except StorageFull as error:
    print(error.message, error.hint)
"""
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "step 2" in done.stdout
    assert "make room" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["step-0000001"]
    last = load_checkpoint(tmp_path)
    assert last
    assert (last.step, last.run) == (1, {"seed": 3})


def test_training_lowers_the_loss_and_exports_a_reader(
    tmp_path: Path, tiny_encoder: Path, examples: tuple[QaExample, ...]
) -> None:
    lines = _run(_trainer(tmp_path, tiny_encoder, examples, 60))
    assert sum(line.span_loss for line in lines[-5:]) < 0.7 * sum(line.span_loss for line in lines[:5])
    reader = CopyFidReader.load(tmp_path / "reader")
    reading = reader.read(examples[0].question, [ReaderPassage(examples[0].context)])
    assert reading.candidates[0].text in examples[0].context
    assert (tmp_path / "curve.csv").read_text("utf-8").count("\n") == 61


def test_a_run_is_not_continued_with_other_data(
    tmp_path: Path, tiny_encoder: Path, examples: tuple[QaExample, ...]
) -> None:
    _run(_trainer(tmp_path, tiny_encoder, examples, 4))
    others = tuple(dataclasses.replace(example, question=example.question.lower()) for example in examples)
    with pytest.raises(TrainingError, match="other settings or data"):
        _trainer(tmp_path, tiny_encoder, others, 4)


def test_what_is_right_to_copy() -> None:
    """An answer "5 6" in "5 6 7 | 5 | 5 6", where | stands for what is no text."""
    ids = torch.tensor([[5, 6, 7, 0, 5, 0, 5, 6]])
    copyable, actions = ids != 0, torch.tensor([[0, 1, END, PAD]])
    words, occurrences = (right_positions(ids, copyable, actions, kind) for kind in ("words", "occurrences"))
    assert [row.nonzero().flatten().tolist() for row in words[0]] == [[0, 4, 6], [1, 7], [], []]
    assert [row.nonzero().flatten().tolist() for row in occurrences[0]] == [[0, 6], [1, 7], [], []]


def test_an_encoder_is_tuned_to_find_its_passages(tmp_path: Path, tiny_encoder: Path) -> None:
    rng = random.Random(3)
    words = sorted(Tokenizer.from_file(str(tiny_encoder / "tokenizer.json")).get_vocab())[:200]
    made: list[QaExample] = []
    for number in range(12):
        named = rng.sample(words, 6)
        context = " ".join(named[:3] * 2)
        made.append(QaExample(str(number), " ".join(named[3:]), context, "", Span(0, 3), (context[:3],), "words"))

    def found(folder: Path) -> float:
        """How much nearer a question is to its own passage than to the others."""
        encoder = SentenceEncoder("tiny", folder)
        passages = encoder.encode_passages([example.context for example in made])
        scores = np.stack([encoder.encode_query(example.question) for example in made]) @ passages.T
        return float(np.diag(scores).mean() - scores.mean())

    encoder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    config = json.loads((encoder / "config.json").read_text("utf-8"))
    (encoder / "config.json").write_text(json.dumps({**config, "model_type": "bert"}), "utf-8")
    tuned = tune_for_retrieval(encoder, tmp_path / "tuned", made, seed=5)
    assert found(tuned) > found(encoder)
    assert tune_for_retrieval(encoder, tuned, made, seed=5) == tuned
    from_encoder(tuned, seed=5)


def test_an_encoder_folder_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"config\.json"):
        from_encoder(tmp_path, 0)


def test_a_multilingual_encoder_reads_as_transformers_reads_it(tmp_path: Path, examples: tuple[QaExample, ...]) -> None:
    words = sorted({word for example in examples for word in f"{example.question} {example.context}".split()})
    vocabulary = {word: i for i, word in enumerate(["<s>", "<pad>", "</s>", "<unk>", *words])}
    tokenizer = Tokenizer(WordLevel(vocabulary, "<unk>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    config = XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=98, type_vocab_size=1, pad_token_id=1,
    )  # fmt: skip
    theirs = XLMRobertaModel(config).eval()
    theirs.save_pretrained(tmp_path)
    start = from_encoder(tmp_path, 0)
    ids = torch.randint(4, tokenizer.get_vocab_size(), (2, 20))
    with torch.no_grad():
        ours = start.model.encoder(ids, torch.ones_like(ids, dtype=torch.bool), torch.zeros_like(ids))
        torch.testing.assert_close(ours, theirs(ids).last_hidden_state)
    settings = TrainingSettings(steps=2, tokens=256, evaluate_every=9, checkpoint_every=9)
    _run(Trainer(tmp_path / "run", start.model, start.tokenizer, examples, settings, data_hash=""))
    reading = CopyFidReader.load(tmp_path / "run" / "reader").read("Oslo is?", [ReaderPassage(examples[0].context)])
    assert reading.candidates


def test_an_encoder_without_special_tokens_is_refused(tmp_path: Path, tiny_encoder: Path) -> None:
    shutil.copytree(tiny_encoder, tmp_path, dirs_exist_ok=True)
    Tokenizer(WordLevel({"a": 0, "b": 1}, "a")).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ModelError, match="neither"):
        from_encoder(tmp_path, 0)


def test_an_encoder_of_another_architecture_is_refused(tmp_path: Path, tiny_encoder: Path) -> None:
    shutil.copytree(tiny_encoder, tmp_path, dirs_exist_ok=True)
    weights = {f"distilbert.{name}": tensor for name, tensor in load_file(tiny_encoder / "model.safetensors").items()}
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(ModelCorrupt, match="cannot be used"):
        from_encoder(tmp_path, 0)


def test_training_goes_on_from_a_reader(tmp_path: Path, tiny_encoder: Path, examples: tuple[QaExample, ...]) -> None:
    _run(_trainer(tmp_path, tiny_encoder, examples, 4))
    reader = CopyFidReader.load(tmp_path / "reader", device="cpu")
    again = from_reader(tmp_path / "reader")
    assert all(parameter.dtype == torch.float32 for parameter in again.model.parameters())
    for name, tensor in reader.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name].to(tensor.dtype), tensor)


def test_targets_point_at_the_answer(tiny_encoder: Path, examples: tuple[QaExample, ...]) -> None:
    start = from_encoder(tiny_encoder, 0)
    featurizer = Featurizer(start.tokenizer, start.model.config)
    plan = BatchPlan(
        examples, featurizer, Mixture(passages=(0.0, 0.0, 1.0), unanswerable=0.3, silenced=0.4), 4096, seed=3
    )
    answerable = 0
    for indices in plan.epoch(0):
        batch = plan.batch(0, indices)
        assert batch is not None
        width = batch.pairs.mask.shape[1]
        for row, index in enumerate(indices):
            ids = batch.pairs.input_ids[row * 3 : row * 3 + 3].reshape(-1)
            actions = [action for action in batch.targets.actions[row].tolist() if action != PAD]
            assert actions[-1] == END
            said = start.tokenizer.decode([int(ids[action]) for action in actions[:-1]])
            gold = int(batch.targets.gold_passage[row])
            if gold == 3:
                assert said == ""
            else:
                answerable += 1
                assert said == examples[index].references[0].lower()
                assert {action // width for action in actions[:-1]} == {gold}
    assert 0 < answerable < len(examples)


def test_examples_are_read_checked_and_aligned(tmp_path: Path) -> None:
    records = [
        {"question": "Which sea?", "context": "It lies on the Red Sea.", "answers": ["Red Sea"], "answer_start": 15},
        {"question": "Which sea now?", "context": "It lies on the Red Sea.", "answers": ["Red Sea"], "answer_start": 3},
        {"question": "Which sea?", "context": "It lies on the Red Sea.", "answers": ["Red Sea"]},
        {"question": "Which lake?", "context": "It lies on the Red Sea.", "answers": ["Lake Como"], "answer_start": 0},
        {"question": "Which twice?", "context": "Red, red, red.", "answers": ["red"]},
        {"question": "What?", "context": "   ", "answers": [], "is_impossible": True},
        {"question": "What else?", "context": "", "answers": ["Red Sea"]},
        {"question": "Which moon?", "context": "It lies on the Red Sea.", "answers": [], "is_impossible": True},
    ]
    path = tmp_path / "data.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)
    data = load_examples(path)
    assert [example.question for example in data.examples] == ["Which sea?", "Which sea now?", "Which moon?"]
    assert all(e.context[e.answer.start : e.answer.end] == "Red Sea" for e in data.examples if e.answer)
    assert data.dropped == {
        "the answer does not stand in the context": 2,
        "asked twice": 1,
        "empty question or context": 2,
    }


def test_questions_may_be_written_about_the_context_of_another(tmp_path: Path) -> None:
    asked = {"id": "1", "question": "Which sea?", "context": "It lies on the Red Sea.", "answers": ["Red Sea"]}
    (tmp_path / "seas.jsonl").write_text(json.dumps({**asked, "title": "Yemen"}) + "\n", "utf-8")
    written: list[dict[str, object]] = [
        {"question": "Where does it lie?", "about": "seas/1", "answers": ["on the Red Sea"]},
        {"question": "Which sea is north?", "about": "seas/1", "is_impossible": True, "plausible_answers": ["Red Sea"]},
        {"question": "Which sea is gone?", "about": "seas/2", "is_impossible": True},
    ]
    lines = "".join(json.dumps(each) + "\n" for each in written)
    (tmp_path / "written.jsonl").write_text(lines, "utf-8")
    data = load_examples(tmp_path / "written.jsonl", tmp_path / "seas.jsonl")
    where, north, which = data.examples
    assert where.context == north.context == which.context
    assert where.title == north.title == "Yemen"
    assert where.answer == Span(8, 22)
    assert where.plausible == ()
    assert north.answer is None
    assert north.plausible == ("Red Sea",)
    assert data.dropped == {"the question that it names is not there": 1}


@pytest.mark.parametrize(
    "content",
    [
        b"{not json}\n",
        b"[1, 2]\n",
        b'{"question": 3}\n',
        b"\xff\xfe broken",
        b"",
        b'{"question": "a", "context": "b", "answers": ["c"]}',
    ],
)
def test_bad_training_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    with pytest.raises(TrainingError, match=r"bad\.jsonl"):
        load_examples(path)


def test_the_written_near_misses_are_whole() -> None:
    file = Path(__file__).parents[3] / "ragapp/readers/copy_fid/training/written.jsonl"
    records = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert len({record["id"] for record in records}) == len(records)
    assert len({(record["question"], record["about"]) for record in records}) == len(records)
    for record in records:
        unanswerable = record.get("is_impossible", False)
        assert record["question"].strip()
        assert "/" in record["about"]
        assert len(record["plausible_answers"] if unanswerable else record["answers"]) == 1
    share = sum(record.get("is_impossible", False) for record in records) / len(records)
    assert 0.5 < share < 0.8  # answerable ones in the same style, so that style gives nothing away


def test_held_out_articles_are_whole(examples: tuple[QaExample, ...]) -> None:
    many = [QaExample(str(i), f"q{i}", f"c{i}", f"title {i % 40}", None, (), "set") for i in range(200)]
    split = hold_out(many, share=0.2)
    assert len(split.train) + len(split.held_out) == 200
    assert split.held_out
    assert not {e.title for e in split.train} & {e.title for e in split.held_out}
