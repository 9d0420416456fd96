"""Whether a folder is a data folder, and whether one may be written there: what is asked first."""

import os
from pathlib import Path

from largeloss.errors import ConfigError, DataError, LabelError

FEATURES = "features.safetensors"
LABELS = ("labels.csv", "labels.parquet")


def label_file_of(root: Path, labels: Path | None = None) -> Path:
    """The label file of a data folder, or ``labels`` in its place.

    Raises:
        DataError: no such folder, or one without labels.
        LabelError: there is no file ``labels``.
    """
    if not root.is_dir():
        kind = "is a file, not a folder" if root.exists() else "does not exist"
        raise DataError(
            f"{root} {kind}. Needed: a folder with labels.csv (or labels.parquet) and the images "
            f"that it names, or {FEATURES} in their place."
        )
    if labels is None:
        return find_label_file(root)
    if not labels.exists():
        raise LabelError(f"{labels}: there is no such file.")
    return labels


def has_features(root: Path | None) -> bool:
    """Whether a data folder holds features in place of images; None is no folder."""
    return root is not None and (root / FEATURES).is_file()


def find_label_file(root: Path) -> Path:
    """``labels.csv`` or ``labels.parquet`` in ``root``; DataError unless it has exactly one."""
    found = [path for path in (root / name for name in LABELS) if path.exists()]
    if len(found) != 1:
        state = "both labels.csv and labels.parquet" if found else "no labels.csv or labels.parquet"
        raise DataError(
            f"{root} has {state}; needed is exactly one of them. A wide labels.csv begins "
            "'image,cat,dog', and each line names an image and 1, 0 or blank for every class."
        )
    return found[0]


def check_free(out: Path) -> None:
    """Makes sure that a folder may be written to ``out``; changes nothing.

    Raises:
        ConfigError: there is a file, or a folder that is not empty.
    """
    if out.is_dir():
        held = sorted(os.listdir(out))
        if held:
            raise ConfigError(
                f"{out} is not empty (it holds {', '.join(held[:3])}). Choose another --out; "
                "nothing was changed."
            )
    elif out.exists() or out.is_symlink():
        raise ConfigError(f"{out} is no folder. Choose another --out; nothing was changed.")
