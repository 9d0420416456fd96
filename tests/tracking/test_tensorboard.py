"""TensorBoard's own reader finds in a run's event files what the run folder holds."""

import csv
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from largeloss.config import make_config
from largeloss.errors import RunError
from largeloss.runs.result import RunResult
from largeloss.runs.tracking import tracked
from largeloss.runs.train import train
from largeloss.training.listener import Listener


class Stopping(Listener):
    """Lets a run fail after its second epoch, before a tracker is told of it."""

    def end_epoch(self, record):
        if record["epoch"] == 1:
            raise RunError("stopped")


@pytest.fixture
def cut(image_folder, tmp_path) -> Path:
    """A run that was followed, and stopped after two of four epochs."""
    settings = make_config(
        [
            {
                "data": {"path": str(image_folder), "observe": "single-positive"},
                "method": {"name": "ll-cp", "delta_rel": 5},
                "model": {"backbone": "digits", "image_size": 16},
                "training": {
                    "epochs": 4,
                    "batch_size": 6,
                    "workers": 0,
                    "track": "tensorboard",
                    "stop_below": None,
                    "record": "losses",
                },
            }
        ]
    )
    with (
        pytest.raises(RunError, match="stopped"),
        tracked(settings, tmp_path / "run", Stopping()) as told,
    ):
        train(settings, tmp_path / "run", listener=told)
    return tmp_path / "run"


def read(run: Path) -> EventAccumulator:
    found = EventAccumulator(str(run / "tensorboard"), purge_orphaned_data=False)
    found.Reload()
    return found


def test_a_run_that_is_resumed_has_each_epoch_once(cut, largeloss):
    (step,) = read(cut).Scalars("val_map")
    assert step.step == 0
    code, out, err = largeloss("train", "--resume", "--out", cut)
    assert code == 0, err
    assert f"tensorboard --logdir {cut.parent}" in out
    found, result = read(cut), RunResult.read(cut)
    with (cut / "metrics.csv").open() as file:
        lines = list(csv.DictReader(file))
    for name in ("train_loss", "val_map", "lr", "label_edits"):
        events = found.Scalars(name)
        assert [event.step for event in events] == [0, 1, 2, 3]
        assert [event.value for event in events] == pytest.approx(
            [float(line[name]) for line in lines]
        )
    assert found.Scalars("flagged")[0].value == 0  # the warm-up
    assert found.Scalars("flagged")[3].value > 0
    for name, value in result.test_ap.items():
        (event,) = found.Scalars(f"test_ap/{name}")
        assert event.value == pytest.approx(100 * value)
    assert found.Scalars("result/test_map")[0].value == pytest.approx(result.test_map)
    texts = {tag: found.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in (
        "settings/text_summary", "result/text_summary", "classes/text_summary",
        "files/text_summary",
    )}  # fmt: skip
    assert "| method.name | ll-cp |" in texts["settings/text_summary"]
    assert "report.html" in texts["files/text_summary"]
    assert "| red |" in texts["classes/text_summary"]
    assert "_hparams_/session_start_info" in found.summary_metadata
    files = sorted(cut.glob("tensorboard/*"))
    code, _, err = largeloss("train", "--resume", "--out", cut)
    assert code == 0, err
    assert sorted(cut.glob("tensorboard/*")) == files


def test_a_tracker_may_be_added_or_left_out_when_a_run_is_resumed(cut, largeloss):
    code, _, err = largeloss("train", "--resume", "--out", cut, "--set", "training.track=null")
    assert code == 0, err
    assert len(read(cut).Scalars("val_map")) == 1
    code, _, err = largeloss("train", "--resume", "--out", cut, "--track", "tensorboard")
    assert code == 0, err
    assert [event.step for event in read(cut).Scalars("val_map")] == [0, 1, 2, 3]


def test_a_link_in_place_of_the_folder_is_refused(cut, largeloss, tmp_path):
    for file in cut.glob("tensorboard/*"):
        file.unlink()
    (cut / "tensorboard").rmdir()
    (tmp_path / "elsewhere").mkdir()
    (cut / "tensorboard").symlink_to(tmp_path / "elsewhere")
    code, _, err = largeloss("train", "--resume", "--out", cut)
    assert code == 2
    assert "is a link" in err
    assert not list((tmp_path / "elsewhere").iterdir())
