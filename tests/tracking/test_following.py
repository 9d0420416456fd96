"""What a tracker is told of, when, and that its failures never cost a training."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from run_folders import Noting, asking, copied, interrupted, trained_to

from largeloss import distributed
from largeloss.errors import ConfigError
from largeloss.runs.tracking import check_trackers, tracked, trackers
from largeloss.runs.tracking.follow import TrackedListener

MADE: list["Fake"] = []


class Fake(trackers.Tracker):
    """A tracker in memory; fails where ``broken`` says."""

    name = "tensorboard"
    broken = ""

    def __init__(self, folder: Path, group: str | None) -> None:
        super().__init__(folder, group)
        self.steps: list[tuple[int, int, dict[str, float]]] = []
        self.runs: list[str | None] = []
        self.ends: list[bool] = []
        self.told: list[Any] = []
        MADE.append(self)

    def begin(self, run: str | None) -> str:
        self._fail("begin")
        self.runs.append(run)
        return run or "abc-1"

    def settings(self, settings: Any) -> None:
        self.told.append(settings)

    def epoch(self, values: Any, epoch: int, position: int) -> None:
        if epoch == 1:
            self._fail("epoch 1")
        self.steps.append((epoch, position, dict(values)))

    def results(self, results: Any, settings: Any, position: int) -> None:
        self._fail("results")
        self.told.append(results)

    def end(self, finished: bool) -> None:
        self.ends.append(finished)

    @property
    def where(self) -> str:
        return "Fake: look here"

    def _fail(self, place: str) -> None:
        if self.broken == place:
            raise ConnectionError("the network is down\nand more")


@pytest.fixture
def followed(small_run, tmp_path) -> Path:
    return copied(small_run, tmp_path)


@pytest.fixture
def listener() -> Noting:
    return Noting()


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    MADE.clear()
    monkeypatch.setitem(trackers.TRACKERS, "tensorboard", Fake)
    monkeypatch.setattr(Fake, "broken", "")
    return MADE


def test_a_finished_run_is_sent_whole_and_once(followed, listener):
    trained_to(followed, 3)
    for _ in range(2):
        with tracked(asking(followed, "tensorboard"), followed, listener, "both"):
            pass
    first, second = MADE
    assert [(epoch, position) for epoch, position, _ in first.steps] == [(0, 0), (1, 1), (2, 2)]
    assert set(first.steps[0][2]) == {"train_loss", "lr", "val_map", "seconds"}
    settings, results = first.told
    assert settings.training.epochs == 1
    assert set(results.ap) == {"red", "blue"}
    assert {path.name for path in results.files} == {
        "config.yaml", "metrics.csv", "result.json", "report.html",
    }  # fmt: skip
    assert (first.group, first.ends, first.runs) == ("both", [True], [None])
    assert (second.steps, second.runs, second.ends) == ([], [], [])
    assert listener.messages == ["Fake: look here"]
    assert not listener.remarks


def test_a_resumed_run_goes_on_in_the_same_run(followed, listener):
    result = (followed / "result.json").rename(followed.parent / "result.json")
    trained_to(followed, 2)

    interrupted(followed, "tensorboard", listener, "", epochs=3)
    with tracked(asking(followed, "tensorboard"), followed, listener) as told:
        told.begin()
        trained_to(followed, 4)
        told.end_epoch({})
        result.rename(followed / "result.json")
    first, second = MADE
    assert [step[0] for step in first.steps] == [0, 1]
    assert [step[0] for step in second.steps] == [2, 3]
    assert (first.runs, second.runs) == ([None], ["abc-1"])
    assert (first.ends, second.ends) == ([False], [True])
    assert len(first.told) == len(second.told) == 1  # settings once, results once


@pytest.mark.parametrize("broken", ["begin", "epoch 1", "results"])
def test_a_failure_is_a_remark_and_what_was_lost_is_sent_later(
    followed, listener, monkeypatch, broken
):
    trained_to(followed, 3)
    monkeypatch.setattr(Fake, "broken", broken)
    with tracked(asking(followed, "tensorboard"), followed, listener) as told:
        told.begin()
        told.end_epoch({})
    (remark,) = listener.remarks
    assert "tensorboard has failed (ConnectionError: the network is down)" in remark
    assert "--resume" in remark
    assert not listener.messages
    monkeypatch.setattr(Fake, "broken", "")
    with tracked(asking(followed, "tensorboard"), followed, listener):
        pass
    steps = [step[0] for fake in MADE for step in fake.steps]
    assert steps == [0, 1, 2]
    assert json.loads((followed / "tracking.json").read_text())["tensorboard"]["complete"]


def test_teachers_and_heads_have_names_of_their_own(followed, listener):
    for phase, epochs in (("head", 2), ("teacher-0", 1)):
        (followed / phase).mkdir()
        (followed / phase / "metrics.csv").write_text((followed / "metrics.csv").read_text())
        trained_to(followed / phase, epochs)
    with tracked(asking(followed, "tensorboard"), followed, listener):
        pass
    (fake,) = MADE
    assert [step[:2] for step in fake.steps] == [(0, 0), (1, 1), (0, 2), (0, 3)]
    names = [min(step[2]) for step in fake.steps]
    assert names == ["head/lr", "head/lr", "teacher-0/lr", "lr"]


@pytest.mark.parametrize(
    "damage",
    ['{"tensorboard": {"run": "../elsewhere"}}', '{"tensorboard": {"runs": 1}}', "[]", "no json"],
)
def test_a_record_that_was_changed_is_not_followed(followed, listener, damage):
    (followed / "tracking.json").write_text(damage)
    with tracked(asking(followed, "tensorboard"), followed, listener):
        pass
    (remark,) = listener.remarks
    assert "Remove it" in remark
    assert not MADE[0].runs


def test_other_processes_follow_nothing(followed, listener, monkeypatch):
    monkeypatch.setattr(distributed, "rank", lambda: 1)
    with tracked(asking(followed, "tensorboard"), followed, listener) as told:
        assert told is listener
    assert not MADE


def test_everything_else_is_passed_on(listener):
    calls = []
    inner = SimpleNamespace(
        title="ll-r",
        **{name: lambda *args, name=name: calls.append(name) for name in (
            "message", "remark", "begin", "begin_epoch", "step", "end_epoch", "stopped_early",
            "close",
        )},
    )  # fmt: skip
    told = TrackedListener(cast(Any, inner), [])
    told.message("")
    told.remark("")
    told.begin()
    told.begin_epoch(0, 1, 1)
    told.step()
    told.end_epoch({})
    told.stopped_early("", 1)
    told.close()
    assert told.title == "ll-r"
    assert calls == [
        "message", "remark", "begin", "begin_epoch", "step", "end_epoch", "stopped_early", "close",
    ]  # fmt: skip


def test_a_package_that_is_missing_is_refused_before_any_work(
    largeloss, image_folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(trackers, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install mlflow"):
        check_trackers(["mlflow"])
    for command in (["train"], ["compare", "--methods", "an", "--seeds", "1"]):
        code, _, err = largeloss(
            *command, image_folder, "--track", "wandb,mlflow", "--out", tmp_path / "run"
        )
        assert code == 2
        assert "pip install wandb mlflow" in err
        assert not (tmp_path / "run/config.yaml").exists()
        assert not list(tmp_path.glob("run/*/config.yaml"))


def test_an_unknown_tracker_is_named(largeloss, image_folder, tmp_path):
    code, _, err = largeloss("train", image_folder, "--track", "neptune", "--out", tmp_path / "run")
    assert code == 2
    assert "'tensorboard', 'wandb' or 'mlflow', got 'neptune'" in err


def test_runs_of_a_comparison_are_a_group(image_folder, tmp_path):
    import largeloss

    largeloss.compare(
        image_folder, methods=["an"], seeds=2, out=tmp_path / "both", epochs=1, image_size=16,
        backbone="digits", workers=0, batch_size=8, progress=False, track="tensorboard",
    )  # fmt: skip
    assert [(fake.group, fake.folder.name) for fake in MADE] == [
        ("both", "an-seed0"), ("both", "an-seed1"),
    ]  # fmt: skip
    assert all(len(fake.steps) == 1 and fake.ends == [True] for fake in MADE)
