"""NUS-WIDE: 81 concepts in images from Flickr, in its two incompatible versions.

Sources: the page of the official release (see ``RELEASE``) for ``official``; for ``spml``,
``data/README.md`` of https://github.com/elijahcole/single-positive-multi-label, whose authors
crawled the images again: names of images, relative to ``Flickr``, and a matrix of labels 1 and 0
for each of train and val; their ``val`` is the test split.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from largeloss.data.importers.imported import Imported, Subset
from largeloss.data.importers.official_release import distinct_names, read_lines, read_numbers
from largeloss.errors import ConfigError, DataError
from largeloss.labels.names import first_names

RELEASE = "https://lms.comp.nus.edu.sg/wp-content/uploads/2019/research/nuswide/NUS-WIDE.html"
NUM_CONCEPTS = 81
PUBLISHED: Mapping[str, Mapping[str, int]] = {
    "official": {"classes": NUM_CONCEPTS},
    "spml": {"train": 126_034, "test": 84_226, "classes": NUM_CONCEPTS},
}
"""Version → sizes, as papers give them; no published table is of the official version."""
OFFICIAL_ROWS = {"train": 161_789, "test": 107_859}
"""Of the official lists, with images that have no label."""
_SPLITS = {"train": "Train", "test": "Test"}
"""Split → what it is called in the names of files."""
_FETCH = (
    "Fetch ImageList.zip, ConceptsList.zip, Groundtruth.zip and the images of the official release "
    f"from {RELEASE} (a form must be filled in), and unpack them in"
)


def read(root: Path, version: str | None = None) -> Imported:
    """Images and labels.

    ``root`` has ``Flickr`` (the images) and the lists of the ``version``:

    * ``"official"``: ``ImageList``, ``ConceptsList`` and ``Groundtruth``, as the official release
      unpacks; all images of its train and test lists that have at least one label.
    * ``"spml"``: ``formatted_{train,val}_{images,labels}.npy`` of Cole et al.

    Returns:
        Images are named by their path in ``Flickr``; train comes first, each split in the order
        of its list. Labels are complete.

    Raises:
        ConfigError: another version.
        DataError: files are missing or cannot be understood, or do not fit together.
    """
    if version is None or version not in PUBLISHED:
        raise ConfigError(
            "There are two versions of NUS-WIDE, with different images in train and test. Say "
            f"--version official or --version spml; got {version!r}."
        )
    concepts = _read_concepts(root)
    notes: list[str] = []
    if version == "official":
        if concepts is None:
            raise DataError(f"{root} has no ConceptsList/Concepts81.txt. {_FETCH} {root}.")
        subsets = {split: _read_subset(root, split, concepts) for split in _SPLITS}
        rows = {split: len(whole.images) for split, whole in subsets.items()}
        notes.append(
            f"Version official: the lists have {rows['train']} and {rows['test']} rows for train "
            f"and test (as released: {OFFICIAL_ROWS['train']} and {OFFICIAL_ROWS['test']}). No "
            "published table compares with them: name the version in every result."
        )
        for split, whole in subsets.items():
            subsets[split], left_out = whole.labelled(f"the {split} list", "label")
            notes += left_out
    else:
        subsets = {split: _read_arrays(root, split) for split in _SPLITS}
        widths = [subset.labels.shape[1] for subset in subsets.values()]
        if widths[0] != widths[1]:
            raise DataError(
                f"{root}: train has {widths[0]} classes, test {widths[1]}. Take the arrays of one "
                "version."
            )
        concepts = _names_of_columns(root, concepts, widths[0], notes)
    sizes = {split: len(subset.images) for split, subset in subsets.items()}
    published = PUBLISHED[version]
    if any(sizes[split] != published.get(split, sizes[split]) for split in _SPLITS):
        notes.append(
            f"Version {version}: {sizes['train']} images for train and {sizes['test']} for test; "
            f"papers that use it give {published['train']} and {published['test']} (others count "
            "150,000 and 60,260 in the same arrays)."
        )
    return Imported.of_subsets(
        subsets,
        concepts,
        root,
        name=f"nuswide-{version}",
        image_root=root / "Flickr",
        published=published,
        notes=tuple(notes),
    )


def _names_of_columns(
    root: Path, concepts: tuple[str, ...] | None, count: int, notes: list[str]
) -> tuple[str, ...]:
    if concepts is None:
        notes.append(
            f"The arrays do not name their classes, and there is no Concepts81.txt in {root}: they "
            "are called by their column, from 0."
        )
        return tuple(map(str, range(count)))
    if len(concepts) != count:
        raise DataError(
            f"{root}: the labels have {count} columns, but Concepts81.txt has {len(concepts)} "
            "concepts. Take the list away, or put the right one there."
        )
    notes.append(
        "The arrays do not name their classes: their columns are taken to be in the order of "
        "Concepts81.txt."
    )
    return concepts


def _read_concepts(root: Path) -> tuple[str, ...] | None:
    """The names of the classes, in the order of the file; None where there is no such file."""
    for path in (root / "ConceptsList/Concepts81.txt", root / "Concepts81.txt"):
        if os.path.isfile(path):
            names = distinct_names(read_lines(path), f"{path}, line")
            if wrong := next((name for name in names if "/" in name), None):
                raise DataError(f"{path}: {wrong!r} is no concept: it has a slash in it.")
            return tuple(names)
    return None


def _read_subset(root: Path, split: str, concepts: tuple[str, ...]) -> Subset:
    """All images of an official split, also those without label."""
    path = root / "ImageList" / f"{_SPLITS[split]}Imagelist.txt"
    folder = root / "Groundtruth" / "TrainTestLabels"
    files = [folder / f"Labels_{concept}_{_SPLITS[split]}.txt" for concept in concepts]
    missing = [file for file in (path, *files) if not os.path.isfile(file)]
    if missing:
        raise DataError(
            f"{len(missing)} of {len(files) + 1} files of NUS-WIDE are missing: "
            f"{first_names(missing)}. {_FETCH} {root}."
        )
    listed = (name.replace("\\", "/") for name in read_lines(path))
    images = distinct_names(listed, f"{path}, line")
    labels = np.empty((len(images), len(concepts)), dtype=np.int8)
    for column, file in enumerate(files):
        values = read_numbers(file)
        if values.shape != (len(images), 1):
            raise DataError(
                f"{file} has {values.shape[0]} lines of {values.shape[1]} numbers, but {path} "
                f"lists {len(images)} images. Needed: one number per image; fetch both again from "
                f"{RELEASE}."
            )
        _check_labels(values, file)
        labels[:, column] = values[:, 0]
    return Subset(images, labels)


def _read_arrays(root: Path, split: str) -> Subset:
    """The images of a split of Cole et al."""
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
    listed = (name.replace("\\", "/") for name in images.tolist())
    names = distinct_names(listed, f"{paths[0]}, line")
    if len(names) != len(labels):
        raise DataError(
            f"{paths[0]} names {len(names)} images, but {paths[1]} has {len(labels)} rows."
        )
    _check_labels(labels, paths[1])
    return Subset(names, labels.astype(np.int8))


def _check_labels(values: NDArray[np.generic], path: Path) -> None:
    wrong = np.argwhere((values != 0) & (values != 1))
    if len(wrong):
        row, column = (int(index) for index in wrong[0])
        raise DataError(
            f"{path}: the label in row {row}, column {column} is {values[row, column]}. Needed: 1 "
            "(present) or 0 (absent), which is what the files without '_obs' hold."
        )


def _load(path: Path) -> NDArray[np.generic]:
    try:
        with path.open("rb") as file:
            array = np.load(file, allow_pickle=False)
    except FileNotFoundError:
        raise DataError(
            f"{path}: there is no such file. Version spml needs the four files "
            "formatted_{train,val}_{images,labels}.npy that "
            "https://github.com/elijahcole/single-positive-multi-label names."
        ) from None
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: this is no readable NumPy array ({error}).") from None
    if not isinstance(array, np.ndarray):  # an archive of several
        raise DataError(f"{path}: this is no readable NumPy array (it is an .npz archive).")
    return array
