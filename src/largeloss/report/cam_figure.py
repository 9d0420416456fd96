"""Class activation maps of several methods side by side, as in the figure of the paper."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from numpy.typing import NDArray

from largeloss.files import written_atomically
from largeloss.runs.output_kinds import FIGURE_TITLE

SIDE = 2.2
"""Width of a cell, in inches."""
LINE = 0.35
"""Height of the text below a cell, in inches."""


@dataclass(frozen=True)
class ActivationMapRow:
    """A row of the figure: an image and a class."""

    name: str
    """Name of the image."""
    image: NDArray[np.uint8]
    """(H, W, 3)."""
    caption: str
    """The class, and whether it is a tag in the training labels."""
    overlays: tuple[NDArray[np.uint8], ...]
    """(H, W, 3): the image with the map over it, one per method."""
    scores: tuple[float, ...]
    """Probability of the class, one per method."""


def write_cam_figure(path: Path, methods: Sequence[str], rows: Sequence[ActivationMapRow]) -> None:
    """Writes a PNG, SVG or PDF with one column per method; the suffix of ``path`` decides.

    Raises:
        RunError: it cannot be written; what was there is as it was.
    """
    with (
        style.context(["default", {"text.parse_math": False}]),
        written_atomically(path) as partial,
    ):
        columns = 1 + len(methods)
        aspects = [row.image.shape[0] / row.image.shape[1] for row in rows]
        heights = [SIDE * aspect + LINE for aspect in aspects]
        figure = Figure(figsize=(SIDE * columns, sum(heights) + LINE), dpi=150)
        grid = figure.subplots(
            len(rows), columns, squeeze=False, gridspec_kw={"height_ratios": heights}
        )
        for axes, row in zip(grid, rows, strict=True):
            images = (row.image, *row.overlays)
            texts = (row.caption, *(f"{100 * score:.0f} %" for score in row.scores))
            for plot, image, below in zip(axes, images, texts, strict=True):
                plot.imshow(image)
                plot.set_xticks([])
                plot.set_yticks([])
                plot.spines[:].set_visible(False)
                plot.set_xlabel("\n".join(textwrap.wrap(below, 28)), fontsize=9)
        for plot, title in zip(grid[0], ("Image", *methods), strict=True):
            plot.set_title(title, fontsize=11)
        figure.tight_layout(pad=0.6)
        kind = path.suffix.removeprefix(".")
        figure.savefig(partial, format=kind, metadata={"Title": FIGURE_TITLE})
