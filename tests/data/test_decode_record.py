"""What was decoded before is not decoded again, unless its file has changed."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from largeloss.config import make_config
from largeloss.data.inputs import decode_record, image_files
from largeloss.data.inputs.decode_record import DecodeRecord
from largeloss.data.inputs.image_files import decode_all
from largeloss.data.inputs.threads import map_files
from largeloss.errors import DataError
from largeloss.runs.data import load_data


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of this moment count as old ones."""
    monkeypatch.setattr(decode_record, "SETTLED", -(10**12))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of images that are decoded."""
    names: list[str] = []
    decode = image_files.open_pixels

    def spy(path: Path, *more: Any) -> np.ndarray:
        names.append(path.name)
        return decode(path, *more)

    monkeypatch.setattr(image_files, "open_pixels", spy)
    return names


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    found = [tmp_path / f"{number}.png" for number in range(6)]
    for number, path in enumerate(found):
        Image.fromarray(np.full((4, 4, 3), 10 * number, np.uint8)).save(path)
    found[3].write_bytes(b"no image")
    return found


@pytest.fixture
def record(tmp_path: Path) -> DecodeRecord:
    return DecodeRecord.of(tmp_path / "cache", tmp_path, None)


def test_only_what_changed_and_what_cannot_be_read_is_decoded_again(paths, record, opened):
    first = decode_all(paths, record=record)
    assert (list(first.broken), first.peak, sorted(opened)) == ([3], 50, [p.name for p in paths])
    opened.clear()
    assert decode_all(paths, record=record) == first
    assert opened == ["3.png"]
    before = paths[1].stat()
    content = bytearray(paths[1].read_bytes())
    content[40:44] = b"\0\0\0\0"
    paths[1].write_bytes(content)  # as long as before, and as old
    os.utime(paths[1], ns=(before.st_atime_ns, before.st_mtime_ns))
    opened.clear()
    assert list(decode_all(paths, record=record).broken) == [1, 3]
    assert sorted(opened) == ["1.png", "3.png"]


def test_other_rows_are_added(paths, record, opened):
    decode_all(paths, rows=[0, 1], record=record)
    assert decode_all(paths, rows=[1, 2, 5], record=record).peak == 50
    opened.clear()
    assert decode_all(paths, rows=[0, 2], record=record).peak == 20
    assert opened == []


def test_what_was_changed_just_now_is_not_remembered(paths, record, opened, monkeypatch):
    monkeypatch.setattr(decode_record, "SETTLED", 10**12)
    decode_all(paths, record=record)
    decode_all(paths, record=record)
    assert len(opened) == 12


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY damaged", None])
def test_a_record_that_is_damaged_or_cannot_be_kept_is_done_without(
    damage, paths, record, opened, tmp_path
):
    first = decode_all(paths, record=record)
    if damage is None:
        record = DecodeRecord(paths[0] / "below-a-file.npy")
    else:
        record.path.write_bytes(damage)
    opened.clear()
    assert decode_all(paths, record=record) == first
    assert len(opened) == 6


def test_settings_and_folders_have_records_of_their_own(tmp_path):
    kinds = [(tmp_path, None), (tmp_path, 4095), (tmp_path / "other", None)]
    records = {DecodeRecord.of(tmp_path, root, most).path for root, most in kinds}
    assert len(records) == 3


def test_a_run_decodes_once_and_finds_what_broke_since(image_folder, opened):
    settings = make_config([{"data": {"path": str(image_folder)}, "model": {"image_size": 16}}])
    load_data(settings)
    assert len(opened) == 30
    load_data(settings)
    assert len(opened) == 30
    (image_folder / "images/00.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"1 of 30 images cannot be read"):
        load_data(settings)


@pytest.mark.parametrize(("number", "workers"), [(0, 2), (5, 0), (5000, 3)])
def test_files_come_in_order(number, workers):
    items = list(range(number))
    assert list(map_files(lambda item: -item, items, workers, "")) == [-item for item in items]
