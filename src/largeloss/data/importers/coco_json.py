"""The instance files of COCO, read without the outlines that make them large.

Source: https://cocodataset.org/#format-data, "Object Detection".
"""

import mmap
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from largeloss.data.importers.inside import check_inside
from largeloss.errors import DataError

LARGEST = 1_000_000
Id = Annotated[int, Meta(ge=0, le=2**53)]
Coordinate = Annotated[float, Meta(ge=-LARGEST, le=LARGEST)]
Length = Annotated[float, Meta(ge=0, le=LARGEST)]


class _Image(Struct, gc=False):
    id: Id
    file_name: str


class _Category(Struct, gc=False):
    id: Id
    name: Annotated[str, Meta(min_length=1)]


class _Annotation(Struct, gc=False):
    image_id: Id
    category_id: Id
    bbox: tuple[Coordinate, Coordinate, Length, Length]
    iscrowd: Literal[0, 1] = 0


class _File(Struct, gc=False):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


class Instances(NamedTuple):
    """What an instance file says of n images and M instances."""

    images: dict[int, str]
    """The file name of each image by its id, in the order of the file."""
    categories: dict[int, str]
    """The name of each category by its id, in the order of the file."""
    image_ids: NDArray[np.int64]
    """(M,): the image of an instance; one of ``images``."""
    category_ids: NDArray[np.int64]
    """(M,): the category of an instance; one of ``categories``."""
    boxes: NDArray[np.float64]
    """(M, 4): left, top, width, height, in pixels from 0."""
    crowd: NDArray[np.bool_]
    """(M,): whether the box is around a crowd."""


def read_instances(path: Path) -> Instances:
    """Reads ``instances_*.json``.

    The file is mapped, not loaded, and outlines are skipped: 450 MB with 600,000 instances take
    about 250 MB while they are read.

    Raises:
        DataError: cut off, not JSON, or of another structure (the message has the JSON path); an
            id, category or file name twice, or an instance of an unknown image or category.
    """
    file = _decode(path)
    for number, image in enumerate(file.images):
        check_inside(image.file_name, f"{path}, $.images[{number}].file_name")
    images = {image.id: image.file_name for image in file.images}
    categories = {category.id: category.name for category in file.categories}
    for kind, given, distinct in (
        ("images", [image.id for image in file.images], images),
        ("images", [image.file_name for image in file.images], set(images.values())),
        ("categories", [category.id for category in file.categories], categories),
        ("categories", [category.name for category in file.categories], set(categories.values())),
    ):
        if len(given) != len(distinct):
            raise DataError(
                f"{path}: {_first_twice(given)!r} occurs twice in $.{kind}. Ids and names must be "
                "distinct; fetch the file anew."
            )
    count = len(file.annotations)
    image_ids = np.fromiter((one.image_id for one in file.annotations), np.int64, count)
    category_ids = np.fromiter((one.category_id for one in file.annotations), np.int64, count)
    for key, used, known in (
        ("image_id", image_ids, list(images)),
        ("category_id", category_ids, list(categories)),
    ):
        unknown = np.flatnonzero(~np.isin(used, known))
        if unknown.size:
            raise DataError(
                f"{path}: $.annotations[{unknown[0]}].{key} is {used[unknown[0]]}, which is none "
                f"of the {len(known)} that the file lists ({unknown.size} of {count} annotations "
                "are like that). Fetch the file anew."
            )
    boxes = np.array([one.bbox for one in file.annotations], dtype=np.float64).reshape(-1, 4)
    crowd = np.fromiter((one.iscrowd for one in file.annotations), np.bool_, count)
    return Instances(images, categories, image_ids, category_ids, boxes, crowd)


def _decode(path: Path) -> _File:
    size = 0
    try:
        with path.open("rb") as opened:
            size = opened.seek(0, 2)
            if not size:
                raise DataError(f"{path}: the file is empty. Fetch it anew.")
            with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return msgspec.json.decode(content, type=_File)
    except msgspec.ValidationError as error:
        raise DataError(
            f"{path}: not the structure of an instance file of COCO: {error}."
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(
            f"{path}: cut off, or not JSON ({error}; the file has {size:,} bytes). Fetch it anew."
        ) from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}).") from None


def _first_twice(given: list[int] | list[str]) -> int | str:
    return next(one for one, times in Counter[int | str](given).items() if times > 1)
