"""Class activation maps of several methods side by side: the paper's figure."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from numpy.typing import NDArray

SIDE = 2.2
"""Width of a cell, in inches."""
LINE = 0.35
"""Height of what is written beneath it, in inches."""


@dataclass(frozen=True)
class Look:
    """A row: an image and a class."""

    name: str
    """The image's."""
    image: NDArray[np.uint8]
    """(H, W, 3)."""
    caption: str
    """Which class, and whether it was a given tag."""
    overlays: tuple[NDArray[np.uint8], ...]
    """(H, W, 3), a method each."""
    scores: tuple[float, ...]
    """Probability of the class, by each method."""


def write_cam_figure(path: Path, methods: Sequence[str], looks: Sequence[Look]) -> None:
    """Writes a PNG, SVG or PDF, by the suffix.

    Args:
        path: Of the figure; its folder must exist.
        methods: Titles of the columns.
        looks: The rows.
    """
    with style.context("default"):
        columns = 1 + len(methods)
        aspects = [look.image.shape[0] / look.image.shape[1] for look in looks]
        heights = [SIDE * aspect + LINE for aspect in aspects]
        figure = Figure(figsize=(SIDE * columns, sum(heights) + LINE), dpi=150)
        grid = figure.subplots(
            len(looks), columns, squeeze=False, gridspec_kw={"height_ratios": heights}
        )
        for axes, look in zip(grid, looks, strict=True):
            cells = [(look.image, look.caption)]
            cells += [
                (image, f"{100 * score:.0f} %")
                for image, score in zip(look.overlays, look.scores, strict=True)
            ]
            for plot, (image, below) in zip(axes, cells, strict=True):
                plot.imshow(image)
                plot.set_xticks([])
                plot.set_yticks([])
                plot.spines[:].set_visible(False)
                plot.set_xlabel("\n".join(textwrap.wrap(below, 28)), fontsize=9)
        for plot, title in zip(grid[0], ("Image", *methods), strict=True):
            plot.set_title(title, fontsize=11)
        figure.tight_layout(pad=0.6)
        figure.savefig(path)
