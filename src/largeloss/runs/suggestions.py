"""Which unobserved entries of the training images are most likely missing tags."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from largeloss.errors import ConfigError
from largeloss.runs.best_entries import BestEntries
from largeloss.runs.data import RunData, load_data, open_data
from largeloss.runs.load import load
from largeloss.runs.settings import saved_settings
from largeloss.training.engine import score_batches
from largeloss.training.evaluation import evaluation_loader
from largeloss.training.recipe import Recipe

KEPT = 10_000_000
"""So many entries are ranked at most, the same number of each class."""


@dataclass(frozen=True, eq=False)
class Suggestions:
    """K entries of the training images, the most likely to be wrong as they are first.

    Shapes: all arrays (K,).
    """

    images: tuple[str, ...]
    """N names of the images of the data set, by row."""
    classes: tuple[str, ...]
    """C names."""
    rows: NDArray[np.int64]
    """Of the data set's label table."""
    columns: NDArray[np.int64]
    scores: NDArray[np.float64]
    """Logits: the higher, the more likely. Descending."""
    states: NDArray[np.int8]
    """What the method was shown: -1 unobserved."""
    truth: NDArray[np.int8]
    """The labels as they are given: 1 present, 0 absent, -1 where they say nothing."""

    def __len__(self) -> int:
        return len(self.rows)

    def of_class(self, column: int) -> Self:
        """Those of one class, best first."""
        return self._only(np.flatnonzero(self.columns == column))

    def _only(self, chosen: NDArray[np.int64]) -> Self:
        arrays = (self.rows, self.columns, self.scores, self.states, self.truth)
        return type(self)(self.images, self.classes, *(array[chosen] for array in arrays))


def suggest(run: Path, data: RunData | None = None) -> Suggestions:
    """Ranks the unobserved entries of the training images by how likely they are missing tags.

    Args:
        run: A run folder with a model.
        data: Of the run, where it was read already.

    Raises:
        ConfigError, CheckpointError: no such run, nothing to load, or data that has changed.
        DataError, LabelError: the data cannot be read.
    """
    settings, model = saved_settings(run), load(run)
    if data is None:
        skips = settings.data.bad_images == "skip"
        data = load_data(settings) if skips else open_data(settings)
    table, truth = data.training.labels, data.reference.labels
    if table.classes != model.classes:
        raise ConfigError(
            f"The model of {run} was trained on other classes than its data has now. Restore the "
            "data, or train again in another folder."
        )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    best = BestEntries(table.num_classes, max(1, KEPT // table.num_classes))
    batches = evaluation_loader(data.training, "train", Recipe(), device)
    for scores in score_batches(model.network.to(device), batches):
        rows = scores.rows.numpy()
        best.add(rows, scores.logits.double().numpy(), table.lookup(rows) < 0)
    rows, columns, values = best.ranked()
    return Suggestions(
        table.images,
        table.classes,
        rows,
        columns,
        values,
        table.at(rows, columns),
        truth.at(rows, columns),
    )
