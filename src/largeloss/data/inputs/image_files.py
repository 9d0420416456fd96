"""Image files become RGB pixels, by one rule.

Any mode that Pillow reads becomes 8-bit RGB as ``value_range`` says; animations give their first
frame, and EXIF orientation is applied.
"""

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import IMAGELENGTH, IMAGEWIDTH, TiffImageFile
from torch import Tensor
from torch.nn import functional as F

from largeloss.data.inputs.decode_record import DecodeRecord
from largeloss.data.inputs.decoding import decode_jpeg
from largeloss.data.inputs.threads import cores, map_files
from largeloss.data.inputs.value_range import bits_of, rgb_of, scaled
from largeloss.errors import DataError
from largeloss.files import check_regular

RULE = "bilinear, antialiased, 2"
"""Names how :class:`ImageFiles` reads an image; changes when that does."""
ORIENTATION = 0x0112  # EXIF: values from 5 on turn the image by a quarter
MAX_PIXELS = 80_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
"""Whatever a file's name ends in, Pillow looks for these alone: others start other programs."""


def open_image(path: Path) -> ImageFile:
    """The image with only its header read.

    Raises:
        OSError: no regular file, or none of ``FORMATS``.
    """
    check_regular(path)
    try:
        return Image.open(path, formats=FORMATS)
    except UnidentifiedImageError:
        raise OSError(f"it is none of {', '.join(FORMATS)}") from None


def open_rgb(path: Path, max_value: int | None = None) -> Image.Image:
    """The whole image, as :func:`open_pixels`."""
    return Image.fromarray(open_pixels(path, max_value))


