"""Images' places, features and boxes of joined data folders."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from largeloss.data.dataset import Dataset
from largeloss.data.folder.boxes import BOXES, read_boxes
from largeloss.data.folder.labels_and_splits import Records
from largeloss.data.importers.imported import Boxes
from largeloss.data.inputs.source import FeatureArray
from largeloss.labels import LabelTable

Parts = Sequence[tuple[str, Records]]


def places(parts: Parts) -> Mapping[str, Path] | None:
    """For each collection the folder of its images; None where inputs are features."""
    found = {name: records.folders for name, records in parts}
    return {name: path for name, path in found.items() if isinstance(path, Path)} or None


def join_features(data: Sequence[tuple[str, Dataset]]) -> Tensor | None:
    """The features of all collections, one after another; None where there are images."""
    sources = [dataset.source for _, dataset in data]
    values = [source.values for source in sources if isinstance(source, FeatureArray)]
    return torch.cat(values) if values else None


def join_boxes(
    parts: Parts, rename: Mapping[str, Mapping[str, str]], table: LabelTable
) -> tuple[Boxes | None, tuple[str, ...]]:
    """The boxes of all collections by row and column of the joined ``table``, and remarks."""
    position = {name: column for column, name in enumerate(table.classes)}
    found, without = [], []
    start = 0
    for name, records in parts:
        own = records.table
        path = records.root / BOXES
        if path.is_file():
            boxes = read_boxes(path, own)
            changes = rename.get(name, {})
            # the last place serves column -1: a box of every class
            target = [position[changes.get(one, one)] for one in own.classes] + [-1]
            columns = np.array(target, dtype=np.int32)[boxes.columns]
            found.append(boxes._replace(rows=boxes.rows + start, columns=columns))
        else:
            without.append(name)
        start += own.num_images
    if not found:
        return None, ()
    remarks = [f"{name} has no boxes; those of the others are kept." for name in without]
    return Boxes(*(np.concatenate(column) for column in zip(*found, strict=True))), tuple(remarks)
