"""``make bench``: ours beside a plain formulation of the published code and the limit.

Everything of a line is timed in turn, in one process and one run; medians, and half the distance
between the quartiles.

    python benchmarks/performance [--rows loss_step,labels] [--out runs/bench/bench.json]
"""

import argparse
import importlib
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from measure import Line
from page import PAGE, readable, write_page
from rich.console import Console
from rich.table import Table

ROWS = (
    "loss_step", "mean_average_precision", "inputs", "linear_head", "training_step",
    "predict", "gpu_training", "labels", "reading", "startup", "checkpoint",
)  # fmt: skip


def main() -> None:
    """Measures, prints, writes JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default=",".join(ROWS), help=f"Of {', '.join(ROWS)}.")
    parser.add_argument("--out", type=Path, default=Path("runs/bench/bench.json"))
    parser.add_argument("--page", action="store_true", help=f"Writes {PAGE}, too.")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    wanted = arguments.rows.split(",")
    if unknown := [name for name in wanted if name not in ROWS]:
        sys.exit(f"There is no row {unknown[0]!r}; there are {', '.join(ROWS)}.")
    torch.set_num_threads(arguments.threads)
    console = Console(soft_wrap=True)
    console.print(machine())
    found: list[Line] = []
    for name in wanted:
        for line in importlib.import_module(f"rows.{name}").lines():
            found.append(line)
            times = ", ".join(
                f"{way} {readable(median)} ± {100 * spread:.0f} %"
                for way, (median, spread) in line.seconds.items()
            )
            console.print(f"{line.row}, {line.size}: {line.ours} ({times})")
    console.print(table(found))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    content = {"machine": machine(), "lines": [asdict(line) for line in found]}
    arguments.out.write_text(json.dumps(content, indent=2, default=float) + "\n", encoding="utf-8")
    console.print(f"written: {arguments.out}")
    if arguments.page:
        write_page(machine(), found)
        console.print(f"written: {PAGE}")


def machine() -> str:
    """What the times belong to."""
    name = platform.processor() or platform.machine()
    for line in (
        Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ()
    ):
        if line.startswith("model name"):
            name = line.partition(":")[2].strip()
            break
    return (
        f"{name}, {os.cpu_count()} cores, {torch.get_num_threads()} thread, Python "
        f"{platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}"
    )


def table(lines: list[Line]) -> Table:
    """What was reached, and what was to be."""
    found = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("Row", "Size", "Ours", "Reach", "Reached", "Note"):
        found.add_column(title)
    for line in lines:
        found.add_row(line.row, line.size, line.ours, line.reach, line.verdict, line.note)
    return found


if __name__ == "__main__":
    main()
