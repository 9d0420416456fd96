"""Images and entries of each split, as a table on the screen."""

from collections.abc import Mapping

from rich.table import Table

from largeloss.cli.console import out
from largeloss.data.dataset import Dataset
from largeloss.data.examine.split_counts import SplitCounts, count_splits


def split_table(splits: Mapping[str, SplitCounts]) -> Table:
    """One row a split."""
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


def print_splits(dataset: Dataset) -> None:
    """Counts the labels of every split and prints them."""
    out.print(split_table(count_splits(dataset.labels, dataset.splits)))
