"""Predictions as files: every format says the same; shards that are continued and shared."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from pyarrow import parquet

from largeloss.data.inputs.image_files import ImageFiles
from largeloss.errors import ConfigError, DataError, Interrupted
from largeloss.forward import choose
from largeloss.runs.load import load
from largeloss.runs.predict import shards
from largeloss.runs.predict.lists import listed_paths
from largeloss.runs.predict.shards import write_shards
from largeloss.runs.predict.targets import MANIFEST, SKIPPED
from largeloss.runs.predict.writing import Written, check_names, write_predictions


@pytest.fixture
def model(small_run):
    return load(small_run)


@pytest.fixture
def images(small_run, tmp_path):
    """Thirty images, of which 07.png and 21.png are damaged."""
    folder = tmp_path / "new"
    shutil.copytree(small_run.parent / "data/images", folder)
    for name in ("07.png", "21.png"):
        (folder / name).write_bytes(b"no image")
    return folder


@pytest.fixture
def predictions(model, images):
    return model.predict(images, bad_images="skip", batch_size=4, workers=0)


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def test_all_formats_say_what_is_computed(predictions, tmp_path):
    expected = [
        (one.image, list(one.tags), [round(value, 6) for value in one.scores.values()])
        for one in predictions
    ]
    assert len(expected) == 28
    for suffix in ("csv", "json", "jsonl", "parquet"):
        written = write_predictions(predictions, tmp_path / f"s.{suffix}")
        assert (written.images, written.skipped, written.new) == (28, 2, 30)
        assert [one.image for one in written.first] == [image for image, _, _ in expected[:5]]
    rows = [
        (row["image"], [tag for tag in row["tags"].split(";") if tag],
         [float(row["red"]), float(row["blue"])])
        for row in read_csv(tmp_path / "s.csv")
    ]  # fmt: skip
    assert rows == expected
    lines = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert lines == json.loads((tmp_path / "s.json").read_text())
    assert [
        (line["image"], line["tags"], list(line["scores"].values())) for line in lines
    ] == expected
    table = parquet.read_table(tmp_path / "s.parquet")
    assert table.column_names == ["image", "tags", "red", "blue"]
    assert table["image"].to_pylist() == [image for image, _, _ in expected]
    assert table["tags"].to_pylist() == [tags for _, tags, _ in expected]
    for column, name in enumerate(("red", "blue")):
        scores = np.array([values[column] for _, _, values in expected], np.float32)
        assert np.array_equal(table[name].to_numpy(), scores)


def test_what_cannot_be_read_is_listed_and_the_list_vanishes_with_it(
    predictions, model, images, tmp_path
):
    out, listed = tmp_path / "s.csv", tmp_path / "s-skipped.csv"
    written = write_predictions(predictions, out)
    names = [str(images / "07.png"), str(images / "21.png")]
    assert [row["image"] for row in read_csv(listed)] == names
    assert all("cannot be decoded" in row["problem"] for row in read_csv(listed))
    assert written.reasons == [row["problem"] for row in read_csv(listed)]
    for name in names:
        shutil.copy(images / "00.png", name)
    again = model.predict([], lists=[listed], workers=0)  # such a list is a list of images
    assert [one.image for one in again] == names
    assert write_predictions(predictions, out).images == 30
    assert not listed.exists()


def test_lists_of_predict_name_the_same_images_in_another_folder(
    model, images, tmp_path, monkeypatch
):
    monkeypatch.chdir(images)
    shutil.move("00.png", "=0.png")
    out = tmp_path / "s.csv"
    write_predictions(model.predict(["=0.png", "07.png"], bad_images="skip", workers=0), out)
    (skipped,) = listed_paths(tmp_path / "s-skipped.csv")
    assert skipped == str(images / "07.png")
    assert [*listed_paths(out)] == [str(tmp_path / "=0.png")]
    (tmp_path / "own.csv").write_text("path\n'=0.png\n")
    assert [*listed_paths(tmp_path / "own.csv")] == [str(tmp_path / "'=0.png")]


def test_nothing_is_written_where_nothing_can_be_read(model, tmp_path):
    (tmp_path / "a.png").write_bytes(b"x")
    predictions = model.predict(tmp_path / "a.png", bad_images="skip", workers=0)
    with pytest.raises(DataError, match="1 of 1 images cannot be read"):
        write_predictions(predictions, tmp_path / "s.csv")
    assert sorted(os.listdir(tmp_path)) == ["a.png"]


def test_a_class_called_image_has_no_column_in_parquet(predictions, tmp_path):
    predictions = replace(predictions, classes=("image", "blue"))
    with pytest.raises(ConfigError, match="called 'image'"):
        write_predictions(predictions, tmp_path / "s.parquet")
    write_predictions(predictions, tmp_path / "s.jsonl")


@pytest.mark.parametrize("name", ["parts", "parts.csv", "parts.jsonl"])
def test_shards_hold_what_one_file_holds(predictions, tmp_path, name):
    written = write_shards(predictions, tmp_path / name, 11)
    assert (written.images, written.skipped, written.new) == (28, 2, 30)
    suffix = Path(name).suffix or ".parquet"
    found = sorted(path.name for path in (tmp_path / name).glob("part-*"))
    assert found == [f"part-0000{part}{suffix}" for part in range(3)]
    listed = [sorted(path.name for path in (tmp_path / name / SKIPPED).iterdir())]
    assert listed == [["part-00000.csv", "part-00001.csv"]]
    if suffix != ".parquet":
        return
    write_predictions(predictions, tmp_path / "s.parquet")
    whole, parts = (parquet.read_table(tmp_path / place) for place in ("s.parquet", name))
    assert parts["image"] == whole["image"]
    for column in ("red", "blue"):  # batches end elsewhere
        assert np.allclose(parts[column], whole[column], atol=2e-6)


def test_a_resumed_prediction_is_the_uninterrupted_one(predictions, tmp_path, monkeypatch):
    write_shards(predictions, tmp_path / "whole", 7)
    left = 0
    cut, original = tmp_path / "cut", ImageFiles.read_readable

    def read(*arguments):
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(ImageFiles, "read_readable", read)
    for left in range(1, 6):  # batches until Ctrl-C; a part has two
        with pytest.raises(KeyboardInterrupt):
            write_shards(predictions, cut, 7, resume=True)
        (cut / "part-00001.parquet.0123.partial").write_bytes(b"of a process that was killed")
        left += 100
    left = 0
    written = write_shards(predictions, cut, 7, resume=True)
    assert (written.images, written.skipped) == (28, 2)
    assert 0 < written.new < 30
    assert files(cut) == files(tmp_path / "whole")
    assert write_shards(predictions, cut, 7, resume=True).new == 0
    assert files(cut) == files(tmp_path / "whole")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p, f: (replace(p, images=p.images[:-1]), 7), "the images that are named"),
        (lambda p, f: (replace(p, images=[*p.images[1:], p.images[0]]), 7), "their order"),
        (lambda p, f: (replace(p, model_digest="x"), 7), "the model"),
        (lambda p, f: (replace(p, batch_size=5), 7), "--batch-size"),
        (lambda p, f: (p, 8), "--shards"),
        (lambda p, f: (p, 7) if (f / MANIFEST).write_text("{}}") else None, "cannot be read"),
    ],
    ids=["fewer", "order", "model", "batch", "shards", "damaged"],
)
def test_other_predictions_are_not_continued(predictions, tmp_path, change, message):
    folder = tmp_path / "parts"
    write_shards(predictions, folder, 7)
    (folder / "part-00001.parquet").unlink()
    changed, rows = change(predictions, folder)
    before = files(folder)
    with pytest.raises(ConfigError, match=message):
        write_shards(changed, folder, rows, resume=True)
    assert files(folder) == before


def test_the_same_relative_names_in_another_working_folder_are_other_images(
    model, images, tmp_path, monkeypatch
):
    other = shutil.copytree(images, tmp_path / "other")
    monkeypatch.chdir(images)
    given = [f"{row:02d}.png" for row in range(5)]
    write_shards(model.predict(given, workers=0), tmp_path / "parts", 3)
    (tmp_path / "parts/part-00001.parquet").unlink()
    monkeypatch.chdir(other)
    predictions = model.predict(given, workers=0)
    with pytest.raises(ConfigError, match="the working folder that they start from"):
        write_shards(predictions, tmp_path / "parts", 3, resume=True)
    monkeypatch.chdir(images)
    assert write_shards(predictions, tmp_path / "parts", 3, resume=True).new == 2


def test_folders_that_hold_something_else(predictions, tmp_path):
    folder = tmp_path / "parts"
    write_shards(predictions, folder, 30)
    with pytest.raises(ConfigError, match="already holds predictions"):
        write_shards(predictions, folder, 30)
    with (
        FileLock(folder / ".lock"),
        pytest.raises(ConfigError, match="Another process is writing"),
    ):
        write_shards(predictions, folder, 30, resume=True)
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").touch()
    with pytest.raises(ConfigError, match="not empty"):
        write_shards(predictions, other, 30, resume=True)
    with pytest.raises(ConfigError, match="is a file"):
        write_shards(predictions, other / "thesis.txt", 30)
    (folder / "part-00000.parquet").unlink()
    (folder / "part-00000.parquet").symlink_to(other / "thesis.txt")
    with pytest.raises(ConfigError, match="is a link"):
        write_shards(predictions, folder, 30, resume=True)


def test_parts_before_a_damaged_image_are_kept(model, images, tmp_path):
    folder = tmp_path / "parts"
    stopping = model.predict(images, batch_size=4, workers=0)
    with pytest.raises(DataError, match=r"07\.png(.|\n)*Finished parts are kept"):
        write_shards(stopping, folder, 4)
    assert (folder / "part-00000.parquet").exists()
    assert not (folder / "part-00001.parquet").exists()
    skipping = model.predict(images, bad_images="skip", batch_size=4, workers=0)
    write_shards(skipping, folder, 4, resume=True)
    write_shards(skipping, tmp_path / "whole", 4)
    assert files(folder) == files(tmp_path / "whole")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_after_the_batch(predictions, tmp_path, monkeypatch, number):
    original = ImageFiles.read_readable
    assert predictions.forward  # chosen, so that one batch is read and no more

    def read(*arguments):
        os.kill(os.getpid(), number)
        return original(*arguments)

    monkeypatch.setattr(ImageFiles, "read_readable", read)
    with pytest.raises(Interrupted, match="no prediction is kept") as stopped:
        write_predictions(predictions, tmp_path / "s.csv")
    assert stopped.value.number == number
    assert not (tmp_path / "s.csv").exists()


SLOW = (
    "import time; from largeloss.data.inputs import image_files as f; o = f.open_pixels; "
    "f.open_pixels = lambda *a: (time.sleep(0.2), o(*a))[1]"
)
"""Given to the command: an image takes a fifth of a second."""


def test_ctrl_c_with_workers_is_one_sentence_and_resumed(
    command, largeloss, small_run, images, tmp_path
):
    folder = tmp_path / "parts"
    arguments = ("predict", small_run, images, "--batch-size", "2", "--workers", "2",
                 "--bad-images", "skip", "--shards", "4")  # fmt: skip
    cut = command(*arguments, "--out", folder, setup=SLOW)
    cut.wait_for(folder / "part-00000.parquet")
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(cut.process.pid)], capture_output=True, text=True
    ).stdout.split()
    for pid in [*map(int, children), cut.process.pid]:  # as a terminal does: all of the group
        os.kill(pid, signal.SIGINT)
    code, _, err = cut.ended()
    assert code == 130, err
    message = f"Error: Stopped by SIGINT. Finished parts are kept in {folder}; go on with --resume."
    assert [line for line in err.splitlines() if not line.startswith("Note:")] == [message]
    assert not list(folder.glob("*.partial"))
    assert largeloss(*arguments, "--out", folder, "--resume")[0] == 0
    assert largeloss(*arguments, "--out", tmp_path / "whole")[0] == 0
    assert files(folder) == files(tmp_path / "whole")


class Processes:
    """Two of them, as threads that exchange values when both have come."""

    def __init__(self) -> None:
        self.numbers: dict[int, int] = {}
        self.values: dict[int, object] = {}
        self.meeting = threading.Barrier(2, timeout=60)

    def world_size(self) -> int:
        return 2

    def rank(self) -> int:
        return self.numbers[threading.get_ident()]

    def gather_objects(self, value: object) -> list[object]:
        self.meeting.wait()
        self.values[self.rank()] = value
        self.meeting.wait()
        return [self.values[0], self.values[1]]

    def from_main(self, value: object) -> object:
        return self.gather_objects(value)[0]


def test_two_processes_share_the_parts(predictions, tmp_path, monkeypatch):
    write_shards(predictions, tmp_path / "one", 7)
    processes = Processes()
    monkeypatch.setattr(shards, "distributed", processes)

    def write(number: int) -> Written | ConfigError:
        processes.numbers[threading.get_ident()] = number
        own = replace(predictions, batch_size=predictions.batch_size + other * number)
        try:
            return write_shards(own, tmp_path / "two", 7, resume=True)
        except ConfigError as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        other = 1
        for error in pool.map(write, (0, 1)):
            assert "have found different images" in str(error)
        assert not (tmp_path / "two").exists()
        other = 0
        first, _ = pool.map(write, (0, 1))
    assert isinstance(first, Written)
    assert (first.images, first.skipped, first.new) == (28, 2, 30)
    assert files(tmp_path / "two") == files(tmp_path / "one")


@pytest.mark.ranks
def test_two_processes_write_what_one_writes(largeloss, small_run, images, tmp_path):
    arguments = ("predict", small_run, images, "--batch-size", "3", "--workers", "0",
                 "--bad-images", "skip", "--shards", "5")  # fmt: skip
    code, alone, err = largeloss(*arguments, "--out", tmp_path / "one")
    assert code == 0, err

    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
         "-m", "largeloss", *map(str, arguments), "--out", str(tmp_path / "two")],
        capture_output=True, text=True, timeout=200, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "28 images → " in alone
    assert "28 images → " in done.stdout
    assert done.stdout.count("→") == 1
    assert files(tmp_path / "two") == files(tmp_path / "one")


def test_several_processes_need_shards_and_lists(largeloss, small_run, images, monkeypatch):
    monkeypatch.setattr("largeloss.runs.predict.shards.join_processes", lambda: 2)
    for arguments in ((images,), ("-", "--shards", "3", "--out", images / "out")):
        code, _, err = largeloss("predict", small_run, *arguments)
        assert code == 2
        assert "give --shards, and a --list" in err


def test_a_file_of_the_user_beside_the_predictions_is_left_alone(model, images, tmp_path):
    out, other = tmp_path / "scores.csv", tmp_path / "scores-skipped.csv"
    other.write_text("image,split\n07.png,test\n")
    write_predictions(model.predict(images / "00.png", workers=0), out)
    assert other.read_text() == "image,split\n07.png,test\n"
    with pytest.raises(ConfigError, match="holds something else"):
        write_predictions(model.predict(images, bad_images="skip", workers=0), out)
    assert other.read_text() == "image,split\n07.png,test\n"
    other.unlink()
    write_predictions(model.predict(images, bad_images="skip", workers=0), out)
    assert len(read_csv(other)) == 2
    write_predictions(model.predict(images / "00.png", workers=0), out)
    assert not other.exists()  # it was of the earlier predictions


def test_the_network_is_prepared_only_where_a_part_is_missing(model, images, tmp_path, monkeypatch):
    chosen = []

    def counted(*given):
        chosen.append(given)
        return choose(*given)

    monkeypatch.setattr("largeloss.runs.predict.predictions.choose", counted)
    options = {"bad_images": "skip", "batch_size": 4, "workers": 0}
    out = tmp_path / "parts"
    write_shards(model.predict(images, **options), out, 8)
    assert len(chosen) == 1
    write_shards(model.predict(images, **options), out, 8, resume=True)
    with pytest.raises(ConfigError, match="holds other predictions"):
        write_shards(model.predict(images / "00.png", **options), out, 8, resume=True)
    assert len(chosen) == 1
    (out / "part-00001.parquet").unlink()
    told: list[str] = []
    write_shards(model.predict(images, **options), out, 8, resume=True, remark=told.append)
    assert len(chosen) == 2


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_class_that_is_called_as_another_column_is_refused(suffix):
    with pytest.raises(ConfigError, match=r"image and tags .* called 'tags'\. Write \.jsonl"):
        check_names(suffix, ["cat", "tags"])
    check_names(suffix, ["cat", "tag"])
    check_names(".jsonl", ["image", "tags"])
