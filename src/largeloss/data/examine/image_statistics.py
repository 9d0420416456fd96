"""What image files look like: sizes, grey, turned by EXIF, and which are broken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from largeloss.data.inputs.image_files import broken_images
from largeloss.data.inputs.threads import BLOCK, map_files

_ORIENTATION = 0x0112  # EXIF 2.32, 4.6.4: 1 is upright, 5 to 8 exchange width and height
_GREY = ("1", "L", "LA", "La", "I", "F")


class Spread(NamedTuple):
    """Of one measure over the images, in pixels."""

    smallest: int
    median: float
    largest: int


@dataclass(frozen=True)
class ImageStatistics:
    """All images of a data set."""

    files: int
    width: Spread | None
    """As shown, after EXIF orientation; None where not one header could be read."""
    height: Spread | None
    grey: float
    """The share, among images with a readable header, of those stored without colour. Images
    stored in colour that show only grey are not counted."""
    turned: int
    """ImageStatistics that EXIF says to rotate or mirror; largeloss does so on reading."""
    decoded: bool
    """Whether every image was decoded in full; otherwise only headers were read."""
    broken: Mapping[str, str]
    """Image → what is wrong with it, for those that cannot be read."""


class _Header(NamedTuple):
    width: int
    height: int
    grey: bool
    turned: bool


def survey_images(
    paths: Sequence[Path], names: Sequence[str], *, decode: bool = True, workers: int = 2
) -> ImageStatistics:
    """Reads every header and, with ``decode``, every image in full.

    Args:
        paths: N files.
        names: N names to list broken images by.
        decode: Without it, an image that is cut off or damaged after its header is not found.
        workers: Threads.
    """
    found = list(map_files(_header, paths, workers))
    headers = [header for header in found if isinstance(header, _Header)]
    broken = {place: text for place, text in enumerate(found) if isinstance(text, str)}
    if decode:
        for start in range(0, len(paths), BLOCK):
            block = broken_images(paths[start : start + BLOCK], workers)
            broken |= {start + place: text for place, text in block.items()}
    return ImageStatistics(
        files=len(paths),
        width=_spread([header.width for header in headers]),
        height=_spread([header.height for header in headers]),
        grey=sum(header.grey for header in headers) / max(1, len(headers)),
        turned=sum(header.turned for header in headers),
        decoded=decode,
        broken={names[place]: broken[place] for place in sorted(broken)},
    )


def _header(path: Path) -> _Header | str:
    """Size and kind, or what is wrong; no pixels are decoded."""
    try:
        with Image.open(path) as image:
            # Not image.getexif(): for PNG that decodes the image in search of late chunks.
            orientation = Image.Image.getexif(image).get(_ORIENTATION, 1)
            grey = image.mode in _GREY or image.mode.startswith("I;16")
            width, height = image.size
    except FileNotFoundError:
        return f"{path}: there is no such file."
    except Exception as error:  # readers of headers raise anything when they meet damage
        return f"{path}: is not readable as an image ({error})."
    if orientation in (5, 6, 7, 8):
        width, height = height, width
    return _Header(width, height, grey, orientation in range(2, 9))


def _spread(values: Sequence[int]) -> Spread | None:
    if not values:
        return None
    return Spread(min(values), float(np.median(values)), max(values))
