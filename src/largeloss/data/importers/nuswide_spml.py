"""The arrays of Cole et al. for NUS-WIDE; their ``val`` is the test split.

Source: ``data/README.md`` of https://github.com/elijahcole/single-positive-multi-label: names of
images, relative to ``Flickr``, and a matrix of labels 1 and 0 for each of train and val.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from largeloss.data.importers.nuswide_official import Part, inside_names
from largeloss.errors import DataError


def read_arrays(root: Path, split: str) -> Part:
    """The images of a split.

    Raises:
        DataError: an array is missing or cannot be read, or the two do not fit together.
    """
    phase = {"train": "train", "test": "val"}[split]
    paths = [root / f"formatted_{phase}_{kind}.npy" for kind in ("images", "labels")]
    images, labels = (_load(path) for path in paths)
    if images.ndim != 1 or images.dtype.kind != "U" or not len(images):
        raise DataError(
            f"{paths[0]}: needed is a list of file names, got an array of {images.dtype} and "
            f"shape {images.shape}."
        )
    if labels.ndim != 2 or labels.dtype.kind not in "biuf" or not labels.shape[1]:
        raise DataError(
            f"{paths[1]}: needed are numbers of shape (images, classes), got an array of "
            f"{labels.dtype} and shape {labels.shape}."
        )
    if len(images) != len(labels):
        raise DataError(
            f"{paths[0]} names {len(images)} images, but {paths[1]} has {len(labels)} rows."
        )
    wrong = (labels != 0) & (labels != 1)
    if wrong.any():
        row, column = (int(index) for index in np.argwhere(wrong)[0])
        raise DataError(
            f"{paths[1]}: the label in row {row}, column {column} is {labels[row, column]}. "
            "Needed: 1 (present) or 0 (absent), which is what the files without '_obs' hold."
        )
    return Part(inside_names(images.tolist(), str(paths[0])), labels.astype(np.int8))


def _load(path: Path) -> NDArray[np.generic]:
    try:
        with path.open("rb") as file:
            array = np.load(file, allow_pickle=False)
    except FileNotFoundError:
        raise DataError(
            f"{path}: there is no such file. Version spml needs the four files "
            "formatted_{train,val}_{images,labels}.npy that Cole et al. publish."
        ) from None
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: this is no readable NumPy array ({error}).") from None
    if not isinstance(array, np.ndarray):  # an archive of several
        raise DataError(f"{path}: this is no readable NumPy array (it is an .npz archive).")
    return array
