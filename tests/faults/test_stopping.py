"""Faults 1 to 16: a run that is stopped, killed, or taken up again with something changed."""

import json
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from largeloss.training.checkpoint_file import load_state, previous
from processes import SMALL

ROOT = Path(__file__).parents[2]


def result(run):
    found = json.loads((run / "result.json").read_text())
    return {name: found[name] for name in ("test_map", "last_test_map", "test_ap", "best_epoch")}


def weights(run):
    return load_file(run / "best/model.safetensors")


def same_runs(one, two) -> bool:
    left, right = weights(one), weights(two)
    return result(one) == result(two) and all(torch.equal(left[k], right[k]) for k in left)


def test_fault_01_02_killed_at_any_moment_and_within_saves(tmp_path):
    sweep = [sys.executable, str(ROOT / "benchmarks/kill_sweep.py"), "--kills", "6", "--out"]
    done = subprocess.run(
        [*sweep, str(tmp_path)], capture_output=True, text=True, timeout=280, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith("0 runs differ.")
    assert not list(tmp_path.glob("*-cut/last/*.partial"))


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["03", "04"]
)
@pytest.mark.parametrize("method", ["ll-cp"])
def test_fault_03_04_12_a_signal_saves_the_step_and_the_edits(
    command, image_folder, tmp_path, number, code, method
):
    arguments = ("train", image_folder, *SMALL, "--method", method, "--delta-rel", "5")
    epochs = ("--epochs", "120", "--record", "losses")
    whole = command(*arguments, *epochs, "--out", tmp_path / "whole").ended()
    assert whole[0] == 0, whole
    cut = command(*arguments, *epochs, "--out", tmp_path / "cut")
    cut.wait_for(tmp_path / "cut/recorded/losses-003.npy")
    cut.process.send_signal(number)
    ended, _, err = cut.ended()
    assert ended == code, err
    assert "The last step is saved" in err
    assert "--resume" in err
    assert not (tmp_path / "cut/result.json").exists()
    resumed = command("train", "--resume", "--out", tmp_path / "cut").ended()
    assert resumed[0] == 0, resumed
    assert same_runs(tmp_path / "whole", tmp_path / "cut")
    if method == "ll-cp":
        edits = [(tmp_path / n / "corrections.parquet").read_bytes() for n in ("whole", "cut")]
        assert edits[0] == edits[1]


def test_fault_04_the_second_interruption_ends_at_once(command, image_folder, tmp_path):
    waiting = (
        "import time, largeloss.training.evaluation as selection\n"
        "from pathlib import Path\n"
        "assert selection.score\n"
        f"selection.score = lambda *_: (Path({str(tmp_path / 'there')!r}).touch(), time.sleep(90))"
    )
    run = command(
        "train", image_folder, *SMALL, "--method", "an", "--epochs", "9", "--out",
        tmp_path / "run", setup=waiting,
    )  # fmt: skip
    run.wait_for(tmp_path / "there")
    run.process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        run.process.wait(3)  # the first is noted, and acted on after scoring
    run.process.send_signal(signal.SIGINT)  # a third would meet Python's own ending
    code, _, err = run.ended()
    assert code == 130, err
    assert "Interrupted at once" in err


SLOW_DISK = """
import os, time
flush = os.fsync
def slowly(handle):
    BEGUN.touch()
    time.sleep(0.2)
    flush(handle)
os.fsync = slowly
"""


def test_fault_03_05_a_signal_while_a_slow_disk_is_written(command, image_folder, tmp_path):
    arguments = ("train", image_folder, *SMALL, "--epochs", "4")
    assert command(*arguments, "--out", tmp_path / "whole").ended()[0] == 0
    begun, cut_run = tmp_path / "begun", tmp_path / "cut"
    slow = f"from pathlib import Path\nBEGUN = Path({str(begun)!r})\n{SLOW_DISK}"
    cut = command(*arguments, "--checkpoint-every", "1", "--out", cut_run, setup=slow)
    cut.wait_for(cut_run / "last/state.pt")
    begun.unlink()
    cut.wait_for(begun)
    cut.process.send_signal(signal.SIGTERM)
    code, _, err = cut.ended()
    assert code == 143, err
    assert "The last step is saved" in err
    assert not list(cut_run.rglob("*.partial"))
    code, _, err = command("train", "--resume", "--out", cut_run).ended()
    assert code == 0, err
    assert same_runs(tmp_path / "whole", cut_run)


