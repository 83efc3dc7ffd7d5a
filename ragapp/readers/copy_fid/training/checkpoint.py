"""Checkpoints that a killed run goes on from, and the export of finished weights.

A checkpoint is a folder that is written under a temporary name and renamed: the last good one stays until the next is
whole, also when the disk fills.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from ragapp.errors import StorageFull, TrainingError
from ragapp.readers.copy_fid.reader import CONFIG_FILE, TOKENIZER_FILE, WEIGHTS_FILE

_STATE, _TENSORS = "state.json", "tensors.safetensors"


class Checkpoint(NamedTuple):
    """Where a run stands: the number of finished steps, what identifies the run, and every tensor it needs."""

    step: int
    run: dict[str, object]
    tensors: dict[str, Tensor]


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint in place of the last one.

    Args:
        folder: Where checkpoints live; only the newest is kept.
        checkpoint: What to write.

    Raises:
        StorageFull: If it cannot be written; the last one stays.
    """
    part, final = folder / "part", folder / f"step-{checkpoint.step:07d}"
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        save_file(checkpoint.tensors, part / _TENSORS)
        (part / _STATE).write_text(json.dumps({"step": checkpoint.step, "run": checkpoint.run}), "utf-8")
        shutil.rmtree(final, ignore_errors=True)
        part.rename(final)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise StorageFull(
            f"The checkpoint of step {checkpoint.step} could not be written to {str(folder)!r}: {error}",
            "make room and start the same command again: it goes on from the last checkpoint",
        ) from error
    for old in sorted(folder.glob("step-*"))[:-1]:
        shutil.rmtree(old)


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """Read the newest checkpoint.

    Args:
        folder: Where checkpoints live.

    Returns:
        The checkpoint, or nothing if there is none yet.

    Raises:
        TrainingError: If it is damaged.
    """
    found = sorted(folder.glob("step-*"))
    if not found:
        return None
    try:
        state = json.loads((found[-1] / _STATE).read_text("utf-8"))
        return Checkpoint(state["step"], state["run"], load_file(found[-1] / _TENSORS))
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise TrainingError(
            f"The checkpoint {str(found[-1])!r} is damaged: {error}", "delete it and start again"
        ) from error


def export(model: nn.Module, config: Mapping[str, object], tokenizer: Tokenizer, folder: Path) -> None:
    """Write a trained network in half precision, as `CopyFidReader.load` and `CrossChecker.load` load it.

    Args:
        model: The trained network.
        config: Its configuration.
        tokenizer: Its tokenizer.
        folder: Where to write; made if missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: tensor.detach().to("cpu", torch.float16).contiguous() for name, tensor in model.state_dict().items()
    }
    save_file(tensors, folder / WEIGHTS_FILE)
    (folder / WEIGHTS_FILE).chmod(0o644)  # safetensors makes it private; an installed package is for everyone
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    tokenizer.save(str(folder / TOKENIZER_FILE))
