"""Where matrix products are computed in half precision, and where never."""

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import torch

_NOTHING = nullcontext()
_available = cache(torch.amp.is_autocast_available)


def half_precision(device: torch.device, enabled: bool) -> AbstractContextManager[Any]:
    """Within it matrix products and convolutions are computed in bfloat16, where enabled."""
    return torch.autocast(device.type, torch.bfloat16) if enabled else nullcontext()


def full_precision(device: torch.device) -> AbstractContextManager[Any]:
    """Within it nothing is computed in half precision. Entering autocast costs more than a small
    head does, so that it is only done where it is needed."""
    kind = device.type
    if _available(kind) and torch.is_autocast_enabled(kind):
        return torch.autocast(kind, enabled=False)
    return _NOTHING
