"""Everything that waits for a GPU, in one command that continues: writes docs/reference/gpu.md.

Each part is kept in runs/gpu/DEVICE/ when it is done, and skipped the next time; a part that fails
is named on the page with its reason, and tried again. Without a GPU,

    python benchmarks/gpu.py --device cpu --tiny --out FOLDER

runs every part in a small form, so that the command itself is tested; its page goes into FOLDER.

    LARGELOSS_DATA=… make gpu
"""

import argparse
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from largeloss.files import write_json, write_text
from largeloss.training.weights import load_weights
from largeloss.version import __version__

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "performance"))
PAGE = Path("docs/reference/gpu.md")
METHODS = "full,an,ll-r,ll-ct,ll-cp"
WEIGHTS = "weights/mobilenetv2_100-imagenet.safetensors"
NETWORK = (
    "--backbone", "mobilenetv2_100", "--set", "model.args={pad_type: same}",
    "--set", "model.mean=[0.5, 0.5, 0.5]", "--set", "model.std=[0.5, 0.5, 0.5]",
)  # fmt: skip


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

    def call(self, *command: str, log: str) -> str:
        """Runs Python with ``command``; what it printed, which is kept in a file, too.

        Raises:
            NotRunError: it failed; with the last lines.
        """
        hidden = {} if self.device == "cuda" else {"CUDA_VISIBLE_DEVICES": ""}
        done = subprocess.run(
            [sys.executable, "-m", *command],
            env=os.environ | hidden,
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
    one, two = (load_weights(run / "best") for run in runs)
    differing = [name for name in one if not torch.equal(one[name], two[name])]
    return [f"Two trainings of the digit scenes with LL-R: {len(differing)} of {len(one)} differ."]


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
        batch, steps = (2, 1) if place.tiny else (64, 160)
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
            "--seeds", size[2], "--methods", size[3], "--out", str(out), log=data,
        )  # fmt: skip
        seconds = [
            json.loads(path.read_text())["wall_seconds"] for path in out.glob("*/result.json")
        ]
        table = (out / "table.md").read_text(encoding="utf-8").strip().splitlines()
        return [*table, "", f"{len(seconds)} runs, {sum(seconds) / 60:.1f} minutes together."]

    return compared


def digits(place: Place) -> list[str]:
    """Arguments of a training of the digit scenes."""
    size = ("1", "20", "256") if place.tiny else ("5", "48", "64")
    named = zip(("--epochs", "--image-size", "--batch-size"), size, strict=True)
    return ["--preset", "digits/ll-r", "--workers", "0", *(part for pair in named for part in pair)]


PARTS: dict[str, tuple[str, Callable[[Place], list[str]]]] = {
    "tests": ("Tests marked for a GPU, and sync debug mode", tests),
    "determinism": ("Determinism", determinism),
    "processes": ("Several processes", processes),
    "resnet50": ("ResNet-50 in bf16", speed("resnet50")),
    "mobilenetv2_100": ("MobileNetV2 in bf16", speed("mobilenetv2_100")),
    "fashion": ("fashion, end to end", whole("fashion")),
    "voc-animals": ("voc-animals, end to end", whole("voc-animals")),
}


def run(place: Place, only: list[str]) -> dict[str, Any]:
    """Runs what is missing; each part's lines, or why it was not run."""
    found: dict[str, Any] = {}
    for name, (title, part) in PARTS.items():
        kept = place.out / f"{name}.json"
        if kept.is_file():
            found[name] = json.loads(kept.read_text(encoding="utf-8"))
            continue
        if only and name not in only:
            found[name] = {"missing": "it was not asked for (--only)"}
            continue
        print(f"{title} …", flush=True)
        try:
            found[name] = {"lines": part(place), "commit": commit()}
        except NotRunError as why:
            found[name] = {"missing": str(why)}
            print(f"  not run: {why}", flush=True)
        else:
            write_json(kept, found[name])
    return found


def page(place: Place, found: dict[str, Any]) -> str:
    """The page in Markdown."""
    done = {name: part for name, part in found.items() if "lines" in part}
    lines = [
        f"# On a GPU: {place.name}" if place.device == "cuda" else "# Tried on a CPU: no GPU",
        "",
        f"Written by `make gpu` (`benchmarks/gpu.py`): largeloss {__version__}, PyTorch "
        f"{torch.__version__}, CUDA {torch.version.cuda or 'none'}"
        f"{', every part in a small form' if place.tiny else ''}.",
    ]
    for name, part in done.items():
        lines += ["", f"## {PARTS[name][0]}", "", *part["lines"], "", f"Commit {part['commit']}."]
    lines += ["", "## Not run", ""]
    missing = {name: part["missing"] for name, part in found.items() if name not in done}
    lines += [f"- {PARTS[name][0]}: {why}." for name, why in missing.items()] or ["Nothing."]
    return "\n".join(lines) + "\n"


def commit() -> str:
    """Of this checkout."""
    command = ["git", "-C", str(HERE), "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def main() -> None:
    """Runs everything that is missing and writes the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="Every part in a small form.")
    parser.add_argument("--only", default="", help=f"Of {','.join(PARTS)}.")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"))
    given = parser.parse_args()
    only = [name for name in given.only.split(",") if name]
    if unknown := set(only) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if given.device == "cuda" and not torch.cuda.is_available():
        sys.exit(
            "There is no CUDA device here, so nothing was run. To try the command itself: "
            "python benchmarks/gpu.py --device cpu --tiny --out FOLDER."
        )
    place = Place(given.device, given.tiny, given.out)
    kind = re.sub(r"\W+", "-", place.name).strip("-").lower() + "-tiny" * given.tiny
    place = Place(given.device, given.tiny, given.out / kind)
    place.out.mkdir(parents=True, exist_ok=True)
    target = PAGE if given.device == "cuda" and not given.tiny else place.out / "gpu.md"
    write_text(target, page(place, run(place, only)))
    print(f"written: {target}")


if __name__ == "__main__":
    main()
