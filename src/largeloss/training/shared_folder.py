"""Whether all machines see the run folder that the first process has begun."""

import socket
import time
from pathlib import Path

from largeloss import distributed
from largeloss.errors import ConfigError

SEEN_WITHIN = 10.0
"""Seconds in which a network file system shows what another machine has written."""


def check_shared(path: Path) -> None:
    """Makes sure that all processes see the file ``path``, written by the first; collective.

    Each of them reads the best weights at the end, and ``last/`` where it resumes.

    Raises:
        ConfigError: in every process, if one does not.
    """
    if distributed.world_size() == 1:
        return
    patience = time.monotonic() + SEEN_WITHIN
    while not (seen := path.is_file()) and time.monotonic() < patience:
        time.sleep(0.2)
    hosts = distributed.gather_objects("" if seen else socket.gethostname())
    if blind := sorted(set(hosts) - {""}):
        raise ConfigError(
            f"The first process has begun the run in {path.parent}, and on {', '.join(blind)} it "
            "is not there. Choose an --out on a file system that all machines share."
        )
