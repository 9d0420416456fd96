"""Compares the parameters that a loss has of its own between the processes that train them."""

import warnings

import torch
from torch import Tensor, nn

from largeloss import distributed


class ReplicaCheck:
    """Warns once, where the processes' copies of a loss's parameters are not the same.

    They drift apart where gradients are not averaged over the processes, since each process then
    updates its copy by its own share of the batch. Nothing else would show it.
    """

    def __init__(self) -> None:
        self._passes = 0
        self._warned = False

    def __call__(self, loss: nn.Module) -> None:
        """Compares at the passes 1, 2, 4, 8, …, so that it costs little; collective."""
        if distributed.world_size() == 1 or self._warned:
            return
        parameters = dict(loss.named_parameters())
        self._passes += 1
        if not parameters or self._passes & (self._passes - 1):
            return
        own = torch.stack([_sum_of(parameter) for parameter in parameters.values()])
        sums = distributed.gather(own[None])
        if bool((sums != sums[0]).any()):
            self._warned = True
            name = type(loss).__name__
            warnings.warn(
                f"{name} has parameters of its own ({', '.join(parameters)}), and they differ "
                "between the processes, since their gradients are not averaged. Wrap model and "
                "loss together: DistributedDataParallel(Objective(model, loss)), with Objective "
                "of largeloss.objective or a module of your own that calls both.",
                stacklevel=5,  # the line that calls the loss, past torch's two frames
            )


def _sum_of(parameter: Tensor) -> Tensor:
    return parameter.detach().sum(dtype=torch.float64)
