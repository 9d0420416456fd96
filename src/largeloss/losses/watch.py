"""Looks at a condition on a device without making the step wait for it."""

from collections import deque
from collections.abc import Callable
from typing import Self

from torch import Tensor

from largeloss.losses.host_copy import ASYNCHRONOUS, HostCopy


class Watch:
    """Raises at once on the CPU; on CUDA reads each flag one step later, and in :meth:`flush`."""

    def __init__(self) -> None:
        self._pending: deque[tuple[HostCopy, Callable[[], Exception]]] = deque()
        self._limit = 3  # the most flags of one step

    def __call__(self, bad: Tensor, error: Callable[[], Exception]) -> None:
        """Raises ``error()`` if ``bad`` (bool, shape ()) is true."""
        self._pending.append((HostCopy(bad), error))
        limit = self._limit if bad.device.type in ASYNCHRONOUS else 0
        while len(self._pending) > limit:
            self._read_oldest()

    def flush(self) -> None:
        """Waits for every flag still under way."""
        while self._pending:
            self._read_oldest()

    def _read_oldest(self) -> None:
        flag, error = self._pending.popleft()
        if bool(flag.wait()):
            raise error()

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()  # a copy has nothing under way