FULL_DISK = """
import resource, sys
from pathlib import Path
import torch
from largeloss.training.checkpoint_file import load_state, save_state
from largeloss.errors import CheckpointError
path = Path(sys.argv[1])
save_state(path, {"n": torch.arange(10)})
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    save_state(path, {"n": torch.zeros(100_000)})
except CheckpointError as error:
    print(error)
assert load_state(path)["n"].tolist() == list(range(10))
assert [p.name for p in path.parent.iterdir()] == [path.name]
"""


def test_fault_05_a_full_disk_leaves_the_old_checkpoint(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "state.pt")],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "could not be written" in done.stdout
    assert "make room" in done.stdout


def test_fault_06_an_output_folder_that_cannot_be(largeloss, image_folder, tmp_path):
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "run"
    code, _, err = largeloss("train", image_folder, *SMALL, "--epochs", "1", "--out", out)
    assert code == 2
    assert "cannot be written" in err


@pytest.fixture
def cut_run(largeloss, image_folder, tmp_path):
    """A run of two epochs whose result is taken away, as if it had been killed at its end."""
    run = tmp_path / "run"
    arguments = ("train", image_folder, *SMALL, "--method", "ll-r", "--epochs", "2")
    code, _, err = largeloss(*arguments, "--out", run)
    assert code == 0, err
    (run / "result.json").unlink()
    return run


