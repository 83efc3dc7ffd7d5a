"""Tunes a pretrained encoder to find the passages of a mixture, before a reader is built around it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

from ragapp.indexes.encoder_sentence import no_progress_bar
from ragapp.readers.copy_fid.training.data import QaExample

_STEPS, _BATCH, _RATE = 100, 32, 2e-5
_CHARS = 760
"""Longer contexts are cut there, as training cuts them."""


def tune_for_retrieval(encoder: Path, folder: Path, examples: Sequence[QaExample], seed: int) -> Path:
    """Tune an encoder by in-batch negatives (van den Oord et al. 2018, arXiv:1807.03748; as DPR does, 2004.04906).

    Args:
        encoder: Folder of a sentence-transformers model.
        folder: Where the tuned one goes; what is there already is left as it is.
        examples: Questions with their contexts; those without an answer are not used.
        seed: Seed of the choice of questions.

    Returns:
        ``folder``.
    """
    if (folder / "config.json").is_file():
        return folder
    pairs = [(each.question, each.context[:_CHARS]) for each in examples if each.answer]
    rng = random.Random(seed)
    torch.manual_seed(seed)
    with no_progress_bar():
        model = SentenceTransformer(str(encoder), device="cpu", local_files_only=True)
    loss = MultipleNegativesRankingLoss(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE)
    for step in range(_STEPS):
        drawn = rng.sample(pairs, min(_BATCH, len(pairs)))
        batch = list({context: (question, context) for question, context in drawn}.values())
        for group in optimizer.param_groups:
            group["lr"] = _RATE * min(1.0, (step + 1) / 10, (_STEPS - step) / 50)
        columns = [model.preprocess([pair[side] for pair in batch]) for side in (0, 1)]
        loss(columns, torch.empty(0)).backward()
        optimizer.step()
        optimizer.zero_grad()
    with no_progress_bar():
        model.save(str(folder), create_model_card=False)
    return folder
