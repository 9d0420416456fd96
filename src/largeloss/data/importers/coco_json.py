"""Files of annotations in the format of COCO, read without the outlines that make them large.

Source: https://cocodataset.org/#format-data, "Object Detection".
"""

import mmap
from codecs import BOM_UTF8
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from largeloss.data.dataset import Rows
from largeloss.data.importers.official_release import check_inside, positions_of_ids
from largeloss.errors import DataError
from largeloss.files import check_regular

LARGEST = 1_000_000
NO_BOX = (0.0, 0.0, 0.0, 0.0)
Id = Annotated[int, Meta(ge=0, le=2**53)]
Coordinate = Annotated[float, Meta(ge=-LARGEST, le=LARGEST)]
Length = Annotated[float, Meta(ge=0, le=LARGEST)]


class _Image(Struct, gc=False):
    id: Id
    file_name: str
    neg_category_ids: tuple[Id, ...] = ()
    split: Any = None


class _Category(Struct, gc=False):
    id: Id
    name: Annotated[str, Meta(min_length=1)]


class _Annotation(Struct, gc=False):
    image_id: Id
    category_id: Id
    bbox: tuple[Coordinate, Coordinate, Length, Length] | None = None
    iscrowd: Literal[0, 1] = 0


class _File(Struct, gc=False):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


class CocoFile(NamedTuple):
    """n images with M annotations of C categories."""

    ids: list[int]
    """n ids of images, in the order of the file."""
    images: list[str]
    """n file names."""
    categories: dict[int, str]
    """The names of the C categories by id, in the order of the file."""
    rows: Rows
    """(M,): the position of an annotation's image."""
    columns: Rows
    """(M,): the position of an annotation's category."""
    boxes: NDArray[np.float64]
    """(M, 4): left, top, width, height, in pixels from 0; all 0 where there is no box."""
    crowd: NDArray[np.bool_]
    """(M,): whether the box is around a crowd."""
    absent_rows: Rows
    """(A,): positions of the images of ``neg_category_ids``, which LVIS has."""
    absent_columns: Rows
    """(A,): positions of these categories, which were looked for and are not there."""
    splits: list[Any]
    """n: what each image says of its split; None where it says nothing."""

    def only(self, kept: Rows) -> Self:
        """The images at the positions ``kept`` (k,), in their order, with what belongs to them."""
        place = np.full(len(self.images), -1, dtype=np.int64)
        place[kept] = np.arange(len(kept))
        own, absent = place[self.rows] >= 0, place[self.absent_rows] >= 0
        return self._replace(
            ids=[self.ids[row] for row in kept],
            images=[self.images[row] for row in kept],
            rows=place[self.rows[own]],
            columns=self.columns[own],
            boxes=self.boxes[own],
            crowd=self.crowd[own],
            absent_rows=place[self.absent_rows[absent]],
            absent_columns=self.absent_columns[absent],
            splits=[self.splits[row] for row in kept],
        )


def read_coco_json(path: Path) -> CocoFile:
    """Reads a file such as ``instances_train2017.json``; ``bbox`` and ``iscrowd`` may be missing.

    A byte order mark is skipped, and a leading ``./`` of a name.

    The file is mapped, not loaded, and outlines are skipped: 450 MB with 600,000 instances take
    about 250 MB while they are read.

    Raises:
        DataError: cut off, not JSON, or of another structure (the message has the JSON path); an
            id, category or file name twice, an annotation of an unknown image or category, or of
            one that ``neg_category_ids`` of the image says is absent.
    """
    file = _decode(path)
    for image in file.images:
        image.file_name = image.file_name.removeprefix("./")
    for number, image in enumerate(file.images):
        check_inside(image.file_name, f"{path}, $.images[{number}].file_name")
    image_ids = [image.id for image in file.images]
    names = [image.file_name for image in file.images]
    category_ids = [category.id for category in file.categories]
    categories = [category.name for category in file.categories]
    _check_distinct(path, "images", image_ids, names)
    _check_distinct(path, "categories", category_ids, categories)
    count = len(file.annotations)
    rows = np.fromiter((one.image_id for one in file.annotations), np.int64, count)
    columns = np.fromiter((one.category_id for one in file.annotations), np.int64, count)
    counts = [len(image.neg_category_ids) for image in file.images]
    absent_rows = np.repeat(np.arange(len(counts)), counts).astype(np.int64)
    absent = np.array([one for image in file.images for one in image.neg_category_ids], np.int64)
    boxes = np.array([one.bbox or NO_BOX for one in file.annotations], dtype=np.float64)
    content = CocoFile(
        image_ids,
        names,
        dict(zip(category_ids, categories, strict=True)),
        _positions(path, "image_id", rows, image_ids),
        _positions(path, "category_id", columns, category_ids),
        boxes.reshape(-1, 4),
        np.fromiter((one.iscrowd for one in file.annotations), np.bool_, count),
        absent_rows,
        _positions(path, "neg_category_ids", absent, category_ids, absent_rows),
        [image.split for image in file.images],
    )
    _check_consistent(path, content)
    return content


def _decode(path: Path) -> _File:
    size = 0
    try:
        check_regular(path)
        with path.open("rb") as opened:
            size = opened.seek(0, 2)
            if not size:
                raise DataError(f"{path}: the file is empty. Fetch or export it again.")
            with (
                mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content,
                memoryview(content) as whole,
                whole[3 if content[:3] == BOM_UTF8 else 0 :] as text,
            ):
                return msgspec.json.decode(text, type=_File)
    except msgspec.ValidationError as error:
        raise DataError(
            f"{path}: not the structure of an annotation file of COCO: {error}. Needed: lists "
            "'images' (id, file_name), 'annotations' (image_id, category_id) and 'categories' "
            "(id, name)."
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(
            f"{path}: cut off, or not JSON ({error}; the file has {size:,} bytes). Fetch or export "
            "it again."
        ) from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from None


def _check_distinct(path: Path, kind: str, ids: list[int], names: list[str]) -> None:
    for given in (ids, names):
        if len(set(given)) < len(given):
            twice = next(one for one, times in Counter[int | str](given).items() if times > 1)
            raise DataError(
                f"{path}: {twice!r} occurs twice in $.{kind}. Ids and names must be distinct; "
                "correct the file, or fetch it again."
            )


def _check_consistent(path: Path, content: CocoFile) -> None:
    """Refuses a category that is annotated in an image and absent from it."""
    size = len(content.categories)
    absent = content.absent_rows * size + content.absent_columns
    both = np.flatnonzero(np.isin(content.rows * size + content.columns, absent))
    if both.size:
        row, column = content.rows[both[0]], content.columns[both[0]]
        raise DataError(
            f"{path}: the image {content.images[row]!r} has an annotation of "
            f"{[*content.categories.values()][column]!r}, which its neg_category_ids say is "
            "absent. Keep one of them."
        )


def _positions(
    path: Path, key: str, used: Rows, known: list[int], images: Rows | None = None
) -> Rows:
    """Of ids of annotations, or of ``images``."""
    found = positions_of_ids(used, np.array(known, dtype=np.int64))
    unknown = np.flatnonzero(found < 0)
    if unknown.size:
        kind, place, what = "annotations", unknown[0], "annotations"
        if images is not None:
            kind, place, what = "images", images[unknown[0]], "ids"
        raise DataError(
            f"{path}: $.{kind}[{place}].{key} is {used[unknown[0]]}, which is none of "
            f"the {len(known)} that the file lists ({unknown.size} of {len(used)} {what} are "
            "like that). Correct the file, or fetch it again."
        )
    return found
