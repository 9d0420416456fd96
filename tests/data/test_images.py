import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from largeloss.data.examine.image_statistics import survey_images
from largeloss.data.inputs.image_files import (
    ImageFiles,
    decode_all,
    image_size,
    open_pixels,
    open_rgb,
)
from largeloss.errors import DataError
from largeloss.runs.load import load

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


@pytest.mark.parametrize("suffix", [".tif", ".jpg"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_sizes_are_those_that_are_shown(tmp_path, suffix, orientation):
    path, exif = tmp_path / f"a{suffix}", Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (8, 4)).save(path, exif=exif)
    shown = (4, 8) if orientation >= 5 else (8, 4)
    assert image_size(path) == open_rgb(path).size == shown
    statistics = survey_images([path], ["a"])
    assert (statistics.width.largest, statistics.height.largest) == shown


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
    found = decode_all([tmp_path / name for name in names]).broken
    assert sorted(found) == [1, 2, 3, 4]
    assert "0 bytes" in found[2]
    assert "no such file" in found[4]


def test_damage_in_the_middle_is_told(tmp_path):
    pytest.importorskip("simplejpeg")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.jpg")
    data = bytearray((tmp_path / "whole.jpg").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = b"\xff\xd0" * 32
    (tmp_path / "damaged.jpg").write_bytes(data)
    found = decode_all([tmp_path / "whole.jpg", tmp_path / "damaged.jpg"])
    assert found.broken == {}
    assert [*found.damaged] == [1]


def test_finding_22_an_interruption_does_not_wait_for_what_is_queued(monkeypatch):
    looked_at, fifth = [], Path("4.png")

    def interrupted(path, max_value, damaged):
        looked_at.append(path)
        time.sleep(0.001)
        if path == fifth:
            raise KeyboardInterrupt
        return GRADIENT

    monkeypatch.setattr("largeloss.data.inputs.image_files.open_pixels", interrupted)
    with pytest.raises(KeyboardInterrupt):
        decode_all([Path(f"{number}.png") for number in range(4000)])
    assert len(looked_at) < 400


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


def test_finding_12_one_divisor_for_all_pictures_of_a_set(tmp_path):
    """The picture's own maximum decides nothing: 200 is 200 of 65,535 beside any other value."""
    files = {"dim.tif": 200, "bright.tif": 60_000}
    for name, top in files.items():
        for kind in (np.uint16, np.int32):
            values = np.full((4, 4), top // 2, dtype=kind)
            values[0, 0] = top
            path = tmp_path / f"{np.dtype(kind).name}-{name}"
            Image.fromarray(values).save(path)
            for most, wanted in ((65_535, top * 255 / 65_535), (None, 0)):
                if kind is np.uint16:
                    wanted = top * 255 / 65_535
                elif most is None:
                    wanted = top * 255 / (2**31 - 1)
                assert open_pixels(path, most)[0, 0].tolist() == [round(wanted)] * 3
    twelve = np.full((4, 4), 4095, dtype=np.uint16)
    Image.fromarray(twelve).save(tmp_path / "twelve.png")
    assert open_pixels(tmp_path / "twelve.png", 4095).min() == 255
    assert open_pixels(tmp_path / "twelve.png").max() == 16
    # eight bits keep their range beside them
    Image.fromarray(GRADIENT).save(tmp_path / "eight.png")
    np.testing.assert_array_equal(open_pixels(tmp_path / "eight.png", 4095)[..., 0], GRADIENT)
    assert open_pixels(tmp_path / "eight.png", 252).max() == 255


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.array([[0, 255]], np.float32), "floating point must lie in"),
        (np.array([[-0.1, 1]], np.float32), "floating point must lie in"),
        (np.array([[np.nan, 1]], np.float32), "floating point must lie in"),
        (np.array([[-5, 90]], np.int32), "data.max_value"),
        (np.array([[5, 5000]], np.uint16), "data.max_value"),
    ],
)
def test_finding_12_values_out_of_range_are_refused(tmp_path, values, said):
    Image.fromarray(values).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match=rf"a\.tif: its values lie between(.|\n)*{said}"):
        open_pixels(tmp_path / "a.tif", 4095)


def test_finding_12_floating_point(tmp_path):
    Image.fromarray(np.array([[0, 0.5, 1]], np.float32)).save(tmp_path / "a.tif")
    assert open_pixels(tmp_path / "a.tif")[0, :, 1].tolist() == [0, 128, 255]


def test_finding_12_clear_pictures_of_few_bits(tmp_path):
    pixels = np.full((2, 2, 4), 15, dtype=np.uint8)
    pixels[..., 3] = [[255, 0], [255, 255]]
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert open_pixels(tmp_path / "a.png", 30)[..., 0].tolist() == [[128, 255], [128, 128]]


def test_finding_12_colours_of_16_bits_have_lost_their_lower_8(tmp_path):
    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    row = b"\0" + struct.pack(">6H", *([4095] * 6))
    content = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0))
    content += chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    assert open_pixels(tmp_path / "a.png").max() == 15
    with pytest.raises(DataError, match="upper 8 alone"):
        open_pixels(tmp_path / "a.png", 4095)


def test_finding_12_a_set_of_another_range_is_refused_by_the_setting(image_folder, largeloss):
    for path in image_folder.glob("images/*.png"):
        grey = np.asarray(Image.open(path).convert("L")).astype(np.uint16) * 16
        Image.fromarray(grey).save(path)
    options = ["--backbone", "digits", "--image-size", "16", "--epochs", "1", "--workers", "0"]
    out = image_folder.parent / "run"
    code, _, err = largeloss("train", image_folder, *options, "--out", out)
    assert code == 2
    assert "None of 30 images reaches an eighth" in err
    assert "--set data.max_value=4095" in err
    assert largeloss("data", "check", image_folder)[0] == 1
    assert largeloss("data", "check", image_folder, "--max-value", "4095")[0] == 0
    code, _, err = largeloss(
        "train", image_folder, *options, "--set", "data.max_value=4095", "--out", out
    )
    assert code == 0, err
    # what is made of a trained model sees the same pixels
    path = image_folder / "images/00.png"
    model = load(out)
    assert torch.equal(model.preprocess(path), ImageFiles((path,), 16, 4095).read([0], [False])[0])
    inputs = ImageFiles((path,), 16, 4095).read([0], [False])
    (one,) = model.predict(path, workers=0)
    logits = model(inputs)[0].double()
    assert list(one.scores.values()) == pytest.approx(logits.sigmoid().tolist(), abs=1e-5)
    assert largeloss("evaluate", out)[0] == 0
