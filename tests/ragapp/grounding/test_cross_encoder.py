"""Any sequence-classification checkpoint is a checker, if its labels tell what is supported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

from ragapp.errors import ModelCorrupt, ModelError, ModelNotFound
from ragapp.grounding.base import ClaimPair
from ragapp.grounding.cross_encoder import CrossEncoderChecker, Labels, read_labels
from ragapp.grounding.load import load_checker

SOURCE = "The Forth Bridge opened on 4 March 1890. It crosses the Firth of Forth. " * 12
NLI = {0: "contradiction", 1: "entailment", 2: "neutral"}


def checkpoint(folder: Path, tiny_encoder: Path, id2label: dict[int, str]) -> Path:
    """Save a tiny classifier with random weights, as anyone would."""
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=30522, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=96, id2label=id2label, label2id={label: i for i, label in id2label.items()},
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(tiny_encoder / "tokenizer.json"), model_max_length=96, pad_token="[PAD]"
    )
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("id2label", [NLI, {0: "LABEL_0"}, {0: "LABEL_0", 1: "LABEL_1"}])
def test_a_checkpoint_folder_is_a_checker(tmp_path: Path, tiny_encoder: Path, id2label: dict[int, str]) -> None:
    folder = checkpoint(tmp_path / "model", tiny_encoder, id2label)
    checker = load_checker(str(folder), device="cpu", threads=1)
    assert isinstance(checker, CrossEncoderChecker)
    assert len(checker.model_hash) == 64
    pairs = [ClaimPair(SOURCE, "The bridge opened in 1890."), ClaimPair("", "A claim."), ClaimPair(SOURCE, " ")]
    judged = checker.check(pairs)
    assert judged[1:] == checker.check(pairs[1:])
    assert judged[1].evidence is None
    assert judged[2].p_supported == 0
    first = judged[0]
    assert 0 <= first.p_supported <= 1
    assert first.evidence is not None
    assert SOURCE[first.evidence.start : first.evidence.end] == "The Forth Bridge opened on 4 March 1890."
    assert (first.verdict == "supported") == (first.p_supported >= 0.5)
    assert checker.check([]) == ()


def test_a_long_source_is_windowed(tmp_path: Path, tiny_encoder: Path) -> None:
    checker = load_checker(str(checkpoint(tmp_path / "model", tiny_encoder, NLI)), device="cpu", threads=1)
    whole = checker.check([ClaimPair(SOURCE, "It opened.")])[0].p_supported
    sentence = "The Forth Bridge opened on 4 March 1890. It crosses the Firth of Forth."
    assert whole >= checker.check([ClaimPair(sentence * 2, "It opened.")])[0].p_supported - 0.05


@pytest.mark.parametrize(
    ("id2label", "labels"),
    [
        (NLI, Labels(1, 0, 3)),
        ({0: "entailment", 1: "not_entailment"}, Labels(0, None, 2)),
        ({0: "hallucinated", 1: "consistent"}, Labels(1, None, 2)),
        ({0: "SUPPORTS", 1: "REFUTES", 2: "NOT ENOUGH INFO"}, Labels(0, 1, 3)),
        ({0: "unsupported", 1: "supported"}, Labels(1, None, 2)),
        ({0: "LABEL_0", 1: "LABEL_1"}, Labels(1, None, 2)),
        ({0: "score"}, Labels(0, None, 1)),
    ],
)
def test_labels_are_read_by_their_words(id2label: dict[int, str], labels: Labels) -> None:
    assert read_labels("some/model", id2label) == labels


@pytest.mark.parametrize(
    ("id2label", "told"),
    [
        ({i: f"LABEL_{i}" for i in range(5)}, "has 5 labels"),
        ({i: f"LABEL_{i}" for i in range(3)}, "none says that a claim is supported"),
        ({0: "positive", 1: "negative"}, "none says that a claim is supported"),
    ],
)
def test_labels_that_do_not_tell_are_refused(
    tmp_path: Path, tiny_encoder: Path, id2label: dict[int, str], told: str
) -> None:
    folder = checkpoint(tmp_path / "model", tiny_encoder, id2label)
    with pytest.raises(ModelError, match=told):
        load_checker(str(folder), device="cpu")


def test_a_model_that_is_no_classifier_is_refused(tmp_path: Path, tiny_encoder: Path) -> None:
    folder = checkpoint(tmp_path / "model", tiny_encoder, NLI)
    BertModel(BertConfig.from_pretrained(str(folder))).save_pretrained(folder)
    with pytest.raises(ModelError, match="is no classifier but BertModel"):
        load_checker(str(folder), device="cpu")


def test_a_single_output_is_a_probability_whatever_the_model_says(tmp_path: Path, tiny_encoder: Path) -> None:
    folder = checkpoint(tmp_path / "model", tiny_encoder, {0: "LABEL_0"})
    config = json.loads((folder / "config.json").read_text("utf-8"))
    ranking = {"activation_fn": "torch.nn.modules.linear.Identity"}  # as models that rank passages have it
    (folder / "config.json").write_text(json.dumps(config | {"sentence_transformers": ranking}), "utf-8")
    weights = load_file(folder / "model.safetensors")
    weights["classifier.bias"] = torch.tensor([-7.0])
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    (judged,) = load_checker(str(folder), device="cpu", threads=1).check([ClaimPair(SOURCE, "It opened.")])
    assert 0 < judged.p_supported < 0.01


def test_a_folder_that_is_no_model(tmp_path: Path, tiny_encoder: Path) -> None:
    with pytest.raises(ModelNotFound, match="no safetensors"):
        load_checker(str(tmp_path))
    folder = checkpoint(tmp_path / "model", tiny_encoder, NLI)
    (folder / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(ModelCorrupt, match="cannot be loaded"):
        load_checker(str(folder), device="cpu")
