"""What encoders on torch share: device, precision, threads, tokens."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from tokenizers import Tokenizer

from ragapp.errors import ConfigError
from ragapp.indexes.types import Span

_PIECE_CHARS = 1 << 14
_starting = threading.Lock()


def pick_device(name: str) -> torch.device:
    """Choose a torch device.

    Args:
        name: ``auto`` for CUDA where there is any, else the CPU; or a torch device.

    Returns:
        The device.

    Raises:
        ConfigError: If torch has no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ConfigError(f"Torch has no device {name!r} here.", "export RAGAPP_DEVICE=auto") from error
    return device


def pick_dtype(device: torch.device) -> torch.dtype:
    """Choose the fastest precision that keeps the ranking as it is (figures in docs/adr/0002-encoder-runtime.md).

    Args:
        device: Where the encoder runs.

    Returns:
        bfloat16 on CUDA and on processors that multiply in it (AMX tiles or AVX-512 BF16), else float32.
    """
    # Processors that only store bfloat16 convert at every product, and are slower than in float32. Torch tells these
    # instructions by private names.
    native = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()  # pyright: ignore[reportPrivateUsage]
    fast = device.type == "cuda" or (device.type == "cpu" and native)
    return torch.bfloat16 if fast else torch.float32


def torch_pool(workers: int, threads: int) -> ThreadPoolExecutor:
    """Start worker threads whose torch operations run on a fixed number of processor threads each.

    The number belongs to a thread in torch's OpenMP build, so that no other thread's is touched.

    Args:
        workers: Worker threads.
        threads: Processor threads of each of them.

    Returns:
        The pool, all of its workers started.
    """
    with _starting:
        before = torch.get_num_threads()
        pool = ThreadPoolExecutor(workers, "encoder", initializer=torch.set_num_threads, initargs=(threads,))
        all_started = threading.Barrier(workers)
        for start in [pool.submit(all_started.wait) for _ in range(workers)]:
            start.result()
        torch.set_num_threads(before)  # threads that start later take over the number that was set last
    return pool


def token_batches(lengths: Sequence[int], budget: int) -> Generator[list[int]]:
    """Group texts of like length, so that little of a batch is padding.

    Args:
        lengths: Tokens of each text.
        budget: Most tokens of a batch, padding included; one text alone may exceed it.

    Yields:
        Positions in ``lengths``, the longest texts first; every position once.
    """
    order = sorted(range(len(lengths)), key=lambda position: -lengths[position])
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, lengths[order[start]]))
        yield order[start : start + size]
        start += size


def token_offsets(tokenizer: Tokenizer, text: str) -> list[Span]:
    """Cut a text into tokens piece by piece, so that memory beside the result stays small.

    Args:
        tokenizer: A tokenizer that does not truncate.
        text: A text of any length.

    Returns:
        The characters of every token in order, special tokens left out.
    """
    text = encodable(text)
    spans: list[Span] = []
    for start, end in _pieces(text):
        offsets = tokenizer.encode(text[start:end], add_special_tokens=False).offsets
        spans += [Span(start + first, start + last) for first, last in offsets]
    return spans


def _pieces(text: str) -> Generator[tuple[int, int]]:
    """Cut a text where no tokenizer joins words: at line ends or spaces, elsewhere only if there is none."""
    start = 0
    while len(text) - start > _PIECE_CHARS:
        limit = start + _PIECE_CHARS
        space = max(text.rfind("\n", start + 1, limit), text.rfind(" ", start + 1, limit))
        end = space if space > 0 else limit
        yield start, end
        start = end
    if start < len(text):
        yield start, len(text)


def encodable(text: str) -> str:
    """Replace lone surrogates, which tokenizers refuse, by ``?``, character for character.

    Args:
        text: Any string, for instance a command line argument that was not UTF-8.

    Returns:
        A string of the same length that is valid Unicode.
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def weights_sha256(paths: Sequence[Path]) -> str:
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
