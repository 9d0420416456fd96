"""Long work shows how far it is, says why it ends, and on Ctrl-C what is kept."""

import io
import json

import pytest
from rich.console import Console

from largeloss import progress, watch
from largeloss.config import RunConfig, make_config
from largeloss.data.inputs import image_files
from largeloss.experiments.run_settings import with_share
from largeloss.pages.learning_curves import mean_curve
from largeloss.runs.settings import resolved
from largeloss.runs.train import train
from largeloss.training import frozen
from largeloss.training.evaluation import Evaluators
from largeloss.training.listener import Listener

SMALL = (
    "--backbone", "resnet18", "--image-size", "16", "--batch-size", "6", "--workers", "0",
    "--observe", "single-positive",
)  # fmt: skip


@pytest.fixture
def falling(monkeypatch):
    """Val mAP falls by ten points per epoch."""
    measured = []

    def measure(self, model, batches):
        measured.append(len(measured))
        return {"val_map": 90.0 - 10 * len(measured)}

    monkeypatch.setattr(Evaluators, "measured", measure)


def test_finding_23_early_stopping_says_why(largeloss, image_folder, tmp_path, falling):
    run = tmp_path / "run"
    command = ("train", image_folder, *SMALL, "--method", "an", "--epochs", "6", "--out", run)
    code, out, err = largeloss(*command, "--stop-below", "15")
    assert code == 0, err
    why = (
        "Stopped early after epoch 2 of 0 to 5: val mAP 60.0 is more than 15 points "
        "(--stop-below) below its best, 80.0 after epoch 0."
    )
    assert why in out
    assert json.loads((run / "result.json").read_text())["stop_reason"] == why
    assert why in (run / "report.html").read_text()
    assert "an upright stroke marks where a run stopped early" in (run / "report.html").read_text()
    _, shown, _ = largeloss("train", "--help")
    assert "--stop-below" in shown


def test_finding_23_a_run_to_the_end_says_so(largeloss, image_folder, tmp_path, falling):
    run = tmp_path / "run"
    code, _, err = largeloss(
        "train", image_folder, *SMALL, "--method", "an", "--epochs", "3", "--out", run,
        "--set", "training.stop_below=null",
    )  # fmt: skip
    assert code == 0, err
    result = json.loads((run / "result.json").read_text())
    assert result["stop_reason"] == "All 3 epochs were trained."
    assert result["wall_seconds"] > result["seconds"] > 0


def test_finding_23_a_comparison_draws_each_curve_to_its_end(
    largeloss, image_folder, tmp_path, falling
):
    out = tmp_path / "both"
    code, _, err = largeloss(
        "compare", image_folder, *SMALL, "--methods", "an", "--seeds", "2", "--epochs", "4",
        "--stop-below", "35", "--out", out,
    )  # fmt: skip
    assert code == 0, err
    assert "Stopped early" not in (out / "report.html").read_text()
    metrics = out / "an-seed1/metrics.csv"
    first = out / "an-seed0"
    (first / "result.json").unlink()  # with it goes the checksum of the metrics
    lines = (first / "metrics.csv").read_text().splitlines(keepends=True)
    (first / "metrics.csv").write_text("".join(lines[:3]))
    curve = mean_curve("an", [first, metrics.parent], "val_map")
    assert curve.epochs == (0, 1, 2, 3)
    assert curve.values == (60, 50, 20, 10)  # seed 1 alone, from epoch 2 on
    assert curve.ends == (1,)


def test_finding_23_a_comparison_names_who_stopped(largeloss, image_folder, tmp_path, falling):
    out = tmp_path / "both"
    code, _, err = largeloss(
        "compare", image_folder, *SMALL, "--methods", "an,full", "--seeds", "1", "--epochs", "4",
        "--stop-below", "5", "--out", out,
    )  # fmt: skip
    assert code == 0, err
    page = (out / "report.html").read_text()
    assert "Stopped early: Naive AN after epoch 1; Full labels after epoch 1." in page
    assert "an upright stroke" in page