def open_pixels(
    path: Path, max_value: int | None = None, damaged: list[str] | None = None
) -> NDArray[np.uint8]:
    """(H, W, 3): the whole image, decoded; whole numbers up to ``max_value``, None for all that
    their type can have. What is wrong with a JPEG, and can be decoded all the same, comes to the
    list ``damaged``.

    Raises:
        DataError: not there, not an image, cut off, damaged, too large, or values out of range.
    """
    try:
        with open_image(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise DataError(
                    f"{path}: {image.width}×{image.height} pixels, more than the "
                    f"{MAX_PIXELS // 1_000_000} million that are read. Shrink the image first."
                )
            stored = bits_of(image)
            orientation = image.getexif().get(ORIENTATION, 1)  # of PNG, this decodes it
            pixels = decode_jpeg(image, path, damaged) if orientation == 1 else None
            if pixels is not None:
                top = 255 if max_value is None else min(max_value, 255)
                return pixels if top == 255 else scaled(pixels, top, path)
            image.load()
            return rgb_of(ImageOps.exif_transpose(image), stored, max_value, path)
    except FileNotFoundError:
        tried = "" if path.is_absolute() else f" Looked for {path.absolute()}."
        raise DataError(f"{path}: there is no such file.{tried}") from None
    except DataError:
        raise
    except Exception as error:  # decoders raise anything when they meet damage
        size = path.stat().st_size if os.path.isfile(path) else 0
        raise DataError(
            f"{path}: cannot be decoded as an image ({error}; the file has {size} bytes). "
            "Replace it, or leave out what cannot be read with --bad-images skip."
        ) from None


def open_reduced(path: Path, side: int, max_value: int | None = None) -> Image.Image:
    """The image as :func:`open_rgb`, its longer side reduced to ``side`` pixels where it is larger.

    A large JPEG is decoded at a fraction of its size, in less time and memory.

    Raises:
        DataError: as :func:`open_pixels`.
    """
    with suppress(Exception), open_image(path) as image:  # what is wrong, open_rgb says
        plain = image.format == "JPEG" and image.mode == "RGB" and max_value in (None, 255)
        if plain and image.width * image.height <= MAX_PIXELS:
            image.draft("RGB", (side, side))
            found = ImageOps.exif_transpose(image)
            found.thumbnail((side, side))
            return found
    whole = open_rgb(path, max_value)
    whole.thumbnail((side, side))
    return whole


def image_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels, upright; only the header is read.

    Raises:
        DataError: not there, or not an image.
    """
    try:
        with open_image(path) as image:
            return upright_size(image, image.getexif().get(ORIENTATION, 1))
    except Exception as error:  # decoders raise anything when they meet damage
        raise DataError(f"{path}: cannot be read as an image ({error}).") from None


def upright_size(image: ImageFile, orientation: int) -> tuple[int, int]:
    """Width and height of an opened image as it is shown, by its EXIF orientation.

    Those of TIFF, which some versions of Pillow turn on opening, are taken as they are stored.
    """
    width, height = image.size
    if isinstance(image, TiffImageFile):
        width, height = image.tag_v2[IMAGEWIDTH], image.tag_v2[IMAGELENGTH]
    return (height, width) if orientation in (5, 6, 7, 8) else (width, height)


@dataclass(frozen=True)
class ImageFiles:
    """Image files, resized to ``size`` × ``size`` without keeping the aspect (bilinear)."""

    paths: Sequence[Path]
    size: int
    max_value: int | None = None
    """The largest whole number that a pixel can have; None for that of its type."""
    in_memory = False

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return (3, self.size, self.size)

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, rows: Sequence[int], flips: Sequence[bool]) -> Tensor:
        batch = torch.empty((len(rows), *self.sample_shape), dtype=torch.uint8)
        for position, (row, flip) in enumerate(zip(rows, flips, strict=True)):
            resized = self._resized(row)
            batch[position] = resized.flip(-1) if flip else resized
        return batch

    def read_readable(self, rows: Sequence[int]) -> tuple[Tensor, dict[int, str]]:
        """(B, 3, H, W) uint8: those of the images that can be read; row → what is wrong with each
        of the others."""
        batch = torch.empty((len(rows), *self.sample_shape), dtype=torch.uint8)
        broken: dict[int, str] = {}
        for number, row in enumerate(rows):
            try:
                batch[number - len(broken)] = self._resized(row)
            except DataError as error:
                broken[row] = str(error)
        return batch[: len(rows) - len(broken)], broken

    def _resized(self, row: int) -> Tensor:
        pixels = torch.from_numpy(open_pixels(self.paths[row], self.max_value))
        return resize(pixels.permute(2, 0, 1), self.size)

    def fingerprint(self, rows: NDArray[np.int64]) -> str:
        found = hashlib.blake2b(RULE.encode(), digest_size=32)
        digests = map_files(
            lambda row: _digest(self.paths[row]), rows.tolist(), cores(), "Contents of images"
        )
        for digest in digests:
            found.update(digest)
        return found.hexdigest()


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").digest()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}).") from None


def resize(pixels: Tensor, size: int) -> Tensor:
    """(3, size, size) uint8 of pixels (3, H, W) uint8: bilinear, smoothed where it shrinks.

    Within 1/255 of Pillow's, and faster: whole pixels lie together in memory.
    """
    if pixels.shape[1:] == (size, size):
        return pixels
    return F.interpolate(
        pixels[None], (size, size), mode="bilinear", antialias=True, align_corners=False
    )[0]


class Decoded(NamedTuple):
    """What a look at images has found."""

    broken: dict[int, str]
    """Position → what is wrong, for those that cannot be read."""
    peak: int
    """The greatest value, up to 255, in the others."""
    damaged: dict[int, str]
    """Position → what is wrong, for JPEGs that were decoded although their data are damaged; only
    of those that were looked at now, and only where ``largeloss[fast]`` is installed."""


def decode_all(
    paths: Sequence[Path],
    workers: int | None = None,
    rows: Sequence[int] | None = None,
    max_value: int | None = None,
    record: DecodeRecord | None = None,
) -> Decoded:
    """Decodes images in full, but for those that ``record`` knows as they are.

    Only those at the positions ``rows`` are looked at, if given. ``workers`` are threads, by
    default one per core.
    """
    chosen = np.arange(len(paths)) if rows is None else np.asarray(rows, dtype=np.int64)
    workers = cores() if workers is None else workers
    known, peak = np.zeros(len(chosen), dtype=np.bool_), 0
    if record is not None:
        states, known = record.look(paths, chosen, workers)
        peak = int(states["peak"][known].max(initial=0))

    damaged: dict[int, str] = {}

    def look(row: int) -> int | str:
        wrong: list[str] = []
        try:
            greatest = int(open_pixels(paths[row], max_value, wrong).max())
        except DataError as error:
            return str(error)
        if wrong:
            damaged[row] = wrong[0]
        return greatest

    unknown = np.flatnonzero(~known)
    wanted = chosen[unknown].tolist()
    found = list(map_files(look, wanted, workers, "Images decoded as a check"))
    broken = {row: why for row, why in zip(wanted, found, strict=True) if isinstance(why, str)}
    peaks = np.array([-1 if isinstance(each, str) else each for each in found], dtype=np.int64)
    if record is not None:
        fine = peaks >= 0
        states["peak"][unknown[fine]] = peaks[fine]
        record.add(states[unknown[fine]])
    return Decoded(broken, max(peak, int(peaks.max(initial=0))), dict(sorted(damaged.items())))
