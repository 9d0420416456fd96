"""The measurement at a small scale."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "openimages_shape.py"


@pytest.mark.slow
def test_the_steps_are_measured(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--scale", "0.0005", "--folder", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    pattern = r"(\w+) +[\d.]+ s  peak +([\d.]+) GiB"
    found = re.findall(pattern, result.stdout)
    assert [title for title, _ in found] == ["generate", "import", "check", "evaluate"]
    assert all(0.01 < float(peak) < 4 for _, peak in found)
    assert list(tmp_path.iterdir()) == []


def test_a_scale_that_is_none() -> None:
    result = subprocess.run([sys.executable, str(SCRIPT), "--scale", "2"], capture_output=True)
    assert result.returncode == 2


@pytest.mark.slow
def test_a_training_of_that_shape(tmp_path: Path) -> None:
    script = SCRIPT.with_name("openimages_training.py")
    command = [sys.executable, str(script), "--scale", "0.0003", "--folder", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    found = re.findall(r"(\w+) +[\d.]+ s  peak +[\d.]+ GiB", result.stdout)
    assert found == ["generate", "import", "train", "groups"]
    assert "annotated entries" in result.stdout
