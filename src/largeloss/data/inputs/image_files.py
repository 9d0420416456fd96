"""Image files become RGB pixels, by one rule.

Any mode that Pillow reads becomes 8-bit RGB: grey and palette are expanded, CMYK is converted,
transparency is laid over white, 16-bit values are scaled, animations give their first frame, and
EXIF orientation is applied.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn import functional as F

from largeloss.data.inputs.decoding import decode_jpeg
from largeloss.data.inputs.threads import map_files
from largeloss.errors import DataError

RULE = "bilinear, antialiased, 1"
"""Names what :class:`ImageFiles` makes of an image; changes when that does."""
ORIENTATION = 0x0112  # EXIF: values from 5 on turn the image by a quarter
MAX_PIXELS = 80_000_000
SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"))
"""Files that end so are taken for images where nothing lists them."""


def open_rgb(path: Path) -> Image.Image:
    """The whole image, as :func:`open_pixels`."""
    return Image.fromarray(open_pixels(path))


def open_pixels(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3): the whole image, decoded.

    Raises:
        DataError: not there, not an image, cut off, damaged, or too large.
    """
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise DataError(
                    f"{path}: {image.width}×{image.height} pixels, more than the "
                    f"{MAX_PIXELS // 1_000_000} million that are read. Shrink the image first."
                )
            orientation = image.getexif().get(ORIENTATION, 1)
            pixels = decode_jpeg(image, path) if orientation == 1 else None
            if pixels is not None:
                return pixels
            image.load()
            return np.array(_as_rgb(ImageOps.exif_transpose(image)))
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except DataError:
        raise
    except Exception as error:  # decoders raise anything when they meet damage
        size = path.stat().st_size if path.is_file() else 0
        raise DataError(
            f"{path}: cannot be decoded as an image ({error}; the file has {size} bytes). "
            "Replace it, or leave out what cannot be read with --bad-images skip."
        ) from None


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        scaled = np.asarray(image).astype(np.float64) / 257
        return Image.fromarray(scaled.round().astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        values = np.asarray(image).astype(np.float64)
        top = 65535 if values.max(initial=0) > 255 else 255
        scaled = np.clip(values * (255 / top), 0, 255)
        return Image.fromarray(scaled.round().astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def image_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels, upright; only the header is read.

    Raises:
        DataError: not there, or not an image.
    """
    try:
        with Image.open(path) as image:
            turned = image.getexif().get(ORIENTATION, 1) >= 5
            return (image.height, image.width) if turned else image.size
    except Exception as error:  # decoders raise anything when they meet damage
        raise DataError(f"{path}: cannot be read as an image ({error}).") from None


@dataclass(frozen=True)
class ImageFiles:
    """Image files, resized to ``size`` × ``size`` without keeping the aspect (bilinear)."""

    paths: Sequence[Path]
    size: int
    in_memory = False

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return (3, self.size, self.size)

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, rows: Sequence[int], flips: Sequence[bool]) -> Tensor:
        batch = torch.empty((len(rows), *self.sample_shape), dtype=torch.uint8)
        for position, (row, flip) in enumerate(zip(rows, flips, strict=True)):
            pixels = torch.from_numpy(open_pixels(self.paths[row]))
            resized = resize(pixels.permute(2, 0, 1), self.size)
            batch[position] = resized.flip(-1) if flip else resized
        return batch


def resize(pixels: Tensor, size: int) -> Tensor:
    """(3, size, size) uint8 of pixels (3, H, W) uint8: bilinear, smoothed where it shrinks.

    Within 1/255 of Pillow's, and faster: whole pixels lie together in memory.
    """
    if pixels.shape[1:] == (size, size):
        return pixels
    return F.interpolate(
        pixels[None], (size, size), mode="bilinear", antialias=True, align_corners=False
    )[0]


def broken_images(
    paths: Sequence[Path], workers: int = 2, rows: Sequence[int] | None = None
) -> dict[int, str]:
    """Decodes images in full; position → what is wrong, for those that cannot be read.

    Only those at the positions ``rows`` are looked at, if given. ``workers`` are threads.
    """
    rows = range(len(paths)) if rows is None else rows

    def problem(row: int) -> str | None:
        try:
            open_pixels(paths[row])
        except DataError as error:
            return str(error)
        return None

    found = zip(rows, map_files(problem, rows, workers, "Images decoded as a check"), strict=True)
    return {row: text for row, text in found if text is not None}
