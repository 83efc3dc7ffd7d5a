"""A tiny encoder to train readers on."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from ragapp.indexes.encoder_bert import Bert, BertConfig
from ragapp.readers.copy_fid.reader import TOKENIZER_FILE
from ragapp.readers.registry import SHIPPED


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers and width 32 with the shipped vocabulary."""
    folder = tmp_path_factory.mktemp("encoder")
    tokenizer = Tokenizer.from_file(str(SHIPPED / TOKENIZER_FILE))
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=128,
        type_vocab_size=2,
        layer_norm_eps=1e-12,
    )
    torch.manual_seed(0)
    save_file(Bert(config).state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(asdict(config)), "utf-8")
    tokenizer.save(str(folder / TOKENIZER_FILE))
    return folder
