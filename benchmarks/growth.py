"""How cost grows with images, classes and processes: measured where possible, modelled beyond.

    python benchmarks/growth.py   # make growth: writes docs/reference/growth.svg, prints numbers

Three drawings. An epoch of LL-R on a linear head over the number of images; a step of the loss
alone over the number of classes; a step of a ResNet-18 over the number of processes, each with as
many images as one alone has (weak scaling): up to four are measured, more are modelled. And on
paper, what GPUs would lose to the exchange; ``--processes`` prints this and the step alone.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib import pyplot as plt

from largeloss import distributed
from largeloss.data import Dataset, FeatureArray
from largeloss.data.inputs.loader import Loader
from largeloss.labels import LabelTable
from largeloss.losses import LargeLossRejection
from largeloss.models import build_classifier
from largeloss.objective import Objective
from largeloss.training.engine import train_epoch
from largeloss.training.start import start, synchronised
from largeloss.training.updates import Updates

IMAGE = Path("docs/reference/growth.svg")
IMAGES = (1_000, 4_000, 16_000, 64_000, 256_000)
CLASSES = (20, 80, 300, 1_200, 5_000, 10_000)
BATCH, DIMENSIONS = 64, 256
BATCH, SIDE = 16, 96
"""Of each process."""
MODELLED = (2, 4, 8, 16, 32, 64)
LINKS = {"10 Gbit/s": 1.25e9, "100 Gbit/s": 12.5e9}
"""Bytes a second that each process sends and receives."""
GPU_STEP, GPU_BATCH, GPU_GRADIENT = 0.1, 64, 25.6e6 * 4
"""Assumed, not measured: seconds per step, images of each GPU, bytes of ResNet-50's gradient."""
SELECTED = 0.01 * GPU_BATCH * 80
"""Flagged entries of each GPU's batch, of 80 classes at 1 %: 4 bytes each are gathered."""
MARK = "seconds"
GRADIENT = 11.7e6 * 4
"""Bytes of ResNet-18's gradient."""


def main() -> None:
    """Measures, prints, draws."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one-process", action="store_true", help="used by itself, by torchrun")
    parser.add_argument("--processes", action="store_true", help="only steps of several processes")
    arguments = parser.parse_args()
    if arguments.one_process:
        print(f"\n{MARK}", *process_step(), flush=True)
        return
    torch.set_num_threads(1)
    by_processes = [(num, *torchrun(num)) for num in (1, 2, 4)]
    for number, seconds, cpu in by_processes:
        print(
            f"processes: {number}: {seconds:.3g} s a step of ResNet-18, {cpu:.3g} s of CPU time "
            f"of each, {by_processes[0][2] / cpu:.0%} of one's efficiency by it"
        )
    for name, bandwidth in LINKS.items():
        shares = ", ".join(f"{num}: {gpu_efficiency(num, bandwidth):.0%}" for num in MODELLED)
        print(f"on paper, GPUs at {name} each: efficiency {shares}")
    if arguments.processes:
        return
    by_images = [(num, epoch_seconds(num)) for num in IMAGES]
    by_classes = [(num, loss_seconds(num)) for num in CLASSES]
    for title, points, unit in (
        ("images", by_images, "s an epoch"),
        ("classes", by_classes, "s a step of the loss"),
    ):
        for number, seconds in points:
            print(f"{title}: {number:,}: {seconds:.3g} {unit}")
    print(f"slope over the last two sizes, images: {slope(by_images):.2f}")
    print(f"slope over the last two sizes, classes: {slope(by_classes):.2f}")
    draw(by_images, by_classes, [(number, seconds) for number, seconds, _ in by_processes])
    print(f"written: {IMAGE}")


def epoch_seconds(num_images: int) -> float:
    """Of LL-R on a linear head, 20 classes."""
    torch.manual_seed(0)
    stream = np.random.default_rng(0)
    features = torch.randn(num_images, DIMENSIONS)
    states = np.full((num_images, 20), -1, dtype=np.int8)
    states[np.arange(num_images), stream.integers(20, size=num_images)] = 1
    rows = np.arange(num_images)
    splits = {"train": rows, "val": rows[:1], "test": rows[:1]}
    data = Dataset("f", FeatureArray(features), LabelTable.from_dense(states), splits)
    loader = Loader(data.source, data.labels, rows, BATCH, seed=0)
    model = build_classifier(
        "none", 20, (DIMENSIONS,), mean=[0.0] * DIMENSIONS, std=[1.0] * DIMENSIONS
    )
    criterion = LargeLossRejection(delta_rel=0.5)
    criterion.set_epoch(2)
    objective = Objective(model, criterion)
    optimizer = torch.optim.Adam(objective.parameters(), fused=True)

    def epoch() -> None:
        for _ in train_epoch(objective, loader, Updates(optimizer)):
            pass

    return median(epoch, 3)


def loss_seconds(num_classes: int) -> float:
    """Of forward and backward of LL-R."""
    torch.manual_seed(0)
    logits = torch.randn(BATCH, num_classes, requires_grad=True)
    labels = torch.full((BATCH, num_classes), -1, dtype=torch.int8)
    labels[torch.arange(BATCH), torch.randint(num_classes, (BATCH,))] = 1
    criterion = LargeLossRejection(delta_rel=0.5)
    criterion.set_epoch(2)
    repeats = max(1, 500_000 // (BATCH * num_classes))

    def steps() -> None:
        for _ in range(repeats):
            torch.autograd.backward(criterion(logits, labels))

    return median(steps, 9) / repeats


def process_step() -> tuple[float, float]:
    """Of ResNet-18 with LL-R, in a group of processes: the slowest process's seconds, and the mean
    CPU time of each, which does not grow where processes share cores."""
    torch.set_num_threads(1)
    device = start()
    torch.manual_seed(0)
    model = build_classifier("resnet18", 20, (3, SIDE, SIDE))
    criterion = LargeLossRejection(delta_rel=0.5)
    criterion.set_epoch(2)
    objective = synchronised(Objective(model, criterion).to(device), device)
    optimizer = torch.optim.Adam(objective.parameters(), fused=True)
    images = torch.randint(0, 256, (BATCH, 3, SIDE, SIDE), dtype=torch.uint8)
    labels = torch.full((BATCH, 20), -1, dtype=torch.int8)
    labels[:, 0] = 1

    def step() -> None:
        optimizer.zero_grad()
        torch.autograd.backward(objective(images, labels, torch.arange(BATCH)).loss)
        optimizer.step()

    began = time.process_time()
    slowest = max(distributed.gather_objects(median(step, 9)))
    cpu = statistics.mean(distributed.gather_objects(time.process_time() - began)) / 10
    distributed.barrier()
    return slowest, cpu


def torchrun(number: int) -> tuple[float, float]:
    """:func:`process_step` of ``number`` processes on this machine."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command = [*launcher, f"--nproc-per-node={number}", __file__, "--one-process"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    found = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    seconds, cpu = found[0].removeprefix(MARK).split()
    return float(seconds), float(cpu)


