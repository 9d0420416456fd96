"""The labels that a method is trained on: chosen, counted, and remarks on them for the user."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from largeloss.data import Dataset
from largeloss.errors import LabelError
from largeloss.labels.names import spelling_remark
from largeloss.losses import find_method
from largeloss.runs.data import RunData


def training_dataset(data: RunData, method: str) -> Dataset:
    """What the method is trained on: complete labels if it needs them, else the observed ones.

    Raises:
        ConfigError: no such method.
    """
    return data.reference if find_method(method).trains_on_complete_labels else data.training


def training_labels(data: RunData, method: str) -> Dataset:
    """:func:`training_dataset`, after a look at its training labels.

    Raises:
        ConfigError: no such method.
        LabelError: unobserved labels where complete ones are needed, or nothing to learn from.
    """
    complete = find_method(method).trains_on_complete_labels
    dataset = training_dataset(data, method)
    train = dataset.labels.select(dataset.rows("train"))
    num_entries = train.num_images * train.num_classes
    blank = num_entries - train.num_observed
    if complete and blank:
        raise LabelError(
            f"Method {method!r} needs complete labels, but {blank} of {num_entries} training "
            "entries are blank. Choose a method for partial labels, for example ll-r."
        )
    if not (train.states == 1).any():
        share = "all" if blank == num_entries else f"{blank} of the"
        raise LabelError(
            f"Not one tag is present (1) in the {train.num_images} training images of "
            f"{dataset.name}: {share} {num_entries} entries are blank. There is nothing to learn. "
            "Look at the label file and its splits."
        )
    return dataset


def training_counts(data: RunData, dataset: Dataset) -> dict[str, tuple[int, int, int, int | None]]:
    """Class → training images in which it is present, absent, unobserved, missing.

    Missing are unobserved ones that are present in the reference; None where no label was hidden.
    """
    shown, truth = (
        table.labels.select(table.rows("train")).counts() for table in (dataset, data.reference)
    )
    columns = (shown.present, shown.absent, shown.unobserved, truth.present - shown.present)
    hidden_any = data.training is not data.reference
    return {
        name: (int(present), int(absent), int(unobserved), int(missing) if hidden_any else None)
        for name, present, absent, unobserved, missing in zip(
            dataset.labels.classes, *columns, strict=True
        )
    }


def label_remarks(dataset: Dataset, method: str) -> list[str]:
    """What the user should know of the training labels."""
    kind, found = find_method(method), list(dataset.notes)
    if remark := spelling_remark(dataset.labels.classes):
        found.append(remark)
    train = dataset.labels.select(dataset.rows("train"))
    if not kind.trains_on_complete_labels and train.is_complete:
        found.append(
            f"No training entry is blank, so {method} takes every 0 for an observed absence. Where "
            "0 means 'nobody annotated it', leave these cells blank."
        )
    blank_rows = np.flatnonzero(np.diff(train.offsets) == 0)
    if len(blank_rows):
        found.append(
            f"{len(blank_rows)} of {train.num_images} training images have no label at all, for "
            f"example {train.images[blank_rows[0]]}; methods that assume absence still learn from "
            "them."
        )
    counts = train.counts()
    if kind.needs_observed_negatives and not counts.absent.any():
        found.append(
            f"Not one absence was observed in training: {method} learns from presences alone, and "
            "may well take everything for present."
        )
    empty = [name for name, n in zip(train.classes, counts.present, strict=True) if not n]
    if empty:
        found.append(
            f"No training image is tagged {', '.join(empty[:8])}: nothing is learnt of it."
        )
    return found


def balance_remark(classes: Sequence[str], tags: NDArray[np.integer], weights: Tensor) -> str:
    """What the tags of the rarest and of the most frequent class weigh; (C,) each."""
    tagged = np.flatnonzero(tags)
    ends = (tagged[tags[tagged].argmin()], tagged[tags[tagged].argmax()])
    rare, frequent = (
        f"{float(weights[one]):.2f} ({classes[one]}, {tags[one]} observed)" for one in ends
    )
    return f"Balanced: observed tags of the classes weigh from {rare} to {frequent}."
