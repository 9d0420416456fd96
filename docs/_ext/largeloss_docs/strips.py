"""A small experiment that pages of the concepts draw: strips of three handwritten digits.

Everything takes seconds: a network of one hidden layer, and 8×8 pixels per digit.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

from largeloss.losses import PartialLabelLoss
from largeloss.metrics import mean_average_precision

INK = "#7a7f87"
"""Readable on a light and on a dark page; figures have no background."""
GREY, ORANGE, BLUE, GREEN = "#9aa0a6", "#e8710a", "#1a73e8", "#188038"
PLACES, CLASSES, HIDDEN = 3, 10, 256


class Strips(NamedTuple):
    """Images of up to three digits, and what is in them."""

    pixels: Tensor  # (N, 192)
    truth: Tensor  # (N, 10) int8: 1 present, 0 absent
    labels: Tensor  # (N, 10) int8: one tag per image, drawn at random; -1 elsewhere


class Course(NamedTuple):
    """What a training came to, whenever it was measured."""

    test_map: NDArray[np.float64]  # in percent
    losses: dict[str, NDArray[np.float64]]  # "tag", "missing tag", "true absence" → mean loss


def strips(number: int, seed: int) -> Strips:
    """Strips in which each place holds a digit nine times of ten, the first always.

    Even and odd seeds have different handwritten digits.
    """
    stream, digits = np.random.default_rng(seed), load_digits()
    chosen = 2 * stream.integers(0, len(digits.data) // 2, (number, PLACES)) + seed % 2
    shown = stream.random((number, PLACES)) < 0.9
    shown[:, 0] = True
    pixels = digits.data[chosen] / 16 * shown[..., None]
    truth = np.zeros((number, CLASSES), dtype=np.int8)
    rows, places = np.nonzero(shown)
    truth[rows, digits.target[chosen[rows, places]]] = 1
    labels = np.full_like(truth, -1)
    drawn = np.where(truth == 1, stream.random(truth.shape), -1).argmax(axis=1)
    labels[np.arange(number), drawn] = 1
    flat = torch.from_numpy(pixels.reshape(number, -1).astype(np.float32))
    return Strips(flat, torch.from_numpy(truth), torch.from_numpy(labels))


def train(
    loss: PartialLabelLoss,
    data: Strips,
    labels: Tensor,
    test: Strips,
    epochs: int = 60,
    every: int = 1,
) -> Course:
    """A small network trained by a loss of largeloss, and measured after ``every`` few epochs."""
    torch.manual_seed(0)
    width = data.pixels.shape[1]
    model = nn.Sequential(nn.Linear(width, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, CLASSES))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    kinds = {
        "tag": data.labels == 1,
        "missing tag": (data.labels == -1) & (data.truth == 1),
        "true absence": (data.labels == -1) & (data.truth == 0),
    }
    test_map: list[float] = []
    losses: dict[str, list[float]] = {kind: [] for kind in kinds}
    for epoch in range(epochs):
        loss.set_epoch(epoch)
        for rows in torch.randperm(len(labels)).split(50):
            optimizer.zero_grad()
            loss(model(data.pixels[rows]), labels[rows]).backward()
            optimizer.step()
        if (epoch + 1) % every:
            continue
        with torch.no_grad():
            test_map.append(mean_average_precision(model(test.pixels), test.truth).value)
            logits = model(data.pixels)
        blank_is_absent = (data.labels == 1).float()
        entries = F.binary_cross_entropy_with_logits(logits, blank_is_absent, reduction="none")
        for kind, mask in kinds.items():
            losses[kind].append(entries[mask].mean().item())
    return Course(np.array(test_map), {kind: np.array(held) for kind, held in losses.items()})


def panels(number: int = 1, height: float = 3.0) -> tuple[Figure, list[Axes]]:
    """A figure for light and dark pages, with panels side by side."""
    colours = {
        f"{part}.color": INK for part in ("text", "xtick", "ytick")
    } | {"axes.labelcolor": INK, "axes.edgecolor": INK, "axes.titlecolor": INK}  # fmt: skip
    more: dict[str, Any] = {
        "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
        "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
        "legend.labelcolor": INK, "font.size": 10, "figure.dpi": 120,
    }  # fmt: skip
    plt.rcParams.update(colours | more)
    figure, axes = plt.subplots(1, number, figsize=(7.2, height), layout="constrained")
    return figure, [axes] if number == 1 else list(axes)


def draw_labels(axes: Axes, data: Strips, rows: Sequence[int]) -> None:
    """Images with their labels: a tag, a missing tag, a true absence."""
    for place, row in enumerate(rows):
        picture = data.pixels[row].reshape(PLACES, 8, 8).permute(1, 0, 2).reshape(8, -1)
        extent = (-4.6, -0.9, place + 0.42, place - 0.42)
        axes.imshow(picture, cmap="gray", extent=extent, aspect="auto", interpolation="nearest")
        for column in range(CLASSES):
            if data.labels[row, column] == 1:
                axes.text(column, place, "✓", ha="center", va="center", color=BLUE, size=13)
            elif data.truth[row, column] == 1:
                axes.scatter(column, place, s=90, facecolors="none", edgecolors=ORANGE, lw=2)
            else:
                axes.scatter(column, place, s=4, color=GREY)
    axes.set(xlim=(-4.8, CLASSES - 0.4), ylim=(len(rows) - 0.4, -0.6), yticks=[])
    axes.set_xticks(range(CLASSES), [str(digit) for digit in range(CLASSES)])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
