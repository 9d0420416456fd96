"""Tensors on their way between a GPU and the host, for code that must not wait for them."""

from typing import Self

import torch
from torch import Tensor

ASYNCHRONOUS = ("cuda",)
"""Devices that copy while the host goes on."""


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """``tensor`` on ``device``; what comes from the host is not waited for."""
    return tensor.to(device, non_blocking=tensor.device.type == "cpu")


class HostCopy:
    """A copy that is under way; of a tensor on the CPU, the tensor itself."""

    def __init__(self, tensor: Tensor) -> None:
        self._event: torch.cuda.Event | None = None
        self._host = tensor.detach()
        if tensor.device.type in ASYNCHRONOUS:
            self._host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
            self._host.copy_(tensor.detach(), non_blocking=True)
            self._event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._event.record(torch.cuda.current_stream(tensor.device))

    def wait(self) -> Tensor:
        """The tensor on the CPU, when it has come."""
        if self._event is not None:
            self._event.synchronize()
            self._event = None
        return self._host.cpu()

    def __reduce__(self) -> tuple[type[Self], tuple[Tensor]]:
        return type(self), (self.wait(),)  # events cannot be copied
