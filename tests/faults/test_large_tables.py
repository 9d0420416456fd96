"""Label files that are long or wide: what memory they take, and that they are read at all."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from largeloss.errors import LabelError
from largeloss.labels import read_labels
from largeloss.watch import shown_by

GROWTH = """
import re, sys
from pathlib import Path
from largeloss.labels import read_labels
from largeloss.watch import shown_by
def peak():  # of this process alone: ru_maxrss begins with what the parent has
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
read_labels(sys.argv[2])  # what is imported and allocated once does not count
before = peak()
table = read_labels(sys.argv[1]).table
print((peak() - before) / table.num_observed)
"""


def bytes_an_entry(path, small):
    done = subprocess.run(
        [sys.executable, "-c", GROWTH, str(path), str(small)], capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the peak is read from /proc")
def test_finding_22_memory_of_a_long_and_complete_table(tmp_path):
    """4 million entries: text and labels of a file may take 60 bytes per entry at the peak."""
    num, wide = 80_000, 50
    cells = np.random.default_rng(0).integers(0, 2, (num, wide)).astype("U1")
    header = f"image,{','.join(f'c{column}' for column in range(wide))}\n"
    lines = [f"{row}.png,{','.join(own)}\n" for row, own in enumerate(cells)]
    (tmp_path / "long.csv").write_text(header + "".join(lines))
    (tmp_path / "short.csv").write_text(header + lines[0])
    assert bytes_an_entry(tmp_path / "long.csv", tmp_path / "short.csv") < 60


def test_finding_22_a_table_of_many_columns(tmp_path):
    names = [f"c{column}" for column in range(20_000)]
    row = ["1", "0", ""] * 6_666 + ["", "1"]
    path = tmp_path / "wide.csv"
    path.write_text(f"image,{','.join(names)}\na.png,{','.join(row)}\n")
    table = read_labels(path).table
    assert table.classes == tuple(names)
    assert table.lookup([0])[0].tolist() == [{"1": 1, "0": 0, "": -1}[cell] for cell in row]
    names[19_999] = "c7"
    path.write_text(f"image,{','.join(names)}\na.png,{','.join(row)}\n")
    with pytest.raises(LabelError, match="columns 9 and 20001 of the header are both 'c7'"):
        read_labels(path)


def test_finding_22_reading_many_columns_says_how_far_it_is(tmp_path):
    path = tmp_path / "labels.csv"
    seen: list[object] = []

    class Bar:
        def __init__(self, title, total, done):
            seen.append((title, total))

        def advance(self):
            seen.append("a column")

        def close(self):
            seen.append("closed")

    path.write_text("image,cat,dog\na.png,1,0\n")
    with shown_by(Bar):
        read_labels(path)
    assert seen == [("Columns of labels.csv", 2), "a column", "a column", "closed"]
