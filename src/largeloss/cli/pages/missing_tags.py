"""Image cards of the blank training entries that look most like missing tags."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from largeloss.cli.analyze.labels import RunLabels
from largeloss.cli.looks import image, look
from largeloss.cli.prepare import RunData
from largeloss.data import Loader
from largeloss.data.inputs.decoded_cache import DecodedCache
from largeloss.data.inputs.image_files import ImageFiles
from largeloss.data.inputs.source import Source
from largeloss.errors import ConfigError
from largeloss.models import Classifier
from largeloss.predict import load_classifier
from largeloss.report import DOINGS, METHOD_TITLES, Card, Cards, FlaggedEntry
from largeloss.training.engine import score

NUM_CARDS = 12
NUM_SCORED = 512
"""So many training images are scored where nothing was recorded."""


@dataclass(frozen=True)
class Entries:
    """Blank entries, those with the largest value first."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: NDArray[np.float64]
    """Losses, or probabilities."""

    def by_row(self) -> dict[int, list[tuple[int, float]]]:
        """Row → its classes and values, in the order of their largest value."""
        found: dict[int, list[tuple[int, float]]] = {}
        for row, column, value in zip(self.rows, self.columns, self.values, strict=True):
            found.setdefault(int(row), []).append((int(column), float(value)))
        return found


def recorded_cards(labels: RunLabels, data: RunData) -> Cards:
    """Of what a recorded run flagged in its last epoch, or could have."""
    last = labels.recorded.num_epochs - 1
    losses = labels.recorded.losses(last)
    places = labels.recorded.flagged(last).astype(np.int64)
    title = METHOD_TITLES.get(labels.method, labels.method)
    doing, lead = DOINGS.get(labels.method, ("Flagged", ""))
    if len(places):
        truth = labels.reference[places[:, 0], places[:, 1]]
        heading = f"{title} {doing.lower()} {len(places):,} blank entries in its last epoch"
        if (truth >= 0).any():
            right = 100 * (truth == 1).sum() / (truth >= 0).sum()
            heading += f"; {right:.0f} % of them were missing tags"
        lead = f"{lead} Shown are those with the largest losses."
    else:
        places = np.stack(np.nonzero(labels.training < 0), axis=1)
        order = np.argsort(-losses[places[:, 0], places[:, 1]].astype(np.float32), kind="stable")
        places = places[order[:NUM_CARDS]]
        heading = "The largest losses of the last epoch"
        lead = f"{title} flagged no label; these blank entries had the largest losses."
    values = losses[places[:, 0], places[:, 1]].astype(np.float64)
    order = np.argsort(-values, kind="stable")
    places, values = places[order], values[order]
    entries = Entries(labels.recorded.rows[places[:, 0]], places[:, 1], values)
    model, _ = load_classifier(labels.run)
    return Cards(
        heading, lead, doing, _cards(entries, data, model, lambda loss: f"loss {loss:.1f}")
    )


def scored_cards(run: Path, data: RunData) -> Cards:
    """Of the blank entries that the trained model takes most surely for present."""
    model, _ = load_classifier(run)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows = data.training.rows("train")
    if len(rows) > NUM_SCORED:
        rows = np.sort(np.random.default_rng(0).choice(rows, NUM_SCORED, replace=False))
    loader = Loader(data.training.source, data.training.labels, rows, 64, workers=0, device=device)
    logits = score(model.to(device), loader).logits.double().cpu().numpy()
    logits[data.training.labels.lookup(rows) >= 0] = -np.inf
    order = np.argsort(-logits, axis=None, kind="stable")[: NUM_CARDS * 2]
    image, column = np.unravel_index(order[np.isfinite(logits.ravel()[order])], logits.shape)
    values = 1 / (1 + np.exp(-logits[image, column]))
    entries = Entries(rows[image], column.astype(np.int64), values)
    return Cards(
        "Tags that are probably missing",
        f"Of {len(rows):,} training images, the blank entries that the model takes most surely "
        "for present.",
        "Probably missing",
        _cards(entries, data, model, lambda probability: f"{100 * probability:.0f} %"),
    )


def _cards(
    entries: Entries, data: RunData, model: Classifier, detail: Callable[[float], str]
) -> tuple[Card, ...]:
    known, truth, source = data.training.labels, data.reference.labels, data.reference.source
    names = known.classes
    cards = []
    for row, flagged in list(entries.by_row().items())[:NUM_CARDS]:
        tagged = known.lookup(np.array([row]))[0] == 1
        states = truth.lookup(np.array([row]))[0]
        pixels = _shown(source, row)
        entries_of_card = (
            FlaggedEntry(
                names[column],
                None if states[column] < 0 else bool(states[column] == 1),
                detail(value),
                None if place else _looked(model, source, row, column, pixels),
            )
            for place, (column, value) in enumerate(flagged)
        )
        cards.append(
            Card(
                known.images[row],
                pixels,
                tuple(names[column] for column in np.flatnonzero(tagged)),
                tuple(entries_of_card),
                None
                if (states < 0).any()
                else tuple(names[column] for column in np.flatnonzero(states == 1)),
            )
        )
    return tuple(cards)


def _shown(source: Source, row: int) -> NDArray[np.uint8]:
    if isinstance(source, DecodedCache):
        source = source.files
    if isinstance(source, ImageFiles):
        return image(source.paths[row])
    pixels: NDArray[np.uint8] = source.read([row], [False])[0].permute(1, 2, 0).numpy()
    return pixels


def _looked(
    model: Classifier, source: Source, row: int, column: int, pixels: NDArray[np.uint8]
) -> NDArray[np.uint8] | None:
    try:
        overlays, _ = look(model, source.read([row], [False]), [column], pixels)
    except ConfigError:  # the network has no such maps
        return None
    return overlays[0]
