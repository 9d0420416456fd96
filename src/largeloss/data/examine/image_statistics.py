"""What image files look like: sizes, grey, turned by EXIF, and which are broken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from largeloss.data.inputs.image_files import ORIENTATION, decode_all, open_image, upright_size
from largeloss.data.inputs.threads import map_files
from largeloss.data.inputs.value_range import dark_set

_GREY = ("1", "L", "LA", "La", "I", "F")


@dataclass(frozen=True)
class Spread:
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
    """Images that EXIF says to rotate or mirror; largeloss does so on reading."""
    decoded: bool
    """Whether every image was decoded in full; otherwise only headers were read."""
    broken: Mapping[str, str]
    """Image → what is wrong with it, for those that cannot be read."""
    damaged: Mapping[str, str]
    """JPEG → what is wrong with it, for those that were decoded although their data are damaged;
    none where ``largeloss[fast]`` is not installed."""
    dark: str
    """Why the range of values is taken for another one; empty where it is not, or not known."""


def survey_images(
    paths: Sequence[Path],
    names: Sequence[str],
    *,
    decode: bool = True,
    workers: int = 2,
    max_value: int | None = None,
) -> ImageStatistics:
    """Reads every header and, with ``decode``, every image in full; without it, damage after the
    header is not found. Broken images are listed by their ``names``; ``workers`` are threads, and
    ``max_value`` is as in :func:`.open_pixels`.
    """
    found = list(map_files(_header, paths, workers, "Headers of images"))
    headers = [header for header in found if not isinstance(header, str)]
    broken = {place: text for place, text in enumerate(found) if isinstance(text, str)}
    dark, damaged = "", dict[int, str]()
    if decode:
        decoded = decode_all(paths, workers, max_value=max_value)
        broken |= decoded.broken
        damaged = decoded.damaged
        dark = dark_set(decoded.peak, len(paths) - len(broken))
    return ImageStatistics(
        files=len(paths),
        width=_spread([width for width, *_ in headers]),
        height=_spread([height for _, height, *_ in headers]),
        grey=sum(grey for _, _, grey, _ in headers) / max(1, len(headers)),
        turned=sum(turned for *_, turned in headers),
        decoded=decode,
        broken={names[place]: broken[place] for place in sorted(broken)},
        damaged={names[place]: text for place, text in damaged.items()},
        dark=dark,
    )


def _header(path: Path) -> tuple[int, int, bool, bool] | str:
    """Width, height, whether grey and whether turned; or what is wrong. No pixels are decoded."""
    try:
        with open_image(path) as image:
            # Not image.getexif(): for PNG that decodes the image in search of late chunks.
            orientation = Image.Image.getexif(image).get(ORIENTATION, 1)
            grey = image.mode in _GREY or image.mode.startswith("I;16")
            width, height = upright_size(image, orientation)
    except FileNotFoundError:
        return f"{path}: there is no such file."
    except Exception as error:  # readers of headers raise anything when they meet damage
        return f"{path}: is not readable as an image ({error})."
    return width, height, grey, orientation in range(2, 9)


def _spread(values: Sequence[int]) -> Spread | None:
    return Spread(min(values), float(np.median(values)), max(values)) if values else None
