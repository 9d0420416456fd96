"""Stopping between two steps, and when to save within an epoch."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from largeloss import distributed
from largeloss.errors import Interrupted

MINUTES = 10.0
"""Between checkpoints within an epoch, unless steps are given."""


class StopRequests:
    """Signals that ask to stop, acted on between two steps."""

    def __init__(self) -> None:
        self.number = 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """SIGTERM and the first SIGINT are noted; the second SIGINT ends at once."""
        if threading.current_thread() is not threading.main_thread():
            yield  # signals are for the main thread alone
            return
        before = {which: signal.getsignal(which) for which in (signal.SIGTERM, signal.SIGINT)}

        def request(number: int, frame: FrameType | None) -> None:
            if self.number == signal.SIGINT == number:
                raise KeyboardInterrupt
            self.number = number

        for which in before:
            signal.signal(which, request)
        try:
            yield
        finally:
            for which, handler in before.items():
                signal.signal(which, handler)


class CheckpointSchedule:
    """Says after which steps to save, ``every`` so many or, without, :data:`MINUTES`; all agree."""

    def __init__(self, every: int | None, requests: StopRequests) -> None:
        self.every, self.requests = every, requests
        self._saved = time.monotonic()

    def due(self, steps: int) -> bool:
        """Whether to save now that ``steps`` of the epoch are taken; collective."""
        if self.every is not None:
            wanted = steps % self.every == 0
        else:
            wanted = time.monotonic() - self._saved > 60 * MINUTES
        wanted = distributed.largest(int(wanted or self.requests.number != 0)) > 0
        if wanted:
            self._saved = time.monotonic()
        return wanted

    def stop_if_requested(self) -> None:
        """Ends the run if a process was asked to.

        Raises:
            Interrupted: it was.
        """
        number = distributed.largest(self.requests.number)
        if number:
            raise Interrupted(number)
