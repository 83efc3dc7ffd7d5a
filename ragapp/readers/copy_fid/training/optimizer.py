"""AdamW over float32 masters of a network that runs in bfloat16.

The weights multiply in bfloat16, where a CPU with AMX or a GPU is several times faster; the optimizer keeps its own
float32 copy of each, so that small updates are not rounded away (mixed precision, Micikevicius et al. 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn


class ParameterGroup(NamedTuple):
    """Parameters that share a peak learning rate."""

    parameters: Sequence[tuple[str, nn.Parameter]]
    learning_rate: float


class MasterAdamW:
    """AdamW with float32 master weights.

    Args:
        groups: The trainable parameters with their peak learning rates.
        weight_decay: Decoupled weight decay (Loshchilov & Hutter 2019); not applied to vectors (norms, biases).
        clip: Gradients are scaled down to at most this norm.
    """

    def __init__(self, groups: Sequence[ParameterGroup], weight_decay: float = 0.01, clip: float = 1.0) -> None:
        self._clip = clip
        self._pairs: dict[str, tuple[nn.Parameter, Tensor]] = {}
        settings: list[dict[str, object]] = []
        for group in groups:
            for matrix in (True, False):
                masters: list[Tensor] = []
                for name, parameter in group.parameters:
                    if (parameter.ndim >= 2) is matrix:
                        master = parameter.detach().float().clone().requires_grad_()
                        self._pairs[name] = parameter, master
                        masters.append(master)
                if masters:
                    decay = weight_decay if matrix else 0.0
                    settings.append(
                        {
                            "params": masters,
                            "lr": group.learning_rate,
                            "peak": group.learning_rate,
                            "weight_decay": decay,
                        }
                    )
        self._adamw = torch.optim.AdamW(settings, betas=(0.9, 0.98), fused=True)

    def step(self, schedule: float) -> float:
        """Take one step with the gradients of the network's parameters, then clear them.

        Args:
            schedule: Factor on the peak learning rates, 0 to 1.

        Returns:
            Norm of the gradient before clipping.
        """
        for parameter, master in self._pairs.values():
            master.grad = None if parameter.grad is None else parameter.grad.float()
            parameter.grad = None
        norm = nn.utils.clip_grad_norm_([master for _, master in self._pairs.values()], self._clip)
        for group in self._adamw.param_groups:
            group["lr"] = group["peak"] * schedule
        self._adamw.step()
        self._publish()
        return float(norm)

    def state(self) -> dict[str, Tensor]:
        """Give everything a resumed run needs: masters, moments and step counts by name."""
        tensors: dict[str, Tensor] = {}
        for name, (_, master) in self._pairs.items():
            tensors[f"master/{name}"] = master.detach()
            for key, value in self._adamw.state.get(master, {}).items():
                tensors[f"{key}/{name}"] = value
        return tensors

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Restore what `state` gave.

        Args:
            tensors: The tensors by name.
        """
        for name, (_, master) in self._pairs.items():
            with torch.no_grad():
                master.copy_(tensors[f"master/{name}"])
            keys = ("step", "exp_avg", "exp_avg_sq")
            if f"step/{name}" in tensors:
                self._adamw.state[master] = {key: tensors[f"{key}/{name}"].clone() for key in keys}
        self._publish()

    def _publish(self) -> None:
        with torch.no_grad():
            for parameter, master in self._pairs.values():
                parameter.copy_(master)
