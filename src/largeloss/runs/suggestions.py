"""Which labels of the training images are most likely wrong: tags missing, or observed wrongly.

A regression on the features of the trained model (see :mod:`.ridge`) ranks them.
docs/reference/results-labels.md compares it with the model's own scores, and says what that does
not show. It needs only ``best/``: a resumed run gives what the uninterrupted one gives.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Self

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from largeloss.config.training import TrainingConfig
from largeloss.data import Dataset, Loader
from largeloss.errors import ConfigError
from largeloss.forward import choose_for, full_memory_told
from largeloss.models import Classifier
from largeloss.notebook import SHOWN, html_table
from largeloss.runs.best_entries import BestEntries
from largeloss.runs.data import RunData, readable_data
from largeloss.runs.folds import fold_networks, fold_numbers
from largeloss.runs.load import load
from largeloss.runs.predict.predictions import plain
from largeloss.runs.ridge import Floats, Ridge, Sums
from largeloss.runs.settings import saved_settings
from largeloss.training.evaluation import evaluation_batch
from largeloss.training.listener import Listener
from largeloss.watch import watched

KEPT = 10_000_000
"""So many entries are ranked at most, the same number of each class."""
_ROWS = 1024  # of features
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Suggestions:
    """K entries of the training images, the most likely to be wrong first.

    Shapes: all arrays (K,).
    """

    images: tuple[str, ...]
    """N names of the images of the data set, by row."""
    classes: tuple[str, ...]
    """C names."""
    rows: Ints
    """Of the data set's label table."""
    columns: Ints
    scores: NDArray[np.float64]
    """The higher, the more likely; descending. No probabilities. Of observed entries: log odds of
    the other label, see :meth:`.Ridge.log_odds`."""
    states: NDArray[np.int8]
    """What the method was shown: -1 unobserved, 1 present, 0 absent."""
    truth: NDArray[np.int8]
    """The labels as they are given: 1 present, 0 absent, -1 where they say nothing."""

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}: {len(self):,} entries, the most likely to be wrong first, of "
            f"{len(self.images):,} images and {len(self.classes):,} classes: see to_arrow()>"
        )

    def of_class(self, column: int) -> Self:
        """Those of one class, best first."""
        chosen = self.columns == column
        arrays = (self.rows, self.columns, self.scores, self.states, self.truth)
        return type(self)(self.images, self.classes, *(array[chosen] for array in arrays))

    def to_arrow(self) -> pa.Table:
        """Columns ``image``, ``class``, ``label``, ``score``, ``truth``; null where unobserved."""
        return pa.table(
            {
                "image": [plain(self.images[row]) for row in self.rows.tolist()],
                "class": [self.classes[column] for column in self.columns.tolist()],
                "label": pa.array(self.states, mask=self.states < 0),
                "score": self.scores,
                "truth": pa.array(self.truth, mask=self.truth < 0),
            }
        )

    def _repr_html_(self) -> str:
        first = slice(0, SHOWN)
        found = zip(self.rows[first], self.columns[first], self.scores[first], strict=True)
        rows = [(self.images[row], self.classes[one], f"{score:.3f}") for row, one, score in found]
        caption = f"{len(rows)} of {len(self):,} entries, the most likely to be wrong first"
        return html_table(("Image", "Class", "Score"), rows, caption)

    def precision(self, k: int) -> float | None:
        """Share of the first ``k`` that are missing tags indeed, a fraction.

        None where there are fewer, where the truth of one is not known, or for observed entries.
        """
        truth, states = self.truth[:k], self.states[:k]
        if len(truth) < k or (truth < 0).any() or (states >= 0).any():
            return None
        return float((truth == 1).mean())


def suggest(run: Path) -> Suggestions:
    """The unobserved entries of the training images, see :func:`missing_and_wrong`."""
    return missing_and_wrong(run)[0]


