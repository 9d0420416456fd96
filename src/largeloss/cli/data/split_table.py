"""Images and entries of each split, as a table on the screen."""

from collections.abc import Mapping

from rich.table import Table

from largeloss.cli.console import out
from largeloss.data.dataset import Dataset
from largeloss.data.examine.split_counts import SplitCounts, count_splits
from largeloss.report.tables import text_table


def split_table(splits: Mapping[str, SplitCounts]) -> Table:
    """One row per split."""
    rows = []
    for name, split in splits.items():
        totals = (split.images, *map(sum, (split.present, split.absent, split.unobserved)))
        rows.append([name, *(f"{total:,}" for total in totals), f"{split.mean_present:.2f}"])
    titles = ("Split", "Images", "Present", "Absent", "Unobserved", "Present an image")
    return text_table(titles, rows)


def print_splits(dataset: Dataset) -> None:
    """Counts the labels of every split and prints them."""
    out.print(split_table(count_splits(dataset.labels, dataset.splits)))
