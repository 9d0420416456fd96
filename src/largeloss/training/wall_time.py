"""How long a run has taken, all its sessions together."""

import time
from dataclasses import dataclass, field


@dataclass
class WallTime:
    """One for all phases of a run: each notes it in what it saves, and puts back what it finds.

    A session's time after its last checkpoint is lost, as its steps are.
    """

    began: float = field(default_factory=time.perf_counter)
    """When the run began in this process."""
    before: float = 0.0
    """Seconds of earlier sessions."""

    @property
    def seconds(self) -> float:
        """Of all sessions until now."""
        return self.before + time.perf_counter() - self.began
