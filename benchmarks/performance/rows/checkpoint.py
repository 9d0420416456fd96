"""A safe checkpoint against a plain one."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from measure import Line, interleaved, seconds

from largeloss.training.checkpoint_file import save_state

MEBIBYTES = 200


def lines() -> Iterator[Line]:
    """A model and an optimizer of ResNet-50's size."""
    state = {f"tensor{n}": torch.randn(2**18) for n in range(MEBIBYTES)}
    with tempfile.TemporaryDirectory(dir=".") as folder:
        plain, safe = Path(folder) / "plain.pt", Path(folder) / "safe" / "state.pt"
        safe.parent.mkdir()
        ways = {
            "torch.save": lambda: torch.save(state, plain),
            "ours": lambda: save_state(safe, state),
        }
        sampled = interleaved(ways, rounds=7)
    ratio = sampled["ours"].median / sampled["torch.save"].median
    yield Line(
        "safe checkpoint",
        f"{MEBIBYTES} MiB",
        f"{ratio:.2f}× torch.save",
        "≤ 1.5×",
        ratio <= 1.5,
        seconds(sampled),
        "temporary file, fsync, rename, fsync of the folder",
    )
