"""Commands of largeloss, run by studies with one thread each."""

import os
import shlex
import subprocess
import sys
from pathlib import Path


def run_logged(command: str, out: Path) -> None:
    """Runs ``largeloss …``; what it prints is appended to ``OUT.log`` beside the folder ``out``,
    which is left to the command: it refuses one that holds something else.

    Raises:
        CalledProcessError: it failed; the log says why.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.with_name(f"{out.name}.log").open("a", encoding="utf-8") as log:
        subprocess.run(
            [sys.executable, "-m", *shlex.split(command)],
            check=True,
            stdout=log,
            stderr=log,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
