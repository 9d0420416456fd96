"""Data sets of features as folders, for the tables of docs/reference/results.md."""

from pathlib import Path

import numpy as np
import torch

from largeloss.data.folder.read import write_features
from largeloss.data.importers import arff
from largeloss.labels import write_labels

OUT = Path("runs/results")
TABULAR = {"Scene": 6, "Yeast": 14}
TABULAR_SEEDS = 5


def tabular_folders(name: str, source: Path) -> list[Path]:
    """Data folders with splits of 80, 10 and 10 %, one a seed."""
    imported = arff.read(source / f"{name}.arff.gz", TABULAR[name])
    assert imported.features is not None
    num_rows, folders = len(imported.features), []
    for seed in range(TABULAR_SEEDS):
        folder = OUT / "data" / name / str(seed)
        folder.mkdir(parents=True, exist_ok=True)
        order = np.random.default_rng(seed).permutation(num_rows)
        splits = np.full(num_rows, "train", dtype="<U5")
        splits[order[: num_rows // 10]] = "test"
        splits[order[num_rows // 10 : num_rows // 5]] = "val"
        write_labels(folder / "labels.csv", imported.table, splits=splits.tolist())
        values = torch.from_numpy(imported.features)
        write_features(folder / "features.safetensors", values, imported.table.images)
        folders.append(folder)
    return folders
