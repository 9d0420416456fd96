"""What a careful engineer would want to know of a data set, in sentences."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from largeloss.data.dataset import Rows
from largeloss.data.examine.duplicates import DuplicateGroup
from largeloss.data.examine.image_statistics import ImageStatistics
from largeloss.data.examine.split_counts import SplitCounts
from largeloss.labels import LabelTable
from largeloss.labels.names import spelling_remark

FEW = 5
"""A class with fewer positives in train is reported to have few."""


def find_errors(
    table: LabelTable,
    splits: Mapping[str, Rows],
    counts: Mapping[str, SplitCounts],
    images: ImageStatistics | None,
) -> tuple[str, ...]:
    """What makes training or its measurement impossible or wrong."""
    found = [f"The {name} split has no images." for name in counts if not counts[name].images]
    shared = np.flatnonzero(_times(table, splits) > 1)
    if shared.size:
        names = some(repr(table.images[row]) for row in shared.tolist())
        found.append(
            f"{_images(shared.size)} in more than one split (or twice in one): {names}. Every "
            "image needs one split."
        )
    train = counts.get("train")
    if not counts:
        found.append("There is no split: nothing can be learnt or measured.")
    elif train and train.images and train.unlabelled == train.images:
        found.append("Nothing is observed in train: every label is blank.")
    elif train and train.images and train.without_present == train.images:
        found.append("Not one label is present in train: every observed label is 0.")
    if images is not None and images.broken:
        first = next(iter(images.broken.values()))
        found.append(
            f"{len(images.broken)} of {images.files} images cannot be read: "
            f"{some(map(repr, images.broken))}. The first: {first}"
        )
    if images is not None and images.dark:
        found.append(images.dark)
    return tuple(found)


def find_warnings(
    table: LabelTable,
    splits: Mapping[str, Rows],
    counts: Mapping[str, SplitCounts],
    duplicates: Sequence[DuplicateGroup] | None,
    images: ImageStatistics | None = None,
) -> tuple[str, ...]:
    """What is possible, but likely to surprise."""
    found = [*_about_classes(table.classes, counts), *_about_images(counts)]
    if counts and "train" not in counts:
        found.append(
            "There is no train split: nothing can be learnt. What can be done is to measure a "
            "trained model: largeloss evaluate RUN DATA."
        )
    outside = int((_times(table, splits) == 0).sum())
    if images is not None and images.damaged:
        first = next(iter(images.damaged.values()))
        found.append(
            f"{len(images.damaged)} of {images.files} images were decoded, but their data are "
            f"damaged: {some(map(repr, images.damaged))}. The first: {first}. Look at them, or "
            "fetch them again."
        )
    if outside:
        found.append(f"{_images(outside)} in no split, and not used.")
    if remark := spelling_remark(table.classes):
        found.append(remark)
    return (*found, *_about_zeros(counts.get("train")), *about_duplicates(duplicates or ()))


def about_duplicates(groups: Sequence[DuplicateGroup]) -> Iterable[str]:
    """A sentence for each way in which identical files do harm."""
    leaking = [group for group in groups if group.leaks]
    contradicted = [group for group in groups if group.contradicted]
    others = [group for group in groups if not (group.leaks or group.contradicted)]
    unseen = "in different splits, so that a test is not one of unseen images"
    for chosen, what, so in (
        (leaking, unseen, "Keep each image in one split."),
        (contradicted, "with labels that contradict each other", "Decide which is right."),
        (others, "in one split", "They count twice."),
    ):
        if chosen:
            pairs = some((" = ".join(map(repr, group.images[:3])) for group in chosen), 3)
            number = "1 group" if len(chosen) == 1 else f"{len(chosen)} groups"
            yield f"{number} of identical files {what}: {pairs}. {so}"


def some(names: Iterable[str], limit: int = 5) -> str:
    """The first few names, and how many more there are."""
    given = list(names)
    more = f" and {len(given) - limit} more" if len(given) > limit else ""
    return ", ".join(given[:limit]) + more


def _times(table: LabelTable, splits: Mapping[str, Rows]) -> Rows:
    """(N,) how often each image is in a split."""
    times = np.zeros(table.num_images, dtype=np.int64)
    for rows in splits.values():
        times += np.bincount(rows, minlength=table.num_images)
    return times


def _about_classes(classes: Sequence[str], counts: Mapping[str, SplitCounts]) -> Iterable[str]:
    present = {name: np.array(split.present, dtype=np.int64) for name, split in counts.items()}
    observed = {name: present[name] + np.array(split.absent) for name, split in counts.items()}
    zero = np.zeros(len(classes), dtype=np.int64)
    anywhere, seen = sum(present.values(), zero), sum(observed.values(), zero)
    train = present.get("train", zero)
    cases = (
        (seen == 0, "never observed", "Nothing can be learnt or measured of them; leave them out."),
        ((seen > 0) & (anywhere == 0), "never present", "Leave them out, or look for a mistake."),
        (
            (train == 0) & (anywhere > 0) & ("train" in counts),
            "present in other splits, but never in train",
            "They cannot be learnt. Split again, or leave them out.",
        ),
        (
            (train > 0) & (train == anywhere) & (len(counts) > 1),
            "present in train only",
            "How well they are learnt cannot be measured.",
        ),
    )
    for mask, what, so in cases:
        if mask.any():
            names = some(repr(classes[column]) for column in np.flatnonzero(mask).tolist())
            yield f"{_classes(int(mask.sum()))} {what}: {names}. {so}"
    few = np.flatnonzero((train > 0) & (train < FEW))
    if few.size:
        names = some(f"{classes[column]!r} ({train[column]})" for column in few.tolist())
        yield (
            f"{_classes(few.size)} present in fewer than {FEW} images of train: {names}. Do not "
            "expect much of them."
        )


def _about_images(counts: Mapping[str, SplitCounts]) -> Iterable[str]:
    for name, split in counts.items():
        if name != "train" and split.images and split.unlabelled == split.images:
            yield f"Nothing is observed in {name}: nothing can be measured there."
        elif name != "train" and split.images and not any(split.absent):
            yield (
                f"No absence is observed in {name}: nothing there can show a false alarm, unless "
                "blanks are counted as absent."
            )
        if 0 < split.unlabelled < split.images:
            yield f"{split.unlabelled} of {split.images} images of {name} have no observed label."


def _about_zeros(train: SplitCounts | None) -> Iterable[str]:
    if train is None or not train.images or not train.is_complete or len(train.present) < 3:
        return
    if 0 < train.mean_present < 1 or train.most_present == 1:
        yield (
            f"Labels of train are complete, but few are 1: {train.mean_present:.2g} an image, at "
            f"most {train.most_present} on one image. If 0 means 'not annotated' here, write "
            "blanks in its place: methods for incomplete labels act on blanks only."
        )


def _images(number: int) -> str:
    return "1 image is" if number == 1 else f"{number} images are"


def _classes(number: int) -> str:
    return "1 class is" if number == 1 else f"{number} classes are"
