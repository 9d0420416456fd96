"""The command line, in processes of its own that can be stopped and killed."""

import os
import subprocess
import sys
import time
from pathlib import Path

SMALL = (
    "--backbone", "digits", "--image-size", "16", "--batch-size", "4", "--lr", "1e-3", "--workers",
    "0", "--observe", "single-positive", "--set", "training.stop_below=null",
)  # fmt: skip


class Command:
    """``largeloss`` with some arguments, running."""

    def __init__(self, *arguments: object, setup: str = "") -> None:
        code = f"import sys\n{setup}\nfrom largeloss.cli import run\nsys.exit(run(sys.argv[1:]))"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )

    def wait_for(self, path: Path) -> None:
        """Until a file is there."""
        deadline = time.monotonic() + 100
        while not path.exists():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline, f"{path} does not come"
            time.sleep(0.02)

    def ended(self) -> tuple[int, str, str]:
        """Exit code and what was printed; a hang fails."""
        out, err = self.process.communicate(timeout=100)
        return self.process.returncode, out, err
