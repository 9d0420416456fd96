"""What ``make gpu`` runs, in a small form on a CPU; it goes on where it stopped."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"
CLASSES = (
    "bottle", "car", "cat", "chair", "cow", "dog", "horse", "person", "pottedplant", "sheep",
    "sofa", "tvmonitor",
)  # fmt: skip


@pytest.fixture
def data(tmp_path: Path, image_folder: Path) -> Path:
    """A small folder of data in the shape of the real one."""
    root = tmp_path / "data"
    for name, classes in (("voc-animals", CLASSES), ("fashion", ("hat", "bag"))):
        shutil.copytree(image_folder, root / name)
        lines = [f"image,split,{','.join(classes)}"]
        for row in range(30):
            split = ("train", "train", "train", "val", "test")[row % 5]
            states = (str(int((row // 5 + place) % 3 == 0)) for place in range(len(classes)))
            lines.append(f"images/{row:02d}.png,{split},{','.join(states)}")
        (root / name / "labels.csv").write_text("\n".join(lines) + "\n")
    (root / "photos").mkdir()
    for path in sorted((image_folder / "images").iterdir())[:4]:
        shutil.copy(path, root / "photos" / f"{path.stem}.jpg")
    (root / "weights").mkdir()
    state = timm.create_model("mobilenetv2_100", num_classes=0).state_dict()
    tensors = {name: tensor.contiguous() for name, tensor in state.items()}
    save_file(tensors, root / "weights/mobilenetv2_100-imagenet.safetensors")
    return root


def gpu(data: Path | None, *arguments: object) -> "subprocess.CompletedProcess[str]":
    named: dict[str, Any] = {"LARGELOSS_DATA": "" if data is None else str(data)}
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)],
        env=os.environ | {"OMP_NUM_THREADS": "1"} | named,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("only", "shown"),
    [
        ("tests", "skipped"),
        pytest.param("determinism", "with LL-R: 0 of ", marks=pytest.mark.slow),
        pytest.param("determinism,interrupted", "resumed: 0 of ", marks=pytest.mark.slow),
        pytest.param(
            "processes",
            "2 processes over gloo: weights differ from one process's by at most ",
            marks=pytest.mark.ranks,
        ),
        pytest.param("mobilenetv2_100", "images per second from JPEG", marks=pytest.mark.slow),
        pytest.param("voc-animals", "| Naive AN |", marks=pytest.mark.slow),
        pytest.param("voc-animals,devices", "by at most 0,", marks=pytest.mark.slow),
    ],
)
def test_finding_27_every_part_runs_in_a_small_form(
    only: str, shown: str, data: Path, tmp_path: Path
) -> None:
    """ResNet-50 and fashion are left out: the same code as MobileNetV2 and voc-animals."""
    command = ("--device", "cpu", "--tiny", "--out", tmp_path / "out", "--only", only)
    done = gpu(data, *command)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out/cpu-tiny/gpu.md").read_text()
    assert shown in page, page
    assert page.startswith("# Tried on a CPU: no GPU")
    assert page.count("it was not asked for (--only)") == 8 - only.count(",")
    kept = tmp_path / f"out/cpu-tiny/{only.split(',')[-1]}.json"
    written = kept.stat().st_mtime_ns
    again = gpu(data, *command)  # goes on: what is done is not done again
    assert "…" not in again.stdout
    assert kept.stat().st_mtime_ns == written
    assert shown in (tmp_path / "out/cpu-tiny/gpu.md").read_text()


def test_finding_27_what_was_not_run_is_named(tmp_path: Path) -> None:
    parts = "resnet50,fashion"
    done = gpu(None, "--device", "cpu", "--tiny", "--out", tmp_path, "--only", parts)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "cpu-tiny/gpu.md").read_text()
    why = "LARGELOSS_DATA names no folder of data."
    assert f"- ResNet-50 in bf16: {why}" in page
    assert f"- fashion, end to end: {why}" in page
    assert not list((tmp_path / "cpu-tiny").glob("*.json"))  # tried again the next time


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_finding_27_without_a_gpu_it_says_so(tmp_path: Path) -> None:
    done = gpu(None, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "There is no CUDA device here, so nothing was run." in done.stderr
    assert not (tmp_path / "out").exists()
    assert gpu(None, "--only", "nothing").returncode == 2
