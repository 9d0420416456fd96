"""One annotation of Pascal VOC: the objects in an image.

Source: "The PASCAL Visual Object Classes Challenge 2012 Development Kit", section 3.4.
"""

import math
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import parse

from largeloss.errors import DataError
from largeloss.files import check_regular
from largeloss.labels.names import suggestion

CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train",
    "tvmonitor",
)  # fmt: skip
COLUMNS = {name: column for column, name in enumerate(CLASSES)}
LARGEST = 1_000_000


Object = tuple[int, tuple[float, float, float, float], bool]
"""The position of its class in ``CLASSES``; left, top, right and bottom in pixels from 0, right and
bottom exclusive; whether it is difficult."""


def read_annotation(path: Path) -> list[Object]:
    """The objects of an image, in the order of the file; parts of objects are skipped.

    Corners, which count from 1 and include the last pixel there, are converted. An object without
    a mark ``difficult`` is not difficult.

    Raises:
        DataError: not XML, a document type or entities (no official file has any), or an object
            that cannot be understood; the message names the file.
    """
    try:
        check_regular(path)
        root = parse(path, forbid_dtd=True).getroot()
    except DefusedXmlException as error:
        raise DataError(
            f"{path}: refused, since it declares a document type or entities "
            f"({type(error).__name__}), as no annotation of VOC does. Fetch the file again."
        ) from None
    except (ParseError, ValueError, LookupError) as error:
        raise DataError(f"{path}: not readable as XML ({error}). Fetch the file again.") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from None
    if root is None or root.tag != "annotation":
        raise DataError(f"{path}: the root must be <annotation>, got <{getattr(root, 'tag', '')}>.")
    return [
        _object(found, f"{path}, object {number}")
        for number, found in enumerate(root.findall("object"), 1)
    ]


def _object(found: Element, where: str) -> Object:
    name = _text(found, "name", where)
    if name not in COLUMNS:
        raise DataError(f"{where}: unknown class {name!r}.{suggestion(name, CLASSES)}")
    mark = found.findtext("difficult", "0").strip()
    if mark not in ("0", "1"):
        raise DataError(f"{where}: <difficult> must be 0 or 1, got {mark!r}.")
    box = found.find("bndbox")
    if box is None:
        raise DataError(f"{where} ({name}): there is no <bndbox>. Fetch the file again.")
    left, top, right, bottom = (
        _corner(box, side, where) for side in ("xmin", "ymin", "xmax", "ymax")
    )
    if right < left or bottom < top:
        raise DataError(
            f"{where}: <bndbox> runs from ({left:g}, {top:g}) back to ({right:g}, {bottom:g}); "
            "xmin and ymin must not be beyond xmax and ymax."
        )
    return COLUMNS[name], (max(left - 1, 0.0), max(top - 1, 0.0), right, bottom), mark == "1"


def _corner(box: Element, side: str, where: str) -> float:
    text = _text(box, side, where)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= LARGEST:
        raise DataError(f"{where}: <{side}> must be a number from 0 to {LARGEST:,}, got {text!r}.")
    return value


def _text(parent: Element, tag: str, where: str) -> str:
    text = parent.findtext(tag)
    if text is None or not text.strip():
        raise DataError(f"{where}: <{parent.tag}> has no <{tag}>. Fetch the file again.")
    return text.strip()
