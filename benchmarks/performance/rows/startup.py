"""How long somebody waits who mistyped a path: the whole command, in CPU time."""

import resource
import subprocess
import sys
from collections.abc import Iterator

from measure import Line

REFUSED = (
    "train none", "train . --method ll-q", "predict none a.jpg", "evaluate none", "compare none",
    "tune none", "suggest none", "review none", "report none", "thresholds none",
    "export none --to onnx --out a.onnx", "labels log none", "data check none",
    "analyze memorization none", "reproduce --table none",
)  # fmt: skip
ROUNDS = 3


def lines() -> Iterator[Line]:
    """Of the slowest of the commands, beside ``--help`` and an import of torch."""
    every = [["-m", "largeloss", *command.split()] for command in REFUSED]
    found = {" ".join(command[2:4]): _seconds(command) for command in every}
    beside = {
        "--help": _seconds(["-m", "largeloss", "--help"]),
        "import torch": _seconds(["-c", "import torch"]),
        "import timm": _seconds(["-c", "import timm"]),
    }
    slowest = max(found, key=lambda name: found[name])
    yield Line(
        "a command that ends in an error",
        f"{len(REFUSED)} commands, slowest: {slowest}",
        f"{found[slowest]:.2f} s of CPU",
        "≤ 1 s",
        found[slowest] <= 1,
        {name: (value, 0.0) for name, value in {slowest: found[slowest], **beside}.items()},
    )


def _seconds(arguments: list[str]) -> float:
    """The least CPU time of several runs: what other processes do only adds to it."""
    times = []
    for _ in range(ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)
