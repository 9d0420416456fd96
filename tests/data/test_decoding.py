"""JPEG by libjpeg-turbo directly: the pixels that Pillow gives, and Pillow's verdict on damage."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from largeloss.data.inputs import decoding
from largeloss.data.inputs.image_files import ImageFiles, image_size, open_rgb, resize
from largeloss.errors import DataError


def photograph(height: int, width: int) -> Image.Image:
    """Smooth, as photographs are."""
    stream = np.random.default_rng(0)
    small = stream.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (37, 53), (480, 640), (1, 700)])
def test_pixels_are_those_of_pillow(
    tmp_path: Path, subsampling: str, progressive: bool, size: tuple[int, int]
) -> None:
    path = tmp_path / "a.jpg"
    photograph(*size).save(path, quality=90, subsampling=subsampling, progressive=progressive)
    with Image.open(path) as image:
        pixels = decoding.decode_jpeg(image, path)
        assert pixels is not None
        assert np.abs(pixels.astype(int) - np.asarray(image.convert("RGB"))).max() <= 1
    assert image_size(path) == size[::-1]


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_other_colours_are_left_to_pillow(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.jpg"
    photograph(20, 30).convert(mode).save(path)
    with Image.open(path) as image:
        assert decoding.decode_jpeg(image, path) is None
    assert open_rgb(path).mode == "RGB"


def test_turned_images_are_upright(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    photograph(20, 30).save(path, exif=exif)
    assert open_rgb(path).size == image_size(path) == (20, 30)


@pytest.mark.parametrize("keep", [0.2, 0.6, 0.98])
def test_cut_off_images_are_refused(tmp_path: Path, keep: float) -> None:
    buffer = io.BytesIO()
    photograph(200, 300).save(buffer, "JPEG")
    path = tmp_path / "a.jpg"
    path.write_bytes(buffer.getvalue()[: int(len(buffer.getvalue()) * keep)])
    with pytest.raises(DataError, match="cannot be decoded"):
        open_rgb(path)


def test_without_the_extra_pillow_decodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jpg"
    photograph(60, 50).save(path)
    files = ImageFiles((path,), 32)
    fast = files.read([0], [False])
    monkeypatch.setattr(decoding, "simplejpeg", None)
    slow = files.read([0], [False])
    assert (fast.int() - slow.int()).abs().max() <= 1


@pytest.mark.parametrize("size", [(300, 200), (20, 31), (1, 1), (1, 500), (64, 64)])
def test_resizing_is_within_one_of_pillow(size: tuple[int, int]) -> None:
    image = photograph(*size)
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)
    theirs = np.asarray(image.resize((64, 64), Image.Resampling.BILINEAR)).astype(int)
    found = resize(pixels, 64).permute(1, 2, 0).numpy()
    assert np.abs(found - theirs).max() <= 1
