"""The parts of ``make gpu``: what is run, and the lines that the page shows of it."""

import importlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch

from largeloss.files import write_text
from largeloss.pages.learning_curves import history
from largeloss.training.run_folder import METRICS
from largeloss.training.weights import load_weights

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "performance"))
METHODS = "full,an,ll-r,ll-ct,ll-cp"
WEIGHTS = "weights/mobilenetv2_100-imagenet.safetensors"
NETWORK = (
    "--backbone", "mobilenetv2_100", "--set", "model.args={pad_type: same}",
    "--set", "model.mean=[0.5, 0.5, 0.5]", "--set", "model.std=[0.5, 0.5, 0.5]",
)  # fmt: skip


TWICE = (
    "Two trainings of digit scenes (the small network `digits`, 48 pixels, 5 epochs, no workers)"
)


class NotRunError(Exception):
    """A part cannot be run here; says why."""


@dataclass(frozen=True)
class Place:
    """Where the parts run, and how large they are."""

    device: str
    """cuda or cpu."""
    tiny: bool
    out: Path

    @property
    def name(self) -> str:
        """Of the device."""
        return torch.cuda.get_device_name() if self.device == "cuda" else "CPU"

    @property
    def processes(self) -> int:
        """As many as there are GPUs; two on a CPU."""
        return torch.cuda.device_count() if self.device == "cuda" else 2

    @property
    def data(self) -> Path:
        """The folder of real data.

        Raises:
            NotRunError: none was named.
        """
        root = os.environ.get("LARGELOSS_DATA")
        if not root:
            raise NotRunError("LARGELOSS_DATA names no folder of data")
        return Path(root)

    def environment(self, hidden: bool = False) -> dict[str, str]:
        """Of a process; the GPU may be hidden from it."""
        blind = hidden or self.device == "cpu"
        return os.environ | ({"CUDA_VISIBLE_DEVICES": ""} if blind else {})

    def call(self, *command: str, log: str, hidden: bool = False) -> str:
        """Runs Python with ``command``; what it printed, which is kept in a file, too.

        Raises:
            NotRunError: it failed; with the last lines.
        """
        done = subprocess.run(
            [sys.executable, "-m", *command],
            env=self.environment(hidden),
            capture_output=True,
            text=True,
            check=False,
        )
        printed = done.stdout + done.stderr
        write_text(self.out / f"{log}.log", printed)
        if done.returncode:
            last = " ".join(printed.strip().splitlines()[-3:])
            raise NotRunError(f"failed with exit code {done.returncode}: {last}")
        return printed


def tests(place: Place) -> list[str]:
    """The tests marked for a GPU, among them those in sync debug mode."""
    command = ["pytest", "-q", "-p", "no:cacheprovider", "-o", "addopts=", "-m", "gpu"]
    folder = HERE.parent / ("tests/losses" if place.tiny else "tests")
    printed = place.call(*command, str(folder), log="tests")
    return [f"`pytest -m gpu`: {printed.strip().splitlines()[-1].strip('= ')}"]


def determinism(place: Place) -> list[str]:
    """Two trainings of the digit scenes have the same weights, to the last bit."""
    runs = [place.out / f"determinism-{number}" for number in (1, 2)]
    for run in runs:
        resumed = ["--resume"] if (run / "config.yaml").exists() else digits(place)
        place.call("largeloss", "train", *resumed, "--out", str(run), log=run.name)
    return [f"{TWICE} with LL-R: {differing(*runs)} tensors differ."]


def differing(one: Path, other: Path) -> str:
    """How many tensors of the best weights of two runs are not equal bit for bit."""
    first, second = load_weights(one / "best"), load_weights(other / "best")
    number = sum(not torch.equal(first[name], second[name]) for name in first)
    return f"{number} of {len(first)}"


def interrupted(place: Place) -> list[str]:
    """A training that is killed, and resumed, has the weights of one that was not."""
    whole, broken = place.out / "determinism-1", place.out / "interrupted"
    if not (whole / "result.json").is_file():
        raise NotRunError("it is compared with a training of the part determinism")
    shutil.rmtree(broken, ignore_errors=True)
    command = [sys.executable, "-m", "largeloss", "train", *digits(place), "--out", str(broken)]
    with subprocess.Popen(command, env=place.environment(), stdout=subprocess.DEVNULL) as training:
        while training.poll() is None and finished_epochs(broken) < 2:
            time.sleep(0.01)
        training.kill()
    if (broken / "result.json").is_file():
        raise NotRunError("the training ended before it was killed")
    epochs = finished_epochs(broken)
    place.call("largeloss", "train", "--resume", "--out", str(broken), log="interrupted")
    return [
        f"The same training, killed (SIGKILL) with {epochs} finished epochs and resumed: "
        f"{differing(whole, broken)} tensors differ from those of the uninterrupted one."
    ]


def finished_epochs(run: Path) -> int:
    """Of a training, by its metrics."""
    return len(history(run)["epoch"]) if (run / METRICS).is_file() else 0


