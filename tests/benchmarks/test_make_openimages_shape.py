"""The generator, at a small size, read by the importer."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from largeloss.data.importers import openimages

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "make_openimages_shape.py"
SIZES = ["--train=300", "--silent=200", "--val=20", "--test=30", "--classes=40", "--all-classes=60"]


def test_the_importer_reads_what_is_generated(tmp_path: Path) -> None:
    for name in ("first", "second"):
        subprocess.run([sys.executable, str(SCRIPT), str(tmp_path / name), *SIZES], check=True)
    found = openimages.read(tmp_path / "first")
    assert found.table.shape == (350, 40)
    assert {name: len(rows) for name, rows in found.splits.items()} == {
        "train": 300, "val": 20, "test": 30,
    }  # fmt: skip
    counts = found.table.counts()
    annotated = counts.present + counts.absent
    assert annotated[:5].sum() > 3 * annotated[-5:].sum()
    assert 350 * 3 < annotated.sum() < 350 * 6
    assert np.diff(found.table.offsets).min() >= 1
    assert openimages.read(tmp_path / "second").table == found.table
