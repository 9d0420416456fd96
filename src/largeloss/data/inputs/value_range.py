"""Pixels of any type become 8-bit RGB, by a rule that is the same for every image of a set.

Integers are divided by the largest value of their type, or by a smaller one that the user names
(12 bits in files of 16); floats lie in [0, 1]. What one image holds decides nothing.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile

from largeloss.errors import DataError

SETTING = "data.max_value"
DARK = 255 / 8
"""A set in which no 8-bit value reaches this is taken for one of another range."""


def bits_of(image: ImageFile) -> str:
    """How Pillow names the pixels in the file, such as ``RGB;16B``; before they are loaded."""
    if not image.tile:
        return image.mode
    how = image.tile[0][3]
    return str(how[0] if isinstance(how, tuple) and how else how)


def rgb_of(image: Image.Image, stored: str, max_value: int | None, path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) of a loaded image, whose pixels were ``stored`` as :func:`bits_of` says.

    Grey and palette are expanded, CMYK is converted, transparency is laid over white.

    Raises:
        DataError: values out of range.
    """
    if image.mode.startswith("I") or image.mode == "F":
        top = 1.0 if image.mode == "F" else _top(image, stored, max_value)
        grey = scaled(np.asarray(image), top, path)
        return np.repeat(grey[..., None], 3, axis=2)
    if ";16" in stored and max_value is not None and max_value < 65535:
        raise DataError(
            f"{path}: colours of 16 bits are read by their upper 8 alone, so that {SETTING}="
            f"{max_value} cannot be applied. Save the image with 8 bits a colour."
        )
    clear = image.has_transparency_data
    pixels = np.array(image.convert("RGBA" if clear else "RGB"))
    if max_value is not None and max_value < 255:
        pixels[..., :3] = scaled(pixels[..., :3], max_value, path)
    if clear:
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        whole = Image.alpha_composite(white, Image.fromarray(pixels))
        pixels = np.array(whole.convert("RGB"))
    return pixels


def scaled(values: NDArray[np.generic], top: float, path: Path) -> NDArray[np.uint8]:
    """``values`` from 0 to ``top`` as 0 to 255.

    Raises:
        DataError: one is NaN, below 0, or above ``top``.
    """
    plain = values.astype(np.float64)
    low, high = plain.min(initial=0), plain.max(initial=0)
    if not (low >= 0 and high <= top):  # NaN fails, too
        how = (
            "Values of floating point must lie in [0, 1]: divide them."
            if top == 1
            else f"Whole numbers must lie between 0 and {top:g}: choose {SETTING} so that it is "
            "the largest, or convert the image."
        )
        raise DataError(f"{path}: its values lie between {low:g} and {high:g}. {how}")
    made: NDArray[np.uint8] = (plain * (255 / top)).round().astype(np.uint8)
    return made


def dark_set(peak: int, number: int) -> str:
    """Why a set of ``number`` images, the brightest value of which is ``peak``, is refused.

    Empty where it is not: ``peak`` is at least an eighth of 255, or nothing was decoded.
    """
    if not number or peak >= DARK:
        return ""
    return (
        f"None of {number:,} images reaches an eighth of the largest value that it could have: the "
        f"brightest reaches {100 * peak / 255:.1f} % of it. Where values have fewer bits than "
        f"their type (12 in files of 16), name the largest that they can have: --set "
        f"{SETTING}=4095 (of floating point it is 1)."
    )


def _top(image: Image.Image, stored: str, max_value: int | None) -> int:
    """The largest value of whole numbers: of their type, or less where the user says so."""
    if image.mode.startswith("I;16"):
        top = 65535
    else:  # Pillow reads what has a sign as 32 bits
        top = 2**15 - 1 if ";16" in stored else 2**31 - 1
    return top if max_value is None else min(top, max_value)
