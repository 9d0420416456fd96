import numpy as np
import pytest
import torch
from PIL import Image

from largeloss.data.inputs.image_files import ImageFiles, broken_images, open_rgb
from largeloss.errors import DataError

GRADIENT = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4


def test_every_mode_becomes_rgb(tmp_path):
    rgb = np.stack([GRADIENT, GRADIENT.T, 255 - GRADIENT], axis=-1)
    Image.fromarray(rgb).save(tmp_path / "rgb.png")
    Image.fromarray(GRADIENT).save(tmp_path / "gray.png")
    Image.fromarray(rgb).convert("CMYK").save(tmp_path / "cmyk.tiff")
    Image.fromarray(rgb).convert("P").save(tmp_path / "palette.png")
    Image.fromarray(GRADIENT.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    for name in ("rgb.png", "gray.png", "cmyk.tiff", "palette.png", "deep.png"):
        assert open_rgb(tmp_path / name).mode == "RGB"
    np.testing.assert_array_equal(np.asarray(open_rgb(tmp_path / "rgb.png")), rgb)
    for name in ("gray.png", "deep.png"):  # 16 bits are scaled, not saturated
        np.testing.assert_array_equal(np.asarray(open_rgb(tmp_path / name))[..., 1], GRADIENT)


def test_transparency_is_laid_over_white(tmp_path):
    pixels = np.zeros((2, 2, 4), dtype=np.uint8)
    pixels[0, 0] = (10, 20, 30, 255)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    seen = np.asarray(open_rgb(tmp_path / "a.png"))
    assert seen[0, 0].tolist() == [10, 20, 30]
    assert seen[1, 1].tolist() == [255, 255, 255]


def test_exif_orientation_is_applied(tmp_path):
    image = Image.fromarray(np.stack([GRADIENT[:4]] * 3, axis=-1))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.png", exif=exif)
    assert open_rgb(tmp_path / "a.png").size == (4, 8)


def test_animations_give_their_first_frame(tmp_path):
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert np.asarray(open_rgb(tmp_path / "a.gif"))[0, 0].tolist() == [255, 0, 0]


def test_broken_images_are_found_by_a_full_decode(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.jpg")
    data = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) // 2])
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("not an image")
    names = ["whole.jpg", "cut.jpg", "empty.jpg", "text.jpg", "gone.jpg"]
    found = broken_images([tmp_path / name for name in names])
    assert sorted(found) == [1, 2, 3, 4]
    assert "0 bytes" in found[2]
    assert "no such file" in found[4]


def test_huge_images_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("largeloss.data.inputs.image_files.MAX_PIXELS", 10)
    Image.fromarray(GRADIENT).save(tmp_path / "a.png")
    with pytest.raises(DataError, match="8×8 pixels"):
        open_rgb(tmp_path / "a.png")


def test_reading_resizes_and_mirrors(tmp_path):
    rgb = np.stack([GRADIENT, GRADIENT.T, GRADIENT], axis=-1)
    Image.fromarray(rgb).save(tmp_path / "a.png")
    source = ImageFiles((tmp_path / "a.png",), 8)
    plain, mirrored = source.read([0, 0], [False, True])
    assert plain.dtype == torch.uint8
    assert plain.shape == (3, 8, 8)
    np.testing.assert_array_equal(plain.permute(1, 2, 0).numpy(), rgb)
    assert torch.equal(mirrored, plain.flip(-1))
    for size in ((1, 1), (1, 500)):
        Image.new("RGB", size, "red").save(tmp_path / "b.png")
        thin = ImageFiles((tmp_path / "b.png",), 4).read([0], [False])
        assert thin.shape == (1, 3, 4, 4)
        assert thin[0, 0].eq(255).all()
