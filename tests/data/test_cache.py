"""Images from the cache are those of the files, whatever happens while it is made."""

import multiprocessing
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from largeloss.data.inputs import decoded_cache as cache
from largeloss.data.inputs.decoded_cache import DecodedCache
from largeloss.data.inputs.image_files import ImageFiles
from largeloss.errors import ConfigError, DataError


def images(folder: Path, num: int = 7) -> ImageFiles:
    folder.mkdir()
    stream = np.random.default_rng(0)
    paths = []
    for number in range(num):
        shape = (int(stream.integers(5, 40)), int(stream.integers(5, 40)), 3)
        path = folder / f"{number}.png"
        Image.fromarray(stream.integers(0, 256, shape, dtype=np.uint8)).save(path)
        paths.append(path)
    return ImageFiles(tuple(paths), 16)


def test_images_and_mirrored_ones_are_those_of_the_files(tmp_path: Path) -> None:
    files = images(tmp_path / "in")
    rows = np.array([0, 2, 3, 6])
    kept = DecodedCache.of(files, rows, tmp_path / "cache")
    wanted, flips = [6, 0, 3], [True, False, True]
    assert torch.equal(kept.read(wanted, flips), files.read(wanted, flips))
    assert len(kept) == len(files)
    assert kept.sample_shape == files.sample_shape
    assert kept.in_memory


def test_a_finished_file_is_used_and_a_changed_image_makes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, rows = images(tmp_path / "in"), np.arange(7)
    first = DecodedCache.of(files, rows, tmp_path / "cache")
    with monkeypatch.context() as patch:
        patch.setattr(cache, "_write", lambda *_: pytest.fail("it is there already"))
        assert DecodedCache.of(files, rows, tmp_path / "cache").path == first.path
    shutil.copy(files.paths[0], files.paths[1])
    second = DecodedCache.of(files, rows, tmp_path / "cache")
    assert second.path != first.path
    assert torch.equal(second.read([1], [False]), files.read([0], [False]))


@pytest.mark.parametrize("damage", [b"", b"nothing", "half"])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes | str) -> None:
    files, rows = images(tmp_path / "in"), np.arange(7)
    path = DecodedCache.of(files, rows, tmp_path / "cache").path
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if isinstance(damage, str) else damage)
    kept = DecodedCache.of(files, rows, tmp_path / "cache")
    assert torch.equal(kept.read([4], [False]), files.read([4], [False]))
    assert path.read_bytes() == whole


@pytest.mark.parametrize("suffix", [".npy", ".crc32"])
def test_fault_07_a_flipped_bit_in_a_kept_image_is_found(tmp_path: Path, suffix: str) -> None:
    files, rows = images(tmp_path / "in"), np.array([1, 2, 5])
    path = DecodedCache.of(files, rows, tmp_path / "cache").path
    damaged = path.with_suffix(suffix)
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 4
    damaged.write_bytes(content)
    kept = DecodedCache.of(files, rows, tmp_path / "cache")
    kept.read([2, 1], [True, False])
    for _ in range(2):
        with pytest.raises(DataError, match=r"copy of .*5\.png is not what was written"):
            kept.read([1, 5], [False, True])


@pytest.mark.parametrize("left", [None, b"", b"four"])
def test_missing_checksums_are_made_anew(tmp_path: Path, left: bytes | None) -> None:
    files, rows = images(tmp_path / "in"), np.arange(7)
    sums = DecodedCache.of(files, rows, tmp_path / "cache").path.with_suffix(".crc32")
    whole = sums.read_bytes()
    sums.unlink()
    if left is not None:
        sums.write_bytes(left)
    DecodedCache.of(files, rows, tmp_path / "cache").read([3], [False])
    assert sums.read_bytes() == whole


def _make(files: ImageFiles, folder: Path, slow: float) -> None:
    read = ImageFiles.read

    def slowly(self: ImageFiles, rows: list[int], flips: list[bool]) -> torch.Tensor:
        time.sleep(slow)
        return read(self, rows, flips)

    ImageFiles.read = slowly  # type: ignore[method-assign,assignment]
    DecodedCache.of(files, np.arange(len(files)), folder)


def test_two_processes_make_one_file(tmp_path: Path) -> None:
    files = images(tmp_path / "in")
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_make, args=(files, tmp_path / "cache", 0.3)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
        assert process.exitcode == 0
    made = list((tmp_path / "cache" / "images").glob("*.npy"))
    assert len(made) == 1
    kept = DecodedCache.of(files, np.arange(7), tmp_path / "cache")
    assert torch.equal(kept.read([5], [True]), files.read([5], [True]))


def test_a_killed_process_leaves_nothing_that_is_used(tmp_path: Path) -> None:
    files = images(tmp_path / "in")
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_make, args=(files, tmp_path / "cache", 60))
    process.start()
    partial = tmp_path / "cache" / "images"
    deadline = time.monotonic() + 60
    while not list(partial.glob("*.partial")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)
    assert list(partial.glob("*.partial"))
    assert not list(partial.glob("*.npy"))
    kept = DecodedCache.of(files, np.arange(7), tmp_path / "cache")
    assert torch.equal(kept.read([5], [True]), files.read([5], [True]))
    assert not list(partial.glob("*.partial"))


def test_no_room_and_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, rows = images(tmp_path / "in"), np.arange(7)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be kept"):
        DecodedCache.of(files, rows, tmp_path / "file")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage())
    with pytest.raises(ConfigError, match=r"7 images of 16 px need 0\.0 GB"):
        DecodedCache.of(files, rows, tmp_path / "cache")


class _Usage:
    free = 10


def test_a_broken_image_is_named(tmp_path: Path) -> None:
    files = images(tmp_path / "in")
    files.paths[3].write_bytes(b"no image")
    with pytest.raises(DataError, match=r"3\.png"):
        DecodedCache.of(files, np.arange(7), tmp_path / "cache")
