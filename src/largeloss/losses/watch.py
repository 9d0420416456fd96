"""Looks at a condition on a device without making the step wait for it."""

from collections import deque
from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor


class Watch:
    """Raises at once on the CPU; on CUDA reads each flag one step later, and in :meth:`flush`."""

    def __init__(self) -> None:
        self._pending: deque[tuple[torch.cuda.Event, Tensor, Callable[[], Exception]]] = deque()
        self._limit = 3  # the most flags of one step

    def __call__(self, bad: Tensor, error: Callable[[], Exception]) -> None:
        """Raises ``error()`` if ``bad`` (bool, shape ()) is true."""
        if bad.device.type != "cuda":
            if bool(bad):
                raise error()
            return
        host = torch.empty((), dtype=torch.bool, pin_memory=True)
        host.copy_(bad, non_blocking=True)
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record()
        self._pending.append((event, host, error))
        while len(self._pending) > self._limit:
            self._read_oldest()

    def flush(self) -> None:
        """Waits for every flag still under way."""
        while self._pending:
            self._read_oldest()

    def _read_oldest(self) -> None:
        event, host, error = self._pending.popleft()
        event.synchronize()
        if bool(host):
            raise error()

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()  # events cannot be copied, and a copy has nothing under way