def devices(place: Place) -> list[str]:
    """What was trained here gives the same scores on the CPU."""
    run, photos = place.out / "voc-animals/an-seed0", place.data / "photos"
    if not (run / "result.json").is_file():
        raise NotRunError("it takes a network of the part voc-animals")
    found = {}
    for name, precision in (("cpu", "fp32"), ("here", "fp32"), ("here", "bf16")):
        scores = place.out / f"scores-{name}-{precision}.parquet"
        scores.unlink(missing_ok=True)
        place.call(
            "largeloss", "predict", str(run), str(photos), "--out", str(scores),
            "--precision", precision, "--backend", "torch",
            log=scores.stem, hidden=name == "cpu",
        )  # fmt: skip
        table = pq.read_table(scores).drop_columns(["image", "tags"])
        found[name, precision] = np.stack([column.to_numpy() for column in table.columns])
    expected = found.pop(("cpu", "fp32"))
    lines = []
    for (_, precision), values in found.items():
        apart = np.abs(values - expected)
        lines.append(
            f"{expected.shape[1]} photographs in {precision}: probabilities differ from the CPU's "
            f"in fp32 by at most {apart.max():.2g}, in the mean by {apart.mean():.2g}."
        )
    return lines


def processes(place: Place) -> list[str]:
    """Several processes equal one, over NCCL (over gloo on a CPU)."""
    if place.processes < 2:
        raise NotRunError("it needs two GPUs, and there is one")
    number, runs = place.processes, []
    launcher = ["torch.distributed.run", "--standalone", f"--nproc-per-node={number}", "-m"]
    for name, start in (("one-process", []), ("processes", launcher)):
        runs.append(place.out / name)
        resumed = ["--resume"] if (runs[-1] / "config.yaml").exists() else digits(place)
        place.call(*start, "largeloss", "train", *resumed, "--out", str(runs[-1]), log=name)
    one, two = (load_weights(run / "best") for run in runs)
    apart = max(float((one[n].double() - two[n].double()).abs().max()) for n in one)
    means = [json.loads((run / "result.json").read_text())["test_map"] for run in runs]
    backend = "NCCL" if place.device == "cuda" else "gloo"
    return [
        f"{number} processes over {backend}: weights differ from one process's by at most "
        f"{apart:.2g}; test mAP {means[1]:.2f}, of one process {means[0]:.2f}."
    ]


def speed(backbone: str) -> Callable[[Place], list[str]]:
    """Images a second in bf16, with the share of the loss and of the input beside plain BCE."""

    def measured(place: Place) -> list[str]:
        sizes = (32,) if place.tiny else (224, 448)
        batch, steps = (2, 1) if place.tiny else (64, 20)
        if not (place.data / "photos").is_dir():
            raise NotRunError(f"{place.data} has no photos/")
        rows = importlib.import_module("rows.gpu_training")
        lines = rows.lines(place.device, backbone, sizes, batch, steps)
        return [f"{line.size}: {line.ours}." for line in lines]

    return measured


def whole(data: str) -> Callable[[Place], list[str]]:
    """A comparison end to end at 224 pixels from the given weights, three seeds."""

    def compared(place: Place) -> list[str]:
        out, folder, weights = place.out / data, place.data / data, place.data / WEIGHTS
        for needed in (folder, weights):
            if not needed.exists():
                raise NotRunError(f"{needed.name} is not in LARGELOSS_DATA")
        own = ["--config", str(HERE / "voc-animals.yaml")] if data == "voc-animals" else []
        size = ("32", "1", "1", "an,ll-r") if place.tiny else ("224", "10", "3", METHODS)
        place.call(
            "largeloss", "compare", str(folder), *own, *NETWORK, "--weights", str(weights),
            "--observe", "single-positive", "--image-size", size[0], "--epochs", size[1],
            "--seeds", size[2], "--methods", size[3], "--workers", "4",
            "--cache", str(place.out / "cache"), "--out", str(out), log=data,
        )  # fmt: skip
        seconds = [
            json.loads(path.read_text())["wall_seconds"] for path in out.glob("*/result.json")
        ]
        table = (out / "table.md").read_text(encoding="utf-8").strip().splitlines()
        return [*table, "", f"{len(seconds)} runs, {sum(seconds) / 60:.1f} minutes together."]

    return compared


def digits(place: Place) -> list[str]:
    """Arguments of a training of the digit scenes."""
    size = ("3", "20", "256") if place.tiny else ("5", "48", "64")
    named = zip(("--epochs", "--image-size", "--batch-size"), size, strict=True)
    return ["--preset", "digits/ll-r", "--workers", "0", *(part for pair in named for part in pair)]


PARTS: dict[str, tuple[str, Callable[[Place], list[str]]]] = {
    "tests": ("Tests marked for a GPU, and sync debug mode", tests),
    "determinism": ("Determinism", determinism),
    "interrupted": ("Killed and resumed", interrupted),
    "processes": ("Several processes", processes),
    "resnet50": ("ResNet-50 in bf16", speed("resnet50")),
    "mobilenetv2_100": ("MobileNetV2 in bf16", speed("mobilenetv2_100")),
    "fashion": ("fashion, end to end", whole("fashion")),
    "voc-animals": ("voc-animals, end to end", whole("voc-animals")),
    "devices": ("The same network on the CPU", devices),
}
