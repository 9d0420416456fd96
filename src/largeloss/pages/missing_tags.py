"""Cards of the unobserved training entries that are most likely missing tags."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from largeloss.data.inputs.source import Source
from largeloss.errors import ConfigError
from largeloss.losses import Action, action_of, title_of
from largeloss.models import Classifier
from largeloss.pages.activation_maps import map_overlays, shown_row
from largeloss.report.cards import Card, Cards, FlaggedEntry
from largeloss.report.flagged_table import FlaggedRow, FlaggedTable
from largeloss.runs.data import RunData
from largeloss.runs.load import load
from largeloss.runs.recorded_labels import RecordedLabels
from largeloss.runs.suggestions import missing_and_wrong

NUM_CARDS = 12
NUM_LISTED = 20_000
"""So many flagged entries are listed at most."""
NUM_SCORED = 512
"""So many training images are scored where nothing was recorded."""


def recorded_cards(labels: RecordedLabels, data: RunData) -> Cards:
    """Of the entries that a recorded run flagged in its last epoch, or of its largest losses."""
    last = labels.recorded.num_epochs - 1
    losses = labels.recorded.losses(last)
    places = labels.recorded.flagged(last).astype(np.int64)
    title = title_of(labels.method)
    action = action_of(labels.method) or Action("Flagged", "", "")
    if len(places):
        truth = labels.reference[places[:, 0], places[:, 1]]
        heading = f"{title} {action.word.lower()} {len(places):,} blank entries in its last epoch"
        if (truth >= 0).any():
            right = 100 * (truth == 1).sum() / (truth >= 0).sum()
            heading += f"; {right:.0f} % of them were missing tags"
        lead = (
            f"{action.sentence} Missing tags and true absences come first on as many cards as is "
            "their share of all flagged entries; of each kind those with the largest losses."
        )
    else:
        places = np.stack(np.nonzero(labels.training < 0), axis=1)
        order = np.argsort(-losses[places[:, 0], places[:, 1]].astype(np.float32), kind="stable")
        places = places[order[:NUM_CARDS]]
        heading = "The largest losses of the last epoch"
        lead = f"{title} flagged no label; these blank entries had the largest losses."
    values = losses[places[:, 0], places[:, 1]].astype(np.float64)
    order = np.argsort(-values, kind="stable")
    places, values = places[order], values[order]
    places, values = _in_proportion(places, values, labels.reference)
    entries = zip(labels.recorded.rows[places[:, 0]], places[:, 1], values, strict=True)
    model = load(labels.run).network
    cards = _cards(entries, data, model, lambda loss: f"loss {loss:.1f}")
    return Cards(heading, lead, action.word, cards)


def flagged_table(labels: RecordedLabels) -> FlaggedTable:
    """The entries that a recorded run flagged in its last epoch; at most :data:`NUM_LISTED`."""
    last = labels.recorded.num_epochs - 1
    places = labels.recorded.flagged(last).astype(np.int64)
    values = labels.recorded.losses(last)[places[:, 0], places[:, 1]].astype(np.float64)
    order = np.argsort(-values, kind="stable")[:NUM_LISTED]
    truth = labels.reference[places[order, 0], places[order, 1]].tolist()
    rows = labels.recorded.rows[places[order, 0]].tolist()
    listed = zip(rows, places[order, 1].tolist(), values[order].tolist(), truth, strict=True)
    return FlaggedTable(
        title_of(labels.method),
        tuple(
            FlaggedRow(
                labels.images[row], labels.classes[column], loss, None if true < 0 else true == 1
            )
            for row, column, loss, true in listed
        ),
        len(places),
    )


def _in_proportion(
    places: NDArray[np.int64], values: NDArray[np.float64], reference: NDArray[np.int8]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Entries (E, 2) and their values for the cards: first one entry of each card's image.

    Those are missing tags, true absences and unknown in the proportion of all entries, at least
    one of each kind; of each kind the first, which have the largest values.
    """
    truth = reference[places[:, 0], places[:, 1]]
    leading: dict[int, int] = {}  # image → entry
    for state in (1, 0, -1):
        entries = np.flatnonzero(truth == state)
        share = len(entries) / max(1, len(truth))
        wanted = len(leading) + max(bool(len(entries)), round(NUM_CARDS * share))
        for entry in entries.tolist():
            if len(leading) == wanted:
                break
            leading.setdefault(int(places[entry, 0]), entry)
    first = sorted(leading.values())
    rest = [entry for entry in range(len(places)) if int(places[entry, 0]) in leading]
    order = list(dict.fromkeys([*first, *rest]))
    return places[order], values[order]


def scored_cards(run: Path, data: RunData) -> Cards:
    """Of the unobserved entries that are suggested first, see :mod:`largeloss.runs.suggestions`."""
    rows = data.training.rows("train")
    if len(rows) > NUM_SCORED:
        rows = np.sort(np.random.default_rng(0).choice(rows, NUM_SCORED, replace=False))
    found, _ = missing_and_wrong(run, data, rows)
    first = slice(NUM_CARDS * 2)
    entries = zip(found.rows[first], found.columns[first], found.scores[first], strict=True)
    return Cards(
        "Tags that are probably missing",
        f"Of {len(rows):,} training images, the blank entries that 'largeloss suggest' ranks first "
        "among them.",
        "Probably missing",
        _cards(entries, data, load(run).network, lambda score: f"score {score:.2f}"),
    )


def _cards(
    entries: Iterable[tuple[int, int, float]],
    data: RunData,
    model: Classifier,
    detail: Callable[[float], str],
) -> tuple[Card, ...]:
    """One card per image, of (row, class, value) with the largest value first."""
    by_row: dict[int, list[tuple[int, float]]] = {}
    for row, column, value in entries:
        by_row.setdefault(int(row), []).append((int(column), float(value)))
    shown, truth, source = data.training.labels, data.reference.labels, data.reference.source
    names = shown.classes
    cards = []
    for row, flagged in list(by_row.items())[:NUM_CARDS]:
        tagged = shown.lookup(np.array([row]))[0] == 1
        states = truth.lookup(np.array([row]))[0]
        pixels = shown_row(source, row)
        entries_of_card = tuple(
            FlaggedEntry(
                names[column],
                None if states[column] < 0 else bool(states[column] == 1),
                detail(value),
                None if place else _overlay(model, source, row, column, pixels),
            )
            for place, (column, value) in enumerate(flagged)
        )
        tags, present = (
            tuple(names[column] for column in np.flatnonzero(one)) for one in (tagged, states == 1)
        )
        known = None if (states < 0).any() else present
        cards.append(Card(shown.images[row], pixels, tags, entries_of_card, known))
    return tuple(cards)


def _overlay(
    model: Classifier, source: Source, row: int, column: int, pixels: NDArray[np.uint8]
) -> NDArray[np.uint8] | None:
    try:
        overlays, _ = map_overlays(model, source.read([row], [False]), [column], pixels)
    except ConfigError:  # the network has no such maps
        return None
    return overlays[0]
