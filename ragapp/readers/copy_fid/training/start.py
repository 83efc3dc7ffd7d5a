"""Where training starts from: a pretrained encoder's folder, or a reader that was trained before."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError
from tokenizers import Tokenizer

from ragapp.errors import ModelCorrupt, ModelNotFound
from ragapp.indexes.encoder_bert import BertConfig
from ragapp.readers.copy_fid.model import CopyFid, CopyFidConfig
from ragapp.readers.copy_fid.reader import TOKENIZER_FILE, WEIGHTS_FILE, load_network
from ragapp.readers.copy_fid.training.trainer import initial_model


class Start(NamedTuple):
    """A network to train and its tokenizer."""

    model: CopyFid
    tokenizer: Tokenizer


def from_encoder(folder: Path, seed: int) -> Start:
    """Build a reader around a pretrained BERT-like encoder.

    Args:
        folder: Folder with ``config.json``, ``model.safetensors`` and ``tokenizer.json``.
        seed: Seed of what is initialised at random.

    Returns:
        An untrained reader on a pretrained encoder, in float32.

    Raises:
        ModelNotFound: If a file is missing.
        ModelCorrupt: If a file cannot be read.
    """
    for name in ("config.json", WEIGHTS_FILE, TOKENIZER_FILE):
        if not (folder / name).is_file():
            raise ModelNotFound(f"The encoder folder {str(folder)!r} has no {name}.", "give a folder that has one")
    try:
        encoder = json.loads((folder / "config.json").read_text("utf-8"))
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        config = _fitted(CopyFidConfig(asdict(BertConfig.from_json(encoder))))
        return Start(initial_model(config, tokenizer, folder / WEIGHTS_FILE, seed), tokenizer)
    except (ValueError, KeyError, SafetensorError, RuntimeError) as error:
        raise ModelCorrupt(
            f"The encoder in {str(folder)!r} cannot be used: {error}", "choose a BERT-like one"
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


def _fitted(config: CopyFidConfig) -> CopyFidConfig:
    """Shrink what the encoder's size does not allow: heads must divide its width, inputs fit its positions."""
    width, positions = (int(str(config.encoder[key])) for key in ("hidden_size", "max_position_embeddings"))
    heads = next(heads for heads in range(min(config.decoder_heads, width), 0, -1) if width % heads == 0)
    return CopyFidConfig(
        config.encoder,
        decoder_heads=heads,
        max_question_tokens=min(config.max_question_tokens, positions // 4),
        max_input_tokens=min(config.max_input_tokens, positions),
    )
