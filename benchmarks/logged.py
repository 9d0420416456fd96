"""Commands of largeloss, run by studies with one thread each."""

import os
import shlex
import subprocess
import sys
from pathlib import Path


def run_logged(command: str, folder: Path) -> None:
    """Runs ``largeloss …``; what it prints is appended to ``log.txt`` in the folder.

    Raises:
        CalledProcessError: it failed; the log says why.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log.txt").open("a", encoding="utf-8") as log:
        subprocess.run(
            [sys.executable, "-m", *shlex.split(command)],
            check=True,
            stdout=log,
            stderr=log,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
