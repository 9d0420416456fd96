"""Collections by name, each with its reader and the options that it takes."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from largeloss.data.folder.drawn_splits import rows_by_split
from largeloss.data.folder.place import find_label_file
from largeloss.data.importers import arff, class_folders, coco, cub, nuswide, openimages, voc
from largeloss.data.importers.imported import Imported
from largeloss.data.stratify import usual_split
from largeloss.errors import ConfigError
from largeloss.labels import read_labels
from largeloss.labels.names import suggestion


def read_label_file(
    path: Path,
    images: Sequence[str] = (),
    unlisted: str | None = None,
    coding: str | None = None,
) -> Imported:
    """Any file that :func:`largeloss.labels.read_labels` reads.

    ``path`` may also be a folder that has ``labels.csv`` or ``labels.parquet``. ``images`` is the
    folder that the images' names start from; by default that of the file. Where there is no column
    ``split``, splits are drawn as in training.

    Raises:
        DataError: there is no such file, or there are too few images to draw splits.
        LabelError: the file is wrong.
        ConfigError: options that do not go with this file, or several folders of images.
    """
    if len(images) > 1:
        raise ConfigError(f"csv takes one --images FOLDER, got {len(images)}.")
    path = find_label_file(path) if path.is_dir() else path
    file = read_labels(path, unlisted=unlisted, coding=coding)
    splits, notes = rows_by_split(file.splits), file.notes
    if splits is None:
        splits, drawn = usual_split(file.table, "'largeloss train' draws the same of such labels.")
        notes += drawn
    return Imported(
        name=path.stem if path.stem != "labels" else path.resolve().parent.name,
        table=file.table,
        splits=splits,
        image_root=Path(images[0]) if images else path.parent,
        notes=notes,
    )


READERS: Mapping[str, tuple[Callable[..., Imported], tuple[str, ...]]] = {
    "voc2012": (partial(voc.read, year=2012), ()),
    "voc2007": (partial(voc.read, year=2007), ()),
    "coco2014": (partial(coco.read, year=2014), ()),
    "coco2017": (partial(coco.read, year=2017), ()),
    "coco": (coco.read_files, ("annotations", "images", "unlisted")),
    "nuswide": (nuswide.read, ("version",)),
    "cub": (cub.read, ()),
    "openimages-v3": (openimages.read, ()),
    "folder": (class_folders.read, ("unlisted",)),
    "csv": (read_label_file, ("unlisted", "coding", "images")),
    "arff": (arff.read, ("num_labels",)),
}
"""Name → reader, and the options that it takes besides the folder or file to read."""


def read_collection(name: str, root: Path | None, options: Mapping[str, Any]) -> Imported:
    """The collection ``name``, read from its official release or from files of the user's own.

    Args:
        name: One of ``READERS``.
        root: The folder or file to read; none for ``coco``.
        options: Of any reader; None where they are not given.

    Raises:
        ConfigError: an unknown name, or options that its reader does not have.
        DataError: files are missing or cannot be understood.
        LabelError: as ``DataError``, of label files.
    """
    if name not in READERS:
        near = suggestion(name, list(READERS))
        raise ConfigError(f"There is no collection {name!r}.{near} All are {', '.join(READERS)}.")
    read, takes = READERS[name]
    given = {option: value for option, value in options.items() if value is not None}
    for option in given:
        if option not in takes:
            takers = " and ".join(one for one, (_, taken) in READERS.items() if option in taken)
            raise ConfigError(
                f"--{option.replace('_', '-')} is for {takers}, not for {name}. Leave it out."
            )
    if name == "coco" and root is not None:
        raise ConfigError(
            "coco takes --annotations FILE and --images FOLDER, and no ROOT. The official releases "
            "are coco2014 and coco2017."
        )
    if name != "coco" and root is None:
        raise ConfigError("ROOT is missing: the folder to read, or the file of csv and arff.")
    return read(**given) if root is None else read(root, **given)
