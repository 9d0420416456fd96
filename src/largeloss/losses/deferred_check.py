"""Checks a condition on a device without making the step wait for the result."""

from collections.abc import Callable
from typing import Self

from torch import Tensor

from largeloss.losses.host_copy import ASYNCHRONOUS, HostCopy


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
