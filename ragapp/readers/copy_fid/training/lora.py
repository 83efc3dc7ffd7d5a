"""Fine-tuning through low-rank adapters (LoRA, Hu et al. 2021, arXiv:2106.09685), by peft.

What learns are two thin matrices beside each linear layer; in the end they are multiplied out and added to its weights,
so that the reader that comes of it is like any other.
"""

from __future__ import annotations

import torch
from torch import nn

from ragapp.errors import TrainingError
from ragapp.readers.copy_fid.model import CopyFid


class Adapters:
    """Puts adapters into a network, in place; from then on nothing else of it learns.

    Args:
        model: The network, in float32.
        rank: Width of the adapters.
        seed: Seed of what is initialised at random.

    Raises:
        TrainingError: If peft is not installed.
    """

    def __init__(self, model: CopyFid, rank: int, seed: int) -> None:
        try:
            from peft import LoraConfig
            from peft.tuners.lora import LoraModel
        except ImportError as error:
            raise TrainingError("Low-rank adapters need peft.", "pip install 'ragapp[lora]'") from error
        linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
        torch.manual_seed(seed)
        self._model = model
        self._tuner = LoraModel(model, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=linear), "default")

    def merge(self) -> None:
        """Add what was learned to the weights, in float32, and take the adapters out."""
        self._model.float()
        self._tuner.merge_and_unload()
