"""Scene and Yeast as folders, and what a ranking without features reaches on them."""

from pathlib import Path

import numpy as np
import torch

from largeloss.data.folder.read import write_features
from largeloss.data.importers import arff
from largeloss.labels import read_labels, write_labels
from largeloss.metrics import example_average_precision

OUT = Path("runs/results")
TABULAR = {"Scene": 6, "Yeast": 14}


def tabular_folder(name: str, source: Path) -> Path:
    """A data folder with splits of 80, 10 and 10 %."""
    imported = arff.read(source / f"{name}.arff.gz", TABULAR[name])
    assert imported.features is not None
    num_rows = len(imported.features)
    folder = OUT / "data" / name / "0"
    folder.mkdir(parents=True, exist_ok=True)
    order = np.random.default_rng(0).permutation(num_rows)
    splits = np.full(num_rows, "train", dtype="<U5")
    splits[order[: num_rows // 10]] = "test"
    splits[order[num_rows // 10 : num_rows // 5]] = "val"
    write_labels(folder / "labels.csv", imported.table, splits=splits.tolist())
    values = torch.from_numpy(imported.features)
    write_features(folder / "features.safetensors", values, imported.table.images)
    return folder


def uninformed(data: Path) -> tuple[float, float]:
    """AP by example on test of two rankings without features: class frequency, and random."""
    file = read_labels(data / "labels.csv")
    splits = np.asarray(file.splits)
    labels = file.table.to_dense()
    test = labels[splits == "test"]
    frequency = np.broadcast_to(labels[splits == "train"].mean(axis=0), test.shape)
    noise = np.random.default_rng(0).normal(size=test.shape)
    return example_average_precision(frequency, test), example_average_precision(noise, test)
