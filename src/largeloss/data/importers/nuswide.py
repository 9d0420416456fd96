"""NUS-WIDE: 81 concepts in images from Flickr, in its two incompatible versions.

Sources: the owners' page (see ``OWNERS``) for ``official``; for ``spml``, ``data/README.md`` of
https://github.com/elijahcole/single-positive-multi-label, whose authors crawled the images anew.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from largeloss.data.dataset import Rows
from largeloss.data.importers.imported import Imported
from largeloss.data.importers.nuswide_official import (
    OWNERS,
    SPLITS,
    Part,
    read_concepts,
    read_part,
)
from largeloss.data.importers.nuswide_spml import read_arrays
from largeloss.errors import ConfigError, DataError
from largeloss.labels import LabelTable

NUM_CONCEPTS = 81
PUBLISHED: Mapping[str, Mapping[str, int]] = {
    "official": {"train": 150_000, "test": 60_260, "classes": NUM_CONCEPTS},
    "spml": {"train": 126_034, "test": 84_226, "classes": NUM_CONCEPTS},
}
"""Version → sizes, as papers give them."""


def read(root: Path, version: str) -> Imported:
    """Images and labels.

    Args:
        root: The folder with ``Flickr`` (the images) and the lists: for ``official``
            ``ImageList``, ``ConceptsList`` and ``Groundtruth``, as the owners' archives unpack;
            for ``spml`` the four files ``formatted_{train,val}_{images,labels}.npy``.
        version: ``"official"``: all images of the owners' train and test lists that have at
            least one label. ``"spml"``: the images and labels in the arrays of Cole et al.,
            whose ``val`` is the test split.

    Returns:
        Images are named by their path in ``Flickr``; train comes first, each split in the order
        of its list. Labels are complete.

    Raises:
        ConfigError: another version.
        DataError: files are missing or cannot be understood, or do not fit together.
    """
    if version not in PUBLISHED:
        raise ConfigError(
            f"There are two versions of NUS-WIDE, {' and '.join(PUBLISHED)}; got {version!r}."
        )
    root = Path(root)
    concepts = read_concepts(root)
    notes: list[str] = []
    if version == "official":
        if concepts is None:
            raise DataError(
                f"{root} has no ConceptsList/Concepts81.txt. Unpack ConceptsList.zip, "
                f"ImageList.zip and Groundtruth.zip of {OWNERS} there."
            )
        parts = {split: read_part(root, split, concepts) for split in SPLITS}
        parts = {split: _labelled(split, part, notes) for split, part in parts.items()}
    else:
        parts = {split: read_arrays(root, split) for split in SPLITS}
        concepts = _names_of_columns(root, concepts, parts["train"].labels.shape[1], notes)
    sizes = {split: len(part.images) for split, part in parts.items()}
    published = PUBLISHED[version]
    if any(sizes[split] != published[split] for split in SPLITS):
        notes.append(
            f"Version {version}: {sizes['train']} images for train and {sizes['test']} for test; "
            f"papers that use it give {published['train']} and {published['test']}."
        )
    table, splits = _join(root, parts, concepts)
    return Imported(
        name=f"nuswide-{version}",
        table=table,
        splits=splits,
        image_root=root / "Flickr",
        published=published,
        notes=tuple(notes),
    )


def _labelled(split: str, part: Part, notes: list[str]) -> Part:
    """Without the images that have no label."""
    kept = np.flatnonzero(part.labels.any(axis=1))
    if not len(kept):
        raise DataError(f"No image of the {split} list has a label. Fetch the labels anew.")
    if left_out := len(part.images) - len(kept):
        notes.append(
            f"{left_out} of {len(part.images)} images of the {split} list have none of the "
            f"{part.labels.shape[1]} labels and are left out."
        )
    return Part([part.images[row] for row in kept.tolist()], part.labels[kept])


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


def _join(
    root: Path, parts: Mapping[str, Part], concepts: tuple[str, ...]
) -> tuple[LabelTable, dict[str, Rows]]:
    train, test = parts["train"], parts["test"]
    if both := set(train.images) & set(test.images):
        raise DataError(
            f"{root}: {len(both)} images are both in train and in test, for example "
            f"{min(both)!r}. Fetch the lists anew."
        )
    if train.labels.shape[1] != test.labels.shape[1]:
        raise DataError(
            f"{root}: train has {train.labels.shape[1]} classes, test {test.labels.shape[1]}. "
            "Take the arrays of one version."
        )
    labels = np.concatenate([train.labels, test.labels])
    table = LabelTable.from_dense(labels, [*train.images, *test.images], concepts)
    num_train = len(train.images)
    return table, {"train": np.arange(num_train), "test": np.arange(num_train, len(labels))}
