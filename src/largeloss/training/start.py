"""The process, its group of processes and its device, before anything is computed."""

import atexit
import os

import torch
from accelerate.state import PartialState
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from largeloss import distributed
from largeloss.errors import ConfigError
from largeloss.training.determinism import prepare_gpu

_joined = False


def start() -> torch.device:
    """Joins the group of processes where ``torchrun`` started several; gives the device.

    Call it before anything asks for the rank. Calling it again does no harm.

    Raises:
        ConfigError: more processes than GPUs on this machine.
    """
    global _joined
    prepare_gpu()
    _check_processes(int(os.environ.get("LOCAL_WORLD_SIZE", 1)), torch.cuda.device_count())
    state = PartialState(cpu=not torch.cuda.is_available())
    if not _joined:
        atexit.register(distributed.leave)
        _joined = True
    return torch.device(state.device)  # type: ignore[arg-type]  # None only before it is made


def _check_processes(processes: int, gpus: int) -> None:
    if processes > gpus > 0:
        raise ConfigError(
            f"{processes} processes were started here, and there are {gpus} GPUs: each process "
            f"needs one of its own. Start torchrun with --nproc-per-node {gpus}, or with "
            "CUDA_VISIBLE_DEVICES= to train on the CPU."
        )


def synchronised(objective: nn.Module, device: torch.device) -> nn.Module:
    """``objective`` with gradients averaged over the processes; itself in a single process."""
    if distributed.world_size() == 1:
        return objective
    ids = None if device.type == "cpu" else [device]
    return DistributedDataParallel(objective, device_ids=ids)
