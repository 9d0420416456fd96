"""A data set examined: labels, splits, images, duplicates, and what is wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from largeloss.data.dataset import Dataset
from largeloss.data.examine.duplicates import DuplicateGroup, find_duplicates
from largeloss.data.examine.image_statistics import ImageStatistics, survey_images
from largeloss.data.examine.missing_positives import MissingPositives, estimate_missing
from largeloss.data.examine.problems import find_errors, find_warnings
from largeloss.data.examine.split_counts import SplitCounts, count_splits
from largeloss.data.folder.image_paths import likely_names
from largeloss.data.inputs.image_files import ImageFiles
from largeloss.labels.entries import check_range


@dataclass(frozen=True)
class Examination:
    """What was found; plain data."""

    name: str
    images: int
    classes: tuple[str, ...]
    splits: Mapping[str, SplitCounts]
    train_only: tuple[str, ...]
    """Classes that are present in train and in no other split; none without other splits."""
    never_in_train: tuple[str, ...]
    """Classes that are present in another split and not in train; none without train."""
    missing_positives: Mapping[str, MissingPositives]
    """For each split, since splits are often annotated in different ways."""
    image_statistics: ImageStatistics | None
    """None where inputs are not files."""
    duplicates: tuple[DuplicateGroup, ...] | None
    """Groups of identical files (bytes only); None where inputs are not files."""
    warnings: tuple[str, ...]
    """What is possible, but likely to surprise, in sentences."""
    errors: tuple[str, ...]
    """What makes training or its measurement impossible or wrong, in sentences."""

    def as_json(self) -> dict[str, Any]:
        """Dictionaries, lists, strings and finite numbers, by the names of the fields."""
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return plain


def examine(dataset: Dataset, *, decode: bool = True, workers: int = 2) -> Examination:
    """Looks at labels, splits and, where inputs are files, at every image.

    Identical images are found by the bytes of their files, not by their pixels. Labels are
    counted sparsely, however many classes there are.

    Images in no split are examined too. Without ``decode`` only their headers are read, and damage
    after that is not found. ``workers`` are threads.

    Raises:
        LabelError: a split has a row that is not there.
    """
    table, splits, source = dataset.labels, dataset.splits, dataset.source
    for rows in splits.values():
        check_range(rows, range(table.num_images), "row")
    counts = count_splits(table, splits)
    statistics, duplicates, hint = None, None, ""
    if isinstance(source, ImageFiles):
        statistics = survey_images(
            source.paths,
            table.images,
            decode=decode,
            workers=workers,
            max_value=source.max_value,
        )
        duplicates = find_duplicates(source.paths, table, splits, workers)
        broken = [row for row, name in enumerate(table.images) if name in statistics.broken]
        hint = likely_names(source.paths, broken).strip()
    absent = {name: set(split.never_present) for name, split in counts.items()}
    inside = set(table.classes) - absent.pop("train", set(table.classes))
    outside = {name for name in table.classes if any(name not in own for own in absent.values())}
    return Examination(
        name=dataset.name,
        images=table.num_images,
        classes=table.classes,
        splits=counts,
        train_only=tuple(name for name in table.classes if absent and name in inside - outside),
        never_in_train=tuple(
            name for name in table.classes if "train" in counts and name in outside - inside
        ),
        missing_positives={name: estimate_missing(split) for name, split in counts.items()},
        image_statistics=statistics,
        duplicates=duplicates,
        warnings=find_warnings(table, splits, counts, duplicates, statistics),
        errors=find_errors(table, splits, counts, statistics) + ((hint,) if hint else ()),
    )
