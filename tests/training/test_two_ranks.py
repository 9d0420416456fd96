"""Two processes started by torchrun train exactly what one trains."""

import os
import subprocess
import sys
from pathlib import Path

import torch

SCRIPT = Path(__file__).with_name("two_ranks.py")


def trained(out: Path, processes: int) -> dict:
    out.mkdir()
    command = [sys.executable, str(SCRIPT), str(out)]
    if processes > 1:
        run = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        command = [sys.executable, *run, str(SCRIPT), str(out)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, capture_output=True, text=True, timeout=500, env=environment)
    assert result.returncode == 0, result.stderr
    return torch.load(out / "results.pt", weights_only=True)


def test_two_ranks_equal_one(tmp_path):
    one, two = (trained(tmp_path / str(number), number) for number in (1, 2))
    check_equal(one, two)


def check_equal(one: dict, two: dict) -> None:
    """Weights, losses, scores and tables to 1e-10; edits exactly, but for their losses."""
    for name in ("ll-cp", "curriculum", "share"):
        assert len(one[name]["edits"]["committed.rows"]) > 3
    for name in one:
        torch.testing.assert_close(two[name], one[name], rtol=0, atol=1e-10)
        for key, value in one[name]["edits"].items():
            assert torch.equal(value, two[name]["edits"][key]) or key.endswith("losses")