@pytest.mark.parametrize("damage", ["07 flipped bit", "08 truncated"])
def test_fault_07_flipped_bit_08_truncated_checkpoint(largeloss, cut_run, damage):
    path = cut_run / "last/state.pt"
    content = bytearray(path.read_bytes())
    if damage.startswith("07"):
        content[len(content) // 2] ^= 1
    else:
        del content[len(content) // 2 :]
    path.write_bytes(content)
    code, _, err = largeloss("train", "--resume", "--out", cut_run)
    assert code == 1
    assert "checksum" in err
    assert f"cp {previous(path)} {path}" in err
    previous(path).replace(path)
    assert load_state(path)["epoch"] == 0
    code, _, err = largeloss("train", "--resume", "--out", cut_run)
    assert code == 0, err


def test_fault_09_malicious_weights(largeloss, image_folder, tmp_path):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    (tmp_path / "evil.pt").write_bytes(pickle.dumps(Evil()))
    code, _, err = largeloss(
        "train", image_folder, *SMALL[2:], "--backbone", "resnet18", "--weights",
        tmp_path / "evil.pt", "--out", tmp_path / "run",
    )  # fmt: skip
    assert code == 2
    assert "safetensors" in err
    assert not (tmp_path / "ran").exists()


def test_fault_10_another_configuration(largeloss, cut_run):
    code, _, err = largeloss("train", "--resume", "--out", cut_run, "--backbone", "resnet18")
    assert code == 2
    assert "model.backbone: digits → resnet18" in err


def test_fault_11_changed_labels(largeloss, image_folder, cut_run):
    path = image_folder / "labels.csv"
    lines = path.read_text().splitlines()
    lines[1] = lines[1][:-3] + ("0,1" if lines[1].endswith("1,0") else "1,0")
    path.write_text("\n".join(lines) + "\n")
    code, _, err = largeloss("train", "--resume", "--out", cut_run)
    assert code == 1
    assert "fingerprint" in err


def test_fault_13_two_runs_in_one_folder(command, largeloss, image_folder, tmp_path):
    out = tmp_path / "run"
    first = command("train", image_folder, *SMALL, "--epochs", "500", "--out", out)
    first.wait_for(out / "last/state.pt")
    code, _, err = largeloss("train", "--resume", "--out", out)
    assert code == 2
    assert "Another process is writing" in err
    first.process.kill()
    first.ended()
    assert (out / "last/state.pt").exists()


KILLING = """
import os, signal
from largeloss.data.inputs.image_files import ImageFiles
read = ImageFiles.read
def killed(self, rows, flips):
    if os.environ.get("PARENT") != str(os.getpid()) and any(row == 20 for row in rows):
        os.kill(os.getpid(), signal.SIGKILL)
    return read(self, rows, flips)
ImageFiles.read = killed
os.environ["PARENT"] = str(os.getpid())
"""


def test_fault_14_a_killed_worker(command, image_folder, tmp_path):
    settings = list(SMALL)
    settings[settings.index("--workers") + 1] = "1"
    run = command(
        "train", image_folder, *settings, "--epochs", "2", "--out", tmp_path / "run",
        setup=KILLING,
    )  # fmt: skip
    code, _, err = run.ended()
    assert code == 1, err
    assert "process that decodes images has died" in err
    assert "Traceback" not in err


def test_fault_15_logits_that_are_not_finite(largeloss, image_folder, tmp_path):
    settings = list(SMALL)
    settings[settings.index("--lr") + 1] = "1e30"
    code, _, err = largeloss(
        "train", image_folder, *settings, "--epochs", "3", "--out", tmp_path / "run"
    )
    assert code == 1
    assert "NaN or infinite" in err
    assert "images/" in err


def test_fault_16_another_number_of_threads(command, cut_run):
    run = command(
        "train", "--resume", "--out", cut_run, setup="import torch; torch.set_num_threads(2)"
    )
    code, _, err = run.ended()
    assert code == 0, err
    assert "begun with 1 threads and goes on with 2" in err
    noted = json.loads((cut_run / "result.json").read_text())["notes"]
    assert any("goes on with 2" in text for text in noted)


def test_fault_41_names_that_are_hard_to_bear(largeloss, image_folder, tmp_path):
    hard = tmp_path / "a name\nwith ünïcode, spaces"
    image_folder.rename(hard)
    table = (hard / "labels.csv").read_text()
    (hard / "images/00.png").rename(hard / "images/a, bü c.png")
    (hard / "labels.csv").write_text(table.replace("images/00.png", '"images/a, bü c.png"'))
    out = tmp_path / "out with\nnewline"
    code, _, err = largeloss("train", hard, *SMALL, "--epochs", "1", "--out", out)
    assert code == 0, err
    assert yaml.safe_load((out / "config.yaml").read_text())["data"]["path"] == str(hard)
    code, _, err = largeloss("evaluate", out)
    assert code == 0, err


def test_fault_41_file_names_that_are_not_utf8(largeloss, image_folder, tmp_path):
    odd = os.fsdecode(b"images/\xff\xfe.png")
    (image_folder / "images/00.png").rename(image_folder / odd)
    code, _, err = largeloss(
        "train", image_folder, *SMALL, "--epochs", "1", "--out", tmp_path / "run"
    )
    assert code == 2
    assert "images/00.png" in err


def test_fault_41_a_clock_that_is_set_back(command, image_folder, tmp_path):
    backwards = (
        "import time, itertools\nticks = itertools.count()\ntime.time = lambda: 1e9 - next(ticks)\n"
    )
    run = command(
        "train", image_folder, *SMALL, "--epochs", "1", "--out", tmp_path / "run",
        setup=backwards,
    )  # fmt: skip
    code, _, err = run.ended()
    assert code == 0, err


@pytest.mark.parametrize("workers", ["0", "2"])
def test_fault_42_the_same_seed_gives_the_same_bits(command, image_folder, tmp_path, workers):
    settings = list(SMALL)
    runs = []
    for number in (workers, "0"):
        settings[settings.index("--workers") + 1] = number
        out = tmp_path / f"run-{len(runs)}"
        done = command("train", image_folder, *settings, "--epochs", "2", "--out", out).ended()
        assert done[0] == 0, done
        runs.append(out)
    assert same_runs(*runs)


def test_fault_07_flipped_bit_in_the_weights(largeloss, cut_run):
    path = cut_run / "best/model.safetensors"
    content = bytearray(path.read_bytes())
    content[-7] ^= 1
    path.write_bytes(content)
    code, _, err = largeloss("evaluate", cut_run)
    assert code == 1
    assert "checksum" in err
