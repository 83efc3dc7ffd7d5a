"""Any other sentence-transformers model as an encoder (Reimers & Gurevych 2019, arXiv:1908.10084)."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from transformers.utils import logging

from ragapp.errors import ModelCorrupt, ModelNotFound
from ragapp.indexes.encoder import WEIGHTS_FILE
from ragapp.indexes.encoder_torch import encodable, pick_device, pick_dtype, token_offsets, torch_pool, weights_sha256
from ragapp.indexes.types import EncoderPin, Span

_BATCH = 16


@contextmanager
def no_progress_bar() -> Generator[None]:
    """Keep the bar that transformers draws while loading off a terminal that is not ours to draw on."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


class SentenceEncoder:
    """A model that sentence-transformers loads; see `ragapp.indexes.encoder.Encoder`.

    Args:
        name: What the model is pinned as: its hub id, or its folder's full path.
        folder: Its files; weights only as safetensors.
        device: ``auto`` or a torch device.
        threads: Processor threads for passages; ``None`` for one a core.

    Raises:
        ConfigError: If torch has no such device here.
        ModelNotFound: If the folder holds weights that are not safetensors, or none.
        ModelCorrupt: If sentence-transformers cannot load it.
    """

    def __init__(self, name: str, folder: Path, *, device: str = "auto", threads: int | None = None) -> None:
        weights = sorted(folder.rglob("*.safetensors"), key=lambda path: path.relative_to(folder).as_posix())
        pickled = [path for path in folder.rglob("pytorch_model.bin") if not (path.parent / WEIGHTS_FILE).is_file()]
        if pickled or not weights:
            raise ModelNotFound(
                f"The encoder {name!r} has weights that are not safetensors; no others are read.",
                "name a sentence-transformers model that has them",
            )
        where = pick_device(device)
        try:
            with no_progress_bar():
                self._model = SentenceTransformer(
                    str(folder),
                    device=str(where),
                    local_files_only=True,
                    trust_remote_code=False,
                    model_kwargs={"dtype": pick_dtype(where), "use_safetensors": True},
                )
            backend = self._model.tokenizer.backend_tokenizer
        except (OSError, ValueError, RuntimeError, KeyError, AttributeError, ImportError) as error:
            raise ModelCorrupt(
                f"The encoder {name!r} cannot be loaded: {error}", "name another sentence-transformers model"
            ) from error
        # The model's own tokenizer is set to truncate by every call.
        self._tokenizer = Tokenizer.from_str(backend.to_str())
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._lock = threading.Lock()
        self._passage_worker = torch_pool(workers=1, threads=threads or os.cpu_count() or 1)
        self._question_worker = torch_pool(workers=1, threads=1)
        dimension = self._encode([name], "document").shape[1]
        self.pin = EncoderPin(name, weights_sha256(weights), dimension)

    @property
    def max_tokens(self) -> int:
        """Longest input in tokens; see `ragapp.indexes.encoder.Encoder.max_tokens`."""
        return self._model.max_seq_length or 512

    def encode_passages(self, texts: Sequence[str]) -> np.ndarray:
        """Encode passages; see `ragapp.indexes.encoder.Encoder.encode_passages`."""
        if not texts:
            return np.empty((0, self.pin.dimension), np.float32)
        return self._passage_worker.submit(self._encode, texts, "document").result()

    def encode_query(self, text: str) -> np.ndarray:
        """Encode a question; see `ragapp.indexes.encoder.Encoder.encode_query`."""
        return self._question_worker.submit(self._encode, [text], "query").result()[0]

    def token_offsets(self, text: str) -> list[Span]:
        """Cut a text into tokens; see `ragapp.indexes.encoder.Encoder.token_offsets`."""
        return token_offsets(self._tokenizer, text)

    def _encode(self, texts: Sequence[str], kind: Literal["document", "query"]) -> np.ndarray:
        """Encode texts with the prompt that the model has for their kind, if any: float32 (N, D), unit rows."""
        encode = self._model.encode_query if kind == "query" else self._model.encode_document
        with self._lock:  # its tokenizer cannot be used by two threads
            vectors = encode([encodable(text) for text in texts], batch_size=_BATCH, show_progress_bar=False)
        vectors = np.asarray(vectors, np.float32)  # (N, D)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
