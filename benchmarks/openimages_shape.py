"""Time and memory of importing, checking and evaluating lists of the size of OpenImages V3.

    python benchmarks/openimages_shape.py            # full size: 9 million images, 5 GB on disk
    python benchmarks/openimages_shape.py --scale 0.01

Generates the lists with ``make_openimages_shape.py``, then runs ``largeloss data import`` and
``largeloss data check`` without images, and evaluates random scores of all annotated entries,
each in a process of its own.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
SIZES = {"train": 3_400_000, "silent": 5_611_219, "val": 41_620, "test": 125_436}


class Cost(NamedTuple):
    """Of one process."""

    seconds: float
    peak: float
    """Resident memory in GiB."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints one line per step; the exit code is that of the first step that failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=1.0, help="share of the images")
    parser.add_argument("--folder", type=Path, help="where to work; default: a temporary folder")
    options = parser.parse_args(arguments)
    if not 0 < options.scale <= 1:
        parser.error("--scale must be above 0 and at most 1")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        root = Path(name)
        sizes = {key: str(max(1, round(size * options.scale))) for key, size in SIZES.items()}
        given = [part for key, size in sizes.items() for part in (f"--{key}", size)]
        data = str(root / "data")
        steps = {
            "generate": [str(HERE / "make_openimages_shape.py"), str(root / "lists"), *given],
            "import": ["-m", "largeloss", "data", "import", "openimages-v3", str(root / "lists"),
                       "--out", data, "--no-images"],
            "check": ["-m", "largeloss", "data", "check", data, "--no-images"],
            "evaluate": [str(HERE / "evaluate_openimages_shape.py"), data],
        }  # fmt: skip
        for title, command in steps.items():
            code, cost = measure([sys.executable, *command], root / f"{title}.log")
            if code:
                print((root / f"{title}.log").read_text(), file=sys.stderr)
                return code
            print(f"{title:<9} {cost.seconds:7.1f} s  peak {cost.peak:5.2f} GiB", flush=True)
    return 0


def measure(command: Sequence[str], log: Path) -> tuple[int, Cost]:
    """Runs ``command`` with its output in ``log``; its exit code and cost."""
    begun = time.perf_counter()
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    return process.returncode, Cost(time.perf_counter() - begun, usage.ru_maxrss * unit / 2**30)


if __name__ == "__main__":
    sys.exit(main())
