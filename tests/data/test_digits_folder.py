"""Digit scenes written out: the folder holds what a run on the scenes sees."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from largeloss.data import ImageArray, digits, read_folder
from largeloss.data.digits_folder import write_digits
from largeloss.errors import ConfigError

Largeloss = Callable[..., tuple[int, str, str]]


def test_pixels_splits_and_labels_are_those_of_the_scenes(tmp_path: Path) -> None:
    table = write_digits(tmp_path / "scenes", train=12, observe="single-positive")
    found = read_folder(tmp_path / "scenes", image_size=digits.SIZE)
    scenes = digits.read(sizes={"train": 12, "val": 2, "test": 4})
    assert isinstance(scenes.source, ImageArray)
    rows = list(range(18))
    pixels = found.source.read(rows, [False] * 18).numpy()
    np.testing.assert_array_equal(pixels, scenes.source.pixels)
    assert {name: rows.tolist() for name, rows in found.splits.items()} == {
        name: rows.tolist() for name, rows in scenes.splits.items()
    }
    assert found.labels == table
    shown = scenes.observed("single-positive").labels.to_dense()
    complete = scenes.labels.to_dense()
    np.testing.assert_array_equal(table.to_dense()[:12], shown[:12])
    np.testing.assert_array_equal(table.to_dense()[12:], complete[12:])
    assert ((shown[:12] >= 0).sum(1) == 1).all()


def test_the_command(largeloss: Largeloss, tmp_path: Path) -> None:
    out = tmp_path / "scenes"
    code, said, err = largeloss("data", "digits", "--train", 6, "--out", out)
    assert code == 0, err
    assert "9 images of 10 classes" in said
    assert "0 blank" in said
    lines = (out / "labels.csv").read_text().splitlines()
    assert lines[0].startswith("image,split,zero,one,two")
    assert len(list((out / "images").glob("*.png"))) == len(lines) - 1 == 9
    before = sorted(out.rglob("*"))
    code, _, err = largeloss("data", "digits", "--out", out)
    assert code == 2
    assert "not empty" in err
    assert sorted(out.rglob("*")) == before


def test_a_wrong_rule_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Write one of"):
        write_digits(tmp_path / "scenes", train=6, observe="single")
    assert not list(tmp_path.iterdir())
