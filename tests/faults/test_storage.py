"""Storage that damages, fills up, or goes away: faults 5 to 8 on every file, and on real mounts."""

import os
import random
import shutil
import subprocess
import sys

import numpy as np
import pytest

from largeloss.analysis.recorded import RecordedLosses
from largeloss.errors import LargelossError
from largeloss.labels import read_edits, read_labels
from largeloss.pages.learning_curves import column
from largeloss.runs.load import load
from largeloss.runs.settings import saved_settings
from largeloss.training.checkpoint_file import load_state
from largeloss.training.run_folder import RunFolder
from processes import SMALL

FLIPS = 10
"""Of single bits, in each file."""


def plain(value):
    """Anything as text, tensors and arrays in full."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value.tolist() if hasattr(value, "tolist") else value


def everything(run, table):
    """All that is ever read of a run folder."""
    folder, recorded = RunFolder(run), RecordedLosses.read(run)
    model = load(run)
    folder.check(folder.corrections_file)
    edits = read_edits(folder.corrections_file)
    epochs = range(recorded.num_epochs)
    return {
        "settings": saved_settings(run).plain(),
        "result": plain(folder.result()),
        "curve": column(run, "val_map"),
        "config": {name: model.saved[name] for name in sorted(model.saved) if name in NEEDED},
        "weights": plain(model.network.state_dict()),
        "state": repr(plain(load_state(folder.state_file))),
        "losses": [np.asarray(recorded.losses(epoch)).tobytes() for epoch in epochs],
        "steps": [plain(recorded.steps(epoch)) for epoch in epochs],
        "flagged": [plain(recorded.flagged(epoch)) for epoch in epochs],
        "edits": [*map(plain, edits.places(table)), plain(edits.after), plain(edits.epoch)],
    }


NEEDED = ("classes", "architecture", "scoring_precision", "thresholds", "val_rule")


def test_fault_07_a_flipped_bit_in_any_file_is_found_or_harmless(largeloss, image_folder, tmp_path):
    run = tmp_path / "run"
    code, _, err = largeloss(
        "train", image_folder, *SMALL, "--method", "ll-cp", "--delta-rel", "5", "--epochs", "3",
        "--record", "losses", "--out", run,
    )  # fmt: skip
    assert code == 0, err
    table = read_labels(image_folder / "labels.csv").table
    files = sorted(path for path in run.rglob("*") if path.is_file() and path.name != ".lock")
    before, stream, found = everything(run, table), random.Random(7), {}
    for path in files:
        content = path.read_bytes()
        for place in stream.sample(range(8 * len(content)), min(FLIPS, 8 * len(content))):
            damaged = bytearray(content)
            damaged[place // 8] ^= 1 << place % 8
            path.write_bytes(damaged)
            try:
                assert everything(run, table) == before, f"bit {place} of {path.name}"
            except LargelossError:
                found[path.name] = found.get(path.name, 0) + 1
        path.write_bytes(content)
    assert everything(run, table) == before
    unread = {"report.html", "memorization.json", "corrections.json", "previous-state.pt"}
    unread.add("previous-model.safetensors")  # read only where best/ has newer ones
    assert {path.name for path in files} - set(found) == unread
    whole = {"state.pt", "model.safetensors", "metrics.csv", "corrections.parquet", "rows.npy"}
    assert {name for name, count in found.items() if count == FLIPS} >= whole


DRIVER = """
import contextlib, os, subprocess, sys, threading, time
from pathlib import Path
disk, images = Path(sys.argv[1]), sys.argv[2]
from largeloss.cli import run
def mount(*options):
    subprocess.run(["mount", *options, str(disk)], check=True)
def train(*more):
    code = run(["train", *more, "--out", str(disk / "run")])
    print("code", code, flush=True)
    return code
def once(path, action):
    def wait():
        while not path.exists():
            time.sleep(0.005)
        action()
    threading.Thread(target=wait, daemon=True).start()
started = ["--method", "ll-cp", "--delta-rel", "5", *sys.argv[3:], images]
"""
MOUNTS = "mount -t tmpfs -o size={size} tmpfs {disk} && exec {python} -c {code} {disk} {rest}"


@pytest.fixture
def on_a_disk(image_folder, tmp_path):
    """Runs code with a small file system of its own; skips where none can be made."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare(1), which gives a process its own mounts")
    probe = f"mount -t tmpfs -o size=64k tmpfs {disk}"
    tried = subprocess.run(
        ["unshare", "-m", "sh", "-c", probe], capture_output=True, text=True, check=False
    )
    if tried.returncode:
        pytest.skip(f"no file system can be mounted here ({tried.stderr.strip()})")

    def start(size: str, code: str):
        rest = " ".join([str(image_folder), *SMALL, "--epochs", "40"])
        line = MOUNTS.format(size=size, disk=disk, python=sys.executable, code='"$CODE"', rest=rest)
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", line], capture_output=True, text=True, timeout=200,
            check=False, env=os.environ | {"OMP_NUM_THREADS": "1", "CODE": DRIVER + code},
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        assert "defect" not in done.stderr, done.stderr
        return done

    return start


def codes(done):
    return [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("code")]


def test_fault_05_a_disk_that_is_full_in_mid_run(on_a_disk):
    done = on_a_disk(
        "40m",
        """
def fill():
    with contextlib.suppress(OSError):  # no room is left: so it is to be
        (disk / "filler").write_bytes(bytes(50_000_000))
once(disk / "run/last/previous-state.pt", fill)
assert train(*started) == 1
assert not (disk / "run/result.json").exists()
(disk / "filler").unlink()
assert train("--resume") == 0
""",
    )
    assert codes(done) == [1, 0], done.stdout + done.stderr
    assert "could not be written" in done.stderr
    assert "make room" in done.stderr


def test_fault_06_a_disk_that_cannot_be_written(on_a_disk):
    done = on_a_disk(
        "80m",
        """
mount("-o", "remount,ro")
train(*started)
mount("-o", "remount,rw")
train(*started)
(disk / "run/result.json").unlink()
mount("-o", "remount,ro")
train("--resume")
""",
    )
    assert codes(done) == [2, 0, 2], done.stdout + done.stderr
    assert done.stderr.count("cannot be written") == 2


def test_fault_05_a_disk_that_vanishes(on_a_disk):
    done = on_a_disk(
        "80m",
        """
gone = lambda: subprocess.run(["umount", "-l", str(disk)], check=True)
once(disk / "run/last/previous-state.pt", gone)
train(*started)
left = [path for path in disk.rglob("*") if path.is_file()]
print("left", left)
""",
    )
    assert codes(done) == [1], done.stdout + done.stderr
    assert "could not be written" in done.stderr
    assert "left []" in done.stdout
