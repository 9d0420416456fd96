"""The process, its group of processes and its device, before anything is computed."""

import atexit

import torch
from accelerate.state import PartialState
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from largeloss import distributed
from largeloss.training.determinism import prepare_gpu

_joined = False


def start() -> torch.device:
    """Joins the group of processes where ``torchrun`` started several; gives the device.

    Call it before anything asks for the rank. Calling it again does no harm.
    """
    global _joined
    prepare_gpu()
    state = PartialState(cpu=not torch.cuda.is_available())
    if not _joined:
        atexit.register(distributed.leave)
        _joined = True
    return torch.device(state.device)  # type: ignore[arg-type]  # None only before it is made


def synchronised(objective: nn.Module, device: torch.device) -> nn.Module:
    """``objective`` with gradients averaged over the processes; itself in a single process."""
    if distributed.world_size() == 1:
        return objective
    ids = None if device.type == "cpu" else [device]
    return DistributedDataParallel(objective, device_ids=ids)
