"""Looks at a condition on a device without making the step wait for it."""

from collections.abc import Callable
from typing import Self

from torch import Tensor

from largeloss.losses.host_copy import ASYNCHRONOUS, HostCopy


class Watch:
    """Raises at once on the CPU; what is noted of a GPU is read by :meth:`flush`."""

    def __init__(self) -> None:
        self._pending: list[tuple[HostCopy, Callable[[], Exception]]] = []

    def __call__(self, bad: Tensor, error: Callable[[], Exception]) -> None:
        """Raises ``error()`` if ``bad`` (bool, shape ()) is true."""
        if bad.device.type in ASYNCHRONOUS:
            self._pending.append((HostCopy(bad), error))
        elif bool(bad):
            raise error()

    def flush(self) -> None:
        """Waits for every flag still under way: call it where those of the last step are due."""
        pending, self._pending = self._pending, []
        for flag, error in pending:
            if bool(flag.wait()):
                raise error()

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()  # a copy has nothing under way
