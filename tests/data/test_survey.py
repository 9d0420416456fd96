import numpy as np
import pytest
from PIL import Image

from largeloss.data.examine.image_statistics import Spread, survey_images


def test_sizes_grey_and_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (10, 20)).save(tmp_path / "turned.jpg", exif=exif)
    Image.new("RGB", (30, 40)).save(tmp_path / "plain.png")
    Image.new("L", (50, 6)).save(tmp_path / "grey.png")
    Image.fromarray(np.zeros((7, 8), dtype=np.uint16)).save(tmp_path / "deep.png")
    names = ["turned.jpg", "plain.png", "grey.png", "deep.png"]
    found = survey_images([tmp_path / name for name in names], names)
    assert found.width == Spread(8, 25.0, 50)
    assert found.height == Spread(6, 8.5, 40)
    assert found.grey == 0.5
    assert found.turned == 1
    assert found.files == 4
    assert not found.broken


def test_headers_alone_do_not_decode(tmp_path, monkeypatch):
    for name in ("a.png", "b.jpg"):
        Image.new("RGB", (9, 9)).save(tmp_path / name)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", None)
    found = survey_images([tmp_path / "a.png", tmp_path / "b.jpg"], "ab", decode=False)
    assert found.width == Spread(9, 9.0, 9)
    assert not found.broken


@pytest.mark.parametrize("block", [1, 3, 4096])
def test_broken_images_are_listed(tmp_path, monkeypatch, block):
    monkeypatch.setattr("largeloss.data.inputs.threads.BLOCK", block)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.jpg")
    whole = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.jpg").write_text("not an image")
    names = ["whole.jpg", "cut.jpg", "gone.jpg", "text.jpg"]
    paths = [tmp_path / name for name in names]
    headers = survey_images(paths, names, decode=False)
    assert list(headers.broken) == ["gone.jpg", "text.jpg"]
    assert "there is no such file" in headers.broken["gone.jpg"]
    assert "not readable as an image" in headers.broken["text.jpg"]
    assert not headers.decoded
    full = survey_images(paths, names)
    assert list(full.broken) == ["cut.jpg", "gone.jpg", "text.jpg"]
    assert full.decoded
