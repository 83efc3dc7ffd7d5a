"""Checkers by name: the one that ships with the package, one trained here, or any cross-encoder."""

from __future__ import annotations

import json
from pathlib import Path

from ragapp.errors import ModelNotFound
from ragapp.grounding.base import Checker

SHIPPED_NAME = "shipped"
OFF = "off"
"""What the setting says when no answer is to be checked."""


def load_checker(
    name: str = SHIPPED_NAME, *, device: str = "auto", threads: int | None = None, cache: Path | None = None
) -> Checker:
    """Load a checker.

    Args:
        name: ``shipped``; the folder of a checker that ``ragapp train checker`` made; or the folder or hub id of a
            sentence-transformers CrossEncoder or a sequence-classification model.
        device: ``auto`` for CUDA where there is any, else the CPU; or a torch device.
        threads: Processor threads; ``None`` for one a core.
        cache: Folder for downloaded models; ``None`` for the one that all programs share.

    Returns:
        The checker, ready to check.

    Raises:
        ConfigError: If torch has no such device here.
        ModelNotFound: If there is no such model, or it cannot be downloaded.
        ModelCorrupt: If its files are not what they should be.
        ModelError: If it is a model of another kind: its labels do not say what is supported.
    """
    from ragapp.grounding.cross_check import SHIPPED, CrossChecker

    if name == SHIPPED_NAME:
        return CrossChecker.load(SHIPPED, device, threads)
    if not name.strip():  # as a path this would be the folder that one is in
        raise ModelNotFound(
            f"There is no checker {name!r}: it has no name.", f"give a folder or a hub id, or {SHIPPED_NAME!r}"
        )
    local = Path(name).expanduser()
    if local.is_dir() and _is_ours(local):
        return CrossChecker.load(local.resolve(), device, threads)
    from ragapp.indexes.encoder import encoder_folder

    try:
        folder = encoder_folder(name, cache)
    except ModelNotFound as error:
        raise ModelNotFound(
            f"There is no checker {name!r} on this machine, and none can be downloaded.",
            f"give a folder or a hub id, or {SHIPPED_NAME!r}",
        ) from error
    from ragapp.grounding.cross_encoder import CrossEncoderChecker  # takes seconds, so only for a model that is there

    return CrossEncoderChecker(name, folder, device=device, threads=threads)


def _is_ours(folder: Path) -> bool:
    """Tell a checker of ours by its configuration, which holds the encoder's."""
    try:
        return "max_evidence_tokens" in json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False  # whoever loads it says what is wrong with it
