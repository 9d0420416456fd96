"""A label file of the user's own, with images in its folder or in another."""

from pathlib import Path

from largeloss.data.folder.labels_and_splits import find_label_file, rows_by_split
from largeloss.data.importers.imported import Imported
from largeloss.labels import read_labels


def read(
    path: Path,
    *,
    images: Path | None = None,
    unlisted: str | None = None,
    coding: str | None = None,
) -> Imported:
    """Any file that :func:`largeloss.labels.read_labels` reads.

    Args:
        path: The label file, or a folder that has ``labels.csv`` or ``labels.parquet``.
        images: The folder that the images' names start from; by default that of the file.
        unlisted: As there.
        coding: As there.

    Raises:
        DataError: there is no such file.
        LabelError: the file is wrong.
        ConfigError: options that do not go with this file.
    """
    path = find_label_file(path) if path.is_dir() else path
    file = read_labels(path, unlisted=unlisted, coding=coding)
    return Imported(
        name=path.stem if path.stem != "labels" else path.resolve().parent.name,
        table=file.table,
        splits=rows_by_split(file.splits, file.table.num_images),
        image_root=path.parent if images is None else images,
    )
