"""Evaluates random scores of every annotated entry of a data folder: a step of openimages_shape.py.

python benchmarks/evaluate_openimages_shape.py DATA
"""

import sys
from pathlib import Path

import numpy as np

from largeloss.data.folder.labels_and_splits import read_records
from largeloss.data.importers.openimages import groups
from largeloss.metrics import annotated_average_precision, grouped_average_precision


def main(data: Path) -> None:
    """Prints the mean of each group, over all entries of all splits."""
    records = read_records(data)
    table = records.table
    train = table.select(records.labels_only().rows("train")).counts()
    scores = np.random.default_rng(0).random(table.num_observed, dtype=np.float32)
    ap = annotated_average_precision(scores, table.states, table.columns, table.num_classes)
    print(table.num_observed, "entries")
    print(grouped_average_precision(ap, groups(train.present + train.absent)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
