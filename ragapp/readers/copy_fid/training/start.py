"""Where training starts from: a pretrained encoder's folder, or a reader that was trained before."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Tokenizer

from ragapp.errors import ModelCorrupt, ModelNotFound
from ragapp.indexes.encoder_bert import BertConfig
from ragapp.readers.copy_fid.model import CopyFid, CopyFidConfig
from ragapp.readers.copy_fid.reader import TOKENIZER_FILE, WEIGHTS_FILE, load_network, new_model

_ROBERTA = "roberta"
_POSITIONS = "embeddings.position_embeddings.weight"


class Start(NamedTuple):
    """A network to train and its tokenizer."""

    model: CopyFid
    tokenizer: Tokenizer


def from_encoder(folder: Path, seed: int, decoder_layers: int = 3) -> Start:
    """Build a reader around a pretrained encoder: BERT's architecture, or RoBERTa's and XLM-RoBERTa's.

    Args:
        folder: Folder with ``config.json``, ``model.safetensors`` and ``tokenizer.json``.
        seed: Seed of what is initialised at random.
        decoder_layers: Number of decoder blocks.

    Returns:
        An untrained reader on a pretrained encoder, in float32.

    Raises:
        ModelNotFound: If a file is missing.
        ModelCorrupt: If a file cannot be read, or the encoder is of another architecture.
        ModelError: If its tokenizer lacks a special token.
    """
    for name in ("config.json", WEIGHTS_FILE, TOKENIZER_FILE):
        if not (folder / name).is_file():
            raise ModelNotFound(f"The encoder folder {str(folder)!r} has no {name}.", "give a folder that has one")
    try:
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        encoder = json.loads((folder / "config.json").read_text("utf-8"))
        weights = {_plain_name(name): tensor for name, tensor in load_file(folder / WEIGHTS_FILE).items()}
        if _ROBERTA in encoder.get("model_type", ""):
            # Its positions count from the padding token's id on; the rows before the first are never used.
            unused = int(encoder["pad_token_id"]) + 1
            weights[_POSITIONS] = weights[_POSITIONS][unused:]
            encoder["max_position_embeddings"] -= unused
        torch.manual_seed(seed)
        config = CopyFidConfig(asdict(BertConfig.from_json(encoder)), decoder_layers=decoder_layers)
        model = new_model(_fitted(config), tokenizer)
        missing = model.encoder.load_state_dict(weights, strict=False).missing_keys
        if missing or encoder.get("hidden_act", "gelu") != "gelu":
            raise ValueError(f"it lacks {missing[:3]}" if missing else f"it uses {encoder['hidden_act']!r}")
        return Start(model, tokenizer)
    except (ValueError, KeyError, SafetensorError, RuntimeError) as error:
        raise ModelCorrupt(
            f"The encoder in {str(folder)!r} cannot be used: {error}", "choose a BERT or RoBERTa one"
        ) from error


def from_reader(folder: Path) -> Start:
    """Go on from a reader that was trained before.

    Args:
        folder: Folder with ``config.json``, ``model.safetensors`` and ``tokenizer.json``.

    Returns:
        Its network, in float32.

    Raises:
        ModelNotFound: If a file is missing.
        ModelCorrupt: If a file is not what it should be.
    """
    return Start(*load_network(folder))


def _plain_name(name: str) -> str:
    """Give a weight's name without the prefix that a model with a head puts before its encoder's."""
    for prefix in ("bert.", "roberta."):
        name = name.removeprefix(prefix)
    return name


def _fitted(config: CopyFidConfig) -> CopyFidConfig:
    """Shrink what the encoder's size does not allow: heads must divide its width, inputs fit its positions."""
    width, positions = (int(str(config.encoder[key])) for key in ("hidden_size", "max_position_embeddings"))
    heads = next(heads for heads in range(min(config.decoder_heads, width), 0, -1) if width % heads == 0)
    return CopyFidConfig(
        config.encoder,
        decoder_layers=config.decoder_layers,
        decoder_heads=heads,
        max_question_tokens=min(config.max_question_tokens, positions // 4),
        max_input_tokens=min(config.max_input_tokens, positions),
    )
