"""A label file of the user's own, with images in its folder or in another."""

from pathlib import Path

import numpy as np

from largeloss.data.importers.imported import Imported
from largeloss.errors import DataError
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
    path = Path(path)
    if path.is_dir():
        inside = [path / name for name in ("labels.csv", "labels.parquet")]
        found = [file for file in inside if file.is_file()]
        if len(found) != 1:
            raise DataError(
                f"{path} is a folder with {len(found)} of labels.csv and labels.parquet. Give the "
                "path of the label file."
            )
        path = found[0]
    file = read_labels(path, unlisted=unlisted, coding=coding)
    column = np.array(["train"] * file.table.num_images if file.splits is None else file.splits)
    return Imported(
        name=path.stem if path.stem != "labels" else path.resolve().parent.name,
        table=file.table,
        splits={str(name): np.flatnonzero(column == name) for name in np.unique(column)},
        image_root=path.parent if images is None else Path(images),
    )