def missing_and_wrong(
    run: Path,
    data: RunData | None = None,
    rows: Ints | None = None,
    *,
    folds: int | None = None,
    listener: Callable[[str], Listener] = lambda name: Listener(),
) -> tuple[Suggestions, Suggestions]:
    """Ranks the entries of the training images by how likely they are wrong as they are.

    Args:
        run: A run folder with a model.
        data: Of the run, where it was read already.
        rows: Only these images; None for all training images.
        folds: Score each image by what was learnt from the others: of so many folds of the training
            images, all but its own. Where the run trained the backbone, it is trained again for
            each fold, see :func:`.fold_networks`.
        listener: Makes, for a title, what is told how these trainings go on.

    Returns:
        The unobserved entries, those most likely to be missing tags first; and the observed ones.

    Raises:
        ConfigError, CheckpointError: no such run, nothing to load, or data that has changed.
        DataError, LabelError: the data cannot be read.
        RunError: a training of a fold was stopped, or failed.
    """
    settings, model = saved_settings(run), load(run)
    if data is None:
        data = readable_data(settings)
    table, truth = data.training.labels, data.reference.labels
    fits = data.training.source.sample_shape == model.sample_shape
    if table.classes != model.classes or not fits:
        raise ConfigError(
            f"The model of {run} was trained on other classes or inputs than its data has now. "
            "Restore the data, or train again in another folder."
        )
    rows = data.training.rows("train") if rows is None else rows
    limit = max(1, KEPT // table.num_classes)
    missing, wrong = (BestEntries(table.num_classes, limit) for _ in range(2))

    def add(network: Classifier, parts: list[NDArray[np.bool_]]) -> None:
        for part, scores, odds in _scores(network, data.training, rows, parts, settings.training):
            states = table.lookup(part)
            missing.add(part, scores, states < 0)
            wrong.add(part, np.where(states == 1, -odds, odds), states >= 0)

    if folds is None:
        add(model.network, [np.ones(len(rows), np.bool_)])
    else:
        fold_of = fold_numbers(len(rows), folds, settings.training.seed)
        trained = any(weight.numel() for weight in model.network.backbone.parameters())
        if settings.training.protocol == "linear" or not trained:  # the same whatever is left out
            add(model.network, [fold_of == fold for fold in range(folds)])
        else:
            for network, fold in fold_networks(run, settings, data, rows, fold_of, listener):
                add(network, [fold_of == fold])

    def named(best: BestEntries) -> Suggestions:
        found = best.ranked()
        places = found.rows, found.columns
        return Suggestions(
            table.images, table.classes, *found, table.at(*places), truth.at(*places)
        )

    return named(missing), named(wrong)


def _scores(
    network: Classifier,
    dataset: Dataset,
    rows: Ints,
    parts: list[NDArray[np.bool_]],
    trained: TrainingConfig,
) -> Iterator[tuple[Ints, Floats, Floats]]:
    """Rows, the scores (B, C) of their images, and the log odds (B, C) of a tag.

    Each of ``parts`` (N,) is scored by a regression on the other images; one that is all of them,
    by a regression on itself.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    size = evaluation_batch(min(trained.batch_size, 64), device)
    loader = Loader(
        dataset.source, dataset.labels, rows, size, workers=trained.workers, device=device
    )
    shape = (len(rows), network.head.in_features)
    with TemporaryFile() as file:  # of many images they may not fit into memory
        features: NDArray[Any] = np.memmap(file, np.float32, "w+", shape=shape)
        with full_memory_told():
            _extract(network.to(device), loader, features)
        for part in parts:
            fitted = part if part.all() else ~part
            sums = Sums.zeros(shape[1], dataset.labels.num_classes)
            for chosen in _slices(fitted):
                tags = (dataset.labels.lookup(rows[chosen]) == 1).astype(np.float64)
                sums = sums.plus(Sums.of(features[chosen].astype(np.float64), tags))
            ridge = Ridge.fit(sums)
            present, absent, _ = dataset.labels.select(rows[fitted]).counts()
            for chosen in _slices(part):
                scores = ridge.scores(features[chosen].astype(np.float64))
                yield rows[chosen], scores, ridge.log_odds(scores, present, absent)


def _slices(chosen: NDArray[np.bool_]) -> Iterator[Ints]:
    """The positions of ``chosen``, so many at a time as fit into memory in float64."""
    places = np.flatnonzero(chosen)
    yield from (places[start : start + _ROWS] for start in range(0, len(places), _ROWS))


def _extract(network: Classifier, loader: Loader, features: NDArray[Any]) -> None:
    first, forward = 0, choose_for(network, loader)
    for batch in watched(loader, "Features of images, by batch", len(loader)):
        values = forward(batch.inputs).features.cpu().numpy()
        features[first : first + len(values)] = values
        first += len(values)