def modelled(alone: float, number: int, bandwidth: float) -> float:
    """A step of one process, and a ring all-reduce of the gradient, none of it overlapped."""
    return alone + 2 * (number - 1) / number * GRADIENT / bandwidth


def gpu_efficiency(number: int, bandwidth: float) -> float:
    """The share of its time that each of ``number`` GPUs computes, none of the exchange overlapped:
    a ring all-reduce of the gradient, and the gather of every GPU's largest losses by all."""
    exchanged = 2 * (number - 1) / number * GPU_GRADIENT
    gathered = (number - 1) * number * SELECTED * 4
    return GPU_STEP / (GPU_STEP + (exchanged + gathered) / bandwidth)


def median(work: Callable[[], object], rounds: int) -> float:
    """Seconds, after one round that is not counted."""
    work()
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def slope(points: Sequence[tuple[int, float]]) -> float:
    """Exponent of growth between the last two points: 1 is linear."""
    (x0, y0), (x1, y1) = points[-2:]
    return float(np.log(y1 / y0) / np.log(x1 / x0))


def draw(
    by_images: Sequence[tuple[int, float]],
    by_classes: Sequence[tuple[int, float]],
    by_processes: Sequence[tuple[int, float]],
) -> None:
    """Writes the drawings side by side."""
    matplotlib.rcParams |= {"svg.hashsalt": "growth", "font.size": 9, "figure.facecolor": "white"}
    figure, (images, classes, processes) = plt.subplots(1, 3, figsize=(11, 3.4))
    for axes, points, across, up in (
        (images, by_images, "images", "seconds per epoch"),
        (classes, by_classes, "classes", "seconds per step"),
    ):
        axes.loglog(*zip(*points, strict=True), "o-", color="#0068ad", label="measured")
        last_x, last_y = points[-1]
        line = [(x, last_y * x / last_x) for x, _ in points]
        axes.loglog(*zip(*line, strict=True), "--", color="#888888", label="in proportion")
        axes.set(xlabel=across, ylabel=up)
    images.set_title("Linear head, LL-R", fontsize=10)
    classes.set_title(f"Loss of {BATCH} images, LL-R", fontsize=10)
    alone = by_processes[0][1]
    processes.plot(*zip(*by_processes, strict=True), "o-", color="#0068ad", label="measured, here")
    for (name, bandwidth), style in zip(LINKS.items(), ("--", ":"), strict=True):
        values = [modelled(alone, number, bandwidth) for number in MODELLED]
        processes.plot(MODELLED, values, style, color="#c9490b", label=f"modelled, {name}")
    processes.set_xscale("log", base=2)
    processes.set(xlabel="processes", ylabel="seconds per step", ylim=(0, None))
    processes.set_xticks([1, *MODELLED], [str(number) for number in (1, *MODELLED)])
    processes.set_title(f"ResNet-18, {BATCH} images per process", fontsize=10)
    for axes in (images, classes, processes):
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(IMAGE, metadata={"Date": None})


if __name__ == "__main__":
    main()
