"""From JPEG files, or from the cache, to a mirrored, normalised float batch."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import simplejpeg
import torch
from measure import Line, interleaved, seconds
from PIL import Image
from torch import Tensor
from torchvision import transforms

from largeloss.data.inputs.image_files import ImageFiles
from largeloss.models.normalisation import IMAGENET

BATCH = 16


def lines() -> Iterator[Line]:
    """Decoding at 448 and 224 pixels, then the cache."""
    root = os.environ.get("LARGELOSS_DATA")
    if not root:
        raise SystemExit("Set LARGELOSS_DATA to the folder that holds photos/.")
    paths = tuple(sorted((Path(root) / "photos").glob("**/*.jpg"))[:BATCH])
    for size, reach in ((448, 3.0), (224, 2.0)):
        yield _decoding(paths, size, reach)
    with tempfile.TemporaryDirectory() as folder:
        for size in (448, 224):
            yield _cached(paths, size, Path(folder))


def published(paths: tuple[Path, ...], size: int) -> Tensor:
    """As the published code has it: Pillow and torchvision, image by image, in float."""
    steps = transforms.Compose(
        [
            transforms.Resize((size, size)),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(*IMAGENET),
        ]
    )
    return torch.stack([steps(Image.open(path).convert("RGB")) for path in paths])


def ours(source: ImageFiles, flips: list[bool]) -> Tensor:
    """Read as uint8, normalised as the model does it."""
    mean, std = (torch.tensor(v).view(-1, 1, 1) * 255 for v in IMAGENET)
    return source.read(range(len(source)), flips).float().sub_(mean).div_(std)


def _decoding(paths: tuple[Path, ...], size: int, reach: float) -> Line:
    source = ImageFiles(paths, size)
    flips = [bool(place % 2) for place in range(len(paths))]
    ways = {
        "published": lambda: published(paths, size),
        "ours": lambda: ours(source, flips),
        "decode alone": lambda: [np.asarray(Image.open(path).convert("RGB")) for path in paths],
    }
    sampled = interleaved(ways, rounds=7)
    ratio = sampled["published"].median / sampled["ours"].median
    error = largest_difference(source, paths, size)
    return Line(
        "JPEG to batch",
        f"{len(paths)} photographs, {size} px",
        f"{ratio:.1f}× as fast; pixels within {error}/255 of Pillow",
        f"≥ {reach:g}×, within 1/255",
        ratio >= reach and error <= 1,
        seconds(sampled),
        f"decoded at a fraction of its size: pixels within {reduced_difference(paths, size)}/255",
    )


def largest_difference(source: ImageFiles, paths: tuple[Path, ...], size: int) -> int:
    """Of any pixel from Pillow's decoding and resizing."""
    most = 0
    for row, path in enumerate(paths):
        resized = Image.open(path).convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
        theirs = np.asarray(resized).astype(np.int16)
        mine = source.read([row], [False])[0].permute(1, 2, 0).numpy().astype(np.int16)
        most = max(most, int(np.abs(mine - theirs).max()))
    return most


def reduced_difference(paths: tuple[Path, ...], size: int) -> int:
    """By how many grey levels pixels change where a JPEG is decoded at a fraction of its size."""
    most = 0
    for path in paths:
        whole = np.asarray(Image.open(path).convert("RGB"))
        part = simplejpeg.decode_jpeg(path.read_bytes(), "RGB", min_height=size, min_width=size)
        pixels = [
            np.asarray(
                Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR)
            ).astype(np.int16)
            for image in (whole, part)
        ]
        most = max(most, int(np.abs(pixels[0] - pixels[1]).max()))
    return most


def _cached(paths: tuple[Path, ...], size: int, folder: Path) -> Line:
    from largeloss.data.inputs.decoded_cache import DecodedCache

    cached = DecodedCache.of(ImageFiles(paths, size), np.arange(len(paths)), folder)
    flips = [bool(place % 2) for place in range(len(paths))]
    mean, std = (torch.tensor(v).view(-1, 1, 1) * 255 for v in IMAGENET)

    def from_cache() -> Tensor:
        return cached.read(range(len(paths)), flips).float().sub_(mean).div_(std)

    ways = {
        "published": lambda: published(paths, size),
        "ours, uint8": lambda: cached.read(range(len(paths)), flips),
        "ours": from_cache,
    }
    sampled = interleaved(ways, rounds=7)
    ratio = sampled["published"].median / sampled["ours, uint8"].median
    whole = sampled["published"].median / sampled["ours"].median
    return Line(
        "batch from the cache",
        f"{len(paths)} photographs, {size} px",
        f"{ratio:.0f}× as fast (uint8, as it is sent to the device), {whole:.0f}× with "
        "normalisation on the CPU",
        "≥ 20×",
        ratio >= 20,
        seconds(sampled),
    )
