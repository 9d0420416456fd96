"""What the commands on data say of labels and splits."""

from collections.abc import Mapping
from dataclasses import replace

from rich.table import Table

from largeloss.data.dataset import Dataset
from largeloss.data.examine.split_counts import SplitCounts
from largeloss.labels.files.layouts import SPLITS


def in_order(dataset: Dataset) -> Dataset:
    """``dataset`` with its splits as everybody names them: train, val, test."""
    known = [name for name in SPLITS if name in dataset.splits]
    return replace(dataset, splits={name: dataset.splits[name] for name in known})


def split_table(splits: Mapping[str, SplitCounts]) -> Table:
    """Images and entries of each split."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("Split")
    for title in ("Images", "Present", "Absent", "Unobserved", "Present an image"):
        table.add_column(title, justify="right")
    for name, counts in splits.items():
        table.add_row(
            name,
            f"{counts.images:,}",
            f"{sum(counts.present):,}",
            f"{sum(counts.absent):,}",
            f"{sum(counts.unobserved):,}",
            f"{counts.mean_present:.2f}",
        )
    return table