def test_finding_23_long_loops_show_how_far_they_are(
    largeloss, image_folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(progress, "SECONDS", 0.0)
    run = tmp_path / "run"
    code, out, err = largeloss(
        "train", image_folder, *SMALL, "--method", "an", "--protocol", "linear", "--epochs", "1",
        "--cache", tmp_path / "cache", "--out", run,
    )  # fmt: skip
    assert code == 0, err
    for line in (
        "Images decoded as a check: 1 of 30, about ",
        "an epoch 1/1: 1 of 3, about ",
    ):
        assert line in out
    code, out, err = largeloss(
        "predict", run, image_folder / "images", "--batch-size", "10", "--workers", "0",
        "--out", tmp_path / "scores.csv",
    )  # fmt: skip
    assert code == 0, err
    assert "Images decoded as a check" not in out
    assert "Predictions, by batch: 2 of 3" in out
    code, out, err = largeloss("data", "check", image_folder)
    assert "Headers of images: 1 of 30" in out


def after(calls, function):
    """``function``, until Ctrl-C is pressed in one of its calls."""

    def interrupted(*arguments, **named):
        nonlocal calls
        calls -= 1
        if calls < 0:
            raise KeyboardInterrupt
        return function(*arguments, **named)

    return interrupted


def test_finding_23_ctrl_c_says_what_is_kept(largeloss, image_folder, tmp_path, monkeypatch):
    run, scores = tmp_path / "run", tmp_path / "scores.csv"
    linear = (
        "train", image_folder, *SMALL, "--method", "an", "--protocol", "linear", "--epochs", "1",
        "--cache", tmp_path / "cache", "--out", run,
    )  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(image_files, "open_pixels", after(4, image_files.open_pixels))
        code, _, err = largeloss(*linear)
        assert code == 130
        assert "Nothing was trained in this call; give the same command again." in err
        assert not run.exists()
        code, _, err = largeloss("data", "check", image_folder)
        assert code == 130
        assert f"nothing was written to {image_folder / 'check'}" in err
        assert not (image_folder / "check").exists()
    with monkeypatch.context() as patch:
        patch.setattr(frozen, "_extract", after(0, frozen._extract))
        code, _, err = largeloss(*linear)
        assert code == 130
        assert "No features are kept, and the head was not trained yet" in err
    code, _, err = largeloss("train", "--resume", "--out", run)
    assert code == 0, err
    with monkeypatch.context() as patch:
        patch.setattr(image_files, "open_pixels", after(4, image_files.open_pixels))
        code, _, err = largeloss(
            "predict", run, image_folder / "images", "--workers", "0", "--out", scores
        )
        assert code == 130
        assert f"{scores} was not written; no prediction is kept." in err
        assert not scores.exists()


def test_bars_stand_below_each_other_and_vanish():
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    bars = progress.TerminalBars(console)
    with watch.shown_by(bars.begin):
        for _ in watch.watched(range(3), "outer", 3):
            assert list(watch.watched("ab", "in[bold]ner", 2)) == ["a", "b"]
    shown = screen.getvalue()
    assert "outer" in shown
    assert "in[bold]ner" in shown
    assert list(watch.watched("ab", "nobody watches", 2)) == ["a", "b"]


def test_a_command_of_a_notebook_has_lines_instead_of_bars(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setattr(progress, "SECONDS", 0.0)
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    lines = []
    console = Console(file=screen, force_terminal=True)
    with watch.shown_by(progress.terminal_bars(console, lines.append)):
        list(watch.watched(range(2), "decoding", 2))
    assert len(lines) == 1
    assert screen.getvalue() == ""


def test_a_bar_goes_on_where_a_loop_was_interrupted(monkeypatch):
    monkeypatch.setattr(progress, "SECONDS", 0.0)
    lines = []
    console = Console(file=io.StringIO())
    with watch.shown_by(progress.terminal_bars(console, lines.append)):
        list(watch.watched(range(2), "epoch 1/1", 10, 8))
    assert [line.split(",")[0] for line in lines] == ["epoch 1/1: 9 of 10"]


def test_an_epoch_of_few_images_is_part_of_an_epoch(monkeypatch):
    """The curve of complete labels trains many short epochs: they are not as long as others."""
    now, lines = 0.0, []
    monkeypatch.setattr("largeloss.progress.time.perf_counter", lambda: now)
    whole = RunConfig().with_values(training={"epochs": 2, "teachers": 0})
    tenth = with_share(whole, 0.1).with_values(training={"epochs": 20})
    shown = progress.Progress(lines.append, lines.append, None)
    shown.expect(whole.work + tenth.work)
    for settings, seconds in ((whole, 100.0), (tenth, 10.0)):
        listener = shown.listener("run", settings.data.train_share)
        for epoch in range(settings.training.epochs):
            now = now or 1.0
            listener.begin_epoch(epoch, settings.training.epochs, 1)
            now += seconds
            listener.end_epoch({"epoch": epoch, "train_loss": 0.5, "val_map": 50.0})
    told = [line.partition("50.0")[2].strip() for line in lines]
    assert told[:2] == ["about 5 min left", "about 3 min left"]
    assert told[-3:] == ["about 20 s left", "about 10 s left", ""]


def test_the_head_of_linear_init_has_a_clock_of_its_own(monkeypatch):
    """Its epochs take a hundredth of those of the whole network."""
    now, lines = 1.0, []
    monkeypatch.setattr("largeloss.progress.time.perf_counter", lambda: now)
    settings = RunConfig().with_values(
        training={"protocol": "linear-init", "head_epochs": 3, "epochs": 3}
    )
    shown = progress.Progress(lines.append, lines.append, None)
    shown.expect(settings.work)
    run = shown.listener("run")
    for listener, seconds in ((run.head(3), 1.0), (run, 60.0)):
        for epoch in range(3):
            listener.begin_epoch(epoch, 3, 1)
            now += seconds
            listener.end_epoch({"epoch": epoch, "train_loss": 0.5, "val_map": 50.0})
    told = [line.partition("50.0")[2].strip() for line in lines]
    assert told[:3] == ["about 2 s left", "about 1 s left", ""]
    assert told[3:] == ["about 2 min left", "about 60 s left", ""]


class PlugPulled(Exception):
    pass


class Cut(Listener):
    """Pulls it when so many epochs have begun."""

    def __init__(self, number: int) -> None:
        self.number = number

    def begin_epoch(self, epoch, epochs, steps):
        self.number -= 1
        if self.number < 0:
            raise PlugPulled


@pytest.mark.filterwarnings("ignore::largeloss.errors.CompleteLabelsWarning")
@pytest.mark.parametrize("skipped", ["no teacher is needed", "teacher", "epoch", "head"])
def test_what_is_not_trained_takes_no_time(image_folder, tmp_path, skipped):
    training: dict[str, object] = {
        "epochs": 2, "batch_size": 6, "workers": 0, "teachers": 1, "stop_below": None
    }  # fmt: skip
    if skipped == "head":
        training |= {"protocol": "linear-init", "head_epochs": 1, "teachers": 0}
    asked = make_config(
        [{"data": {"path": str(image_folder), "cache": str(tmp_path / "cache")},
          "method": {"name": "auto"}, "training": training,
          "model": {"backbone": "digits", "image_size": 16}}]
    )  # fmt: skip
    if skipped != "no teacher is needed":
        asked = asked.with_values(data={"observe": "single-positive"})
        cut = Cut({"teacher": 2, "epoch": 3, "head": 1}[skipped])
        with pytest.raises(PlugPulled):
            train(asked, tmp_path / "run", listener=cut)
    lines = []
    shown = progress.Progress(lines.append, lambda text: None, None)
    shown.expect(resolved(asked).work)
    train(asked, tmp_path / "run", resume=(tmp_path / "run").exists(), listener=shown.listener("r"))
    told = ["left" in line for line in lines if line.startswith("r  epoch")]
    assert told == ([False] if skipped == "epoch" else [True, False])
