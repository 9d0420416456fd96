"""Class activation maps of several runs, laid over the same images."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from largeloss.analysis.cam import activation_maps, normalized
from largeloss.analysis.overlay import overlay
from largeloss.data.inputs.decoded_cache import DecodedCache
from largeloss.data.inputs.image_files import ImageFiles, open_rgb
from largeloss.data.inputs.source import Source
from largeloss.errors import ConfigError, DataError, LargelossError
from largeloss.losses import title_of
from largeloss.models import Classifier
from largeloss.report.cam_figure import ActivationMapRow
from largeloss.runs.data import DataReader
from largeloss.runs.load import load
from largeloss.runs.settings import saved_settings

SIDE = 480
"""Of a shown image's longer side in pixels, at most."""


def shown_image(path: Path, max_value: int | None = None) -> NDArray[np.uint8]:
    """(H, W, 3): with its own aspect, reduced where it is large.

    Raises:
        DataError: it cannot be read.
    """
    found = open_rgb(path, max_value)
    found.thumbnail((SIDE, SIDE))
    return np.asarray(found)


def files_of(source: Source) -> ImageFiles | None:
    """The files that inputs are read from, also those of a cache; None where there are none."""
    if isinstance(source, DecodedCache):
        return source.files
    return source if isinstance(source, ImageFiles) else None


def shown_row(source: Source, row: int) -> NDArray[np.uint8]:
    """(H, W, 3): as :func:`shown_image` where there is a file, else in the size of the data."""
    files = files_of(source)
    if files is not None:
        return shown_image(files.paths[row], files.max_value)
    pixels: NDArray[np.uint8] = source.read([row], [False])[0].permute(1, 2, 0).numpy()
    return pixels


@torch.no_grad()
def map_overlays(
    model: Classifier, inputs: Tensor, classes: Sequence[int], pixels: NDArray[np.uint8]
) -> tuple[list[NDArray[np.uint8]], Tensor]:
    """The image with the map of each class (a column) laid over it, and the logits (C,) of all.

    ``inputs`` (1, 3, h, w) uint8 is the image as the model takes it, ``pixels`` (H, W, 3) as shown.

    Raises:
        ConfigError: the model has no maps.
    """
    inputs = inputs.to(next(model.parameters()).device)
    chosen = torch.tensor(list(classes), dtype=torch.int64)
    maps = activation_maps(model, inputs)[0].cpu()[chosen]
    with model.scoring():
        logits = model(inputs).logits[0].cpu()
    spread = normalized(maps, *pixels.shape[:2]).numpy()
    return [overlay(pixels, one) for one in spread], logits


class ActivationMaps:
    """Of several runs, for the same images.

    Raises:
        ConfigError: runs of different classes, or no run.
    """

    def __init__(self, runs: Sequence[Path]) -> None:
        self.models = [load(run) for run in runs]
        self.classes = list(self.models[0].classes)
        for run, model in zip(runs, self.models, strict=True):
            if list(model.classes) != self.classes:
                raise ConfigError(
                    f"{run} knows other classes than {runs[0]}; compare runs of one data set."
                )
            if len(model.sample_shape) != 3:
                raise ConfigError(f"{run} was trained on features; there is no image to map.")
        self.settings = saved_settings(runs[0])
        self.titles = tuple(title_of(model.saved["method"]["name"]) for model in self.models)
        self._read = DataReader()

    def rows(self, text: str, names: Sequence[str] | None) -> list[ActivationMapRow]:
        """A row for each class of an image: of a file, or of that name in the first run's data.

        Without ``names``, the classes are the tags given in training, else what the first run
        sees, else what it takes for most probable.

        Raises:
            ConfigError: no such class.
            DataError: no such image.
        """
        unknown = [name for name in names or () if name not in self.classes]
        if unknown:
            raise ConfigError(
                f"The runs know no class {unknown[0]!r}; they know {', '.join(self.classes[:12])}"
                f"{', …' if len(self.classes) > 12 else ''}."
            )
        path, pixels, given = self._find(text)
        as_read = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
        inputs = [(model.preprocess(path) if path else as_read)[None] for model in self.models]
        seen, most = self._seen(inputs[0])
        wanted = list(names or given or seen) or [most]
        columns = [self.classes.index(name) for name in wanted]
        results = [
            map_overlays(model.network, one, columns, pixels)
            for model, one in zip(self.models, inputs, strict=True)
        ]
        return [
            ActivationMapRow(
                text,
                pixels,
                f"{name} ({_standing(name, given, seen)})",
                tuple(overlays[place] for overlays, _ in results),
                tuple(
                    float(model.scores(logits)[columns[place]])
                    for model, (_, logits) in zip(self.models, results, strict=True)
                ),
            )
            for place, name in enumerate(wanted)
        ]

    def _find(self, text: str) -> tuple[Path | None, NDArray[np.uint8], list[str]]:
        """The file, if it is one; the image as shown; the tags given."""
        if Path(text).is_file():
            return Path(text), shown_image(Path(text), self.models[0].max_value), []
        try:
            data = self._read(self.settings)
        except LargelossError as error:
            raise DataError(
                f"{text} is no file, and the run's data cannot be read: {error}"
            ) from None
        images = data.training.labels.images
        if text not in images:
            raise DataError(
                f"{text} is neither a file nor an image of the run's data, where they are named "
                f"like {images[0]}."
            )
        row = images.index(text)
        states = data.training.labels.lookup(np.array([row]))[0]
        names = data.training.labels.classes
        given = [names[i] for i in np.flatnonzero(states == 1) if names[i] in self.classes]
        source = data.reference.source
        files = files_of(source)
        path = None if files is None else files.paths[row]
        return path, shown_row(source, row), given

    def _seen(self, inputs: Tensor) -> tuple[list[str], str]:
        """The classes above the first run's thresholds, and the most probable one."""
        model = self.models[0]
        with torch.no_grad():
            logits = model(inputs.to(next(model.parameters()).device))[0].cpu()
        thresholds = torch.from_numpy(model.logit_thresholds)
        seen = [name for name, over in zip(self.classes, logits > thresholds, strict=True) if over]
        return seen, self.classes[int(logits.argmax())]


def _standing(name: str, given: Sequence[str], seen: Sequence[str]) -> str:
    if given:
        return "given tag" if name in given else "not tagged"
    return "seen" if name in seen else "not seen"
