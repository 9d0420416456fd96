"""Tensors on their way between a GPU and the host, for code that must not wait for them."""

from collections.abc import Callable
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
            self._host = torch.empty(
                tensor.shape, dtype=tensor.dtype, device="cpu", pin_memory=True
            )
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


class DeferredCheck:
    """Raises at once on the CPU; a condition on a GPU is copied to the host and read later."""

    def __init__(self) -> None:
        self._pending: list[tuple[HostCopy, Callable[[], Exception]]] = []

    def refuse_if(self, bad: Tensor, error: Callable[[], Exception]) -> None:
        """Raises ``error()`` if ``bad`` (bool, shape ()) is true; on a GPU in :meth:`flush`."""
        if bad.device.type in ASYNCHRONOUS:
            self._pending.append((HostCopy(bad), error))
        elif bool(bad):
            raise error()

    def flush(self) -> None:
        """Waits for every condition under way, and raises the error of the first that is true."""
        pending, self._pending = self._pending, []
        for bad, error in pending:
            if bool(bad.wait()):
                raise error()

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()  # a copy has nothing under way
