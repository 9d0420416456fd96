"""What labels are worth: read off the curve of full labels, beside loops; through the command."""

import itertools
import json
import math
from io import StringIO
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

import largeloss as package
from largeloss.config import make_config
from largeloss.data.folder.read import write_features
from largeloss.errors import ConfigError
from largeloss.experiments.results import ComparedRun, Comparison
from largeloss.experiments.run_settings import in_as_many_steps, with_share
from largeloss.experiments.tuned import Tuning
from largeloss.experiments.worth import Budget, Worth, complete_curve, parse_shares, worth
from largeloss.files import checksummed_json, verified_json
from largeloss.labels import read_labels
from largeloss.report.figures import curves_svg
from largeloss.report.tables import (
    comparison_markdown,
    comparison_rows,
    comparison_table,
    worth_in_words,
)
from largeloss.report.worth_figure import worth_axes, worth_curves
from largeloss.runs.data import DataReader
from largeloss.runs.result import RunResult
from largeloss.runs.settings import resolved, saved_settings

MAPS = st.dictionaries(
    st.sampled_from([0.05, 0.1, 0.2, 0.4, 0.6, 1.0]), st.integers(0, 100), min_size=1
)


def never_falling(values):
    """Isotonic regression: the largest of the smallest means of stretches that hold the place."""
    fitted = []
    for place in range(len(values)):
        lows = []
        for begin in range(place + 1):
            stretches = [values[begin : end + 1] for end in range(place, len(values))]
            lows.append(min(sum(stretch) / len(stretch) for stretch in stretches))
        fitted.append(max(lows))
    return fitted


def walked(points, target, steps=2_000):
    """The first of many shares at which straight lines through ``points`` reach ``target``."""
    for step in range(steps + 1):
        share = points[0][0] + (points[-1][0] - points[0][0]) * step / steps
        for (left, left_map), (right, right_map) in itertools.pairwise(points):
            on_line = left_map + (right_map - left_map) * (share - left) / (right - left)
            if left <= share <= right and on_line >= target:
                return share
    return points[-1][0]


@settings(max_examples=60)
@given(MAPS, st.integers(-1, 100))
def test_the_worth_is_where_straight_lines_reach_the_map(maps, whole):
    target = whole + 0.37  # no point of a curve; those have tests of their own
    curve = complete_curve(maps)
    shares = sorted(maps)
    assert [share for share, _ in curve] == shares
    expected = never_falling([maps[share] for share in shares])
    assert [value for _, value in curve] == pytest.approx(expected, abs=1e-9)
    found = worth(curve, target)
    if target < curve[0][1]:
        assert found == Worth(shares[0], "below")
    elif target > curve[-1][1]:
        assert found == Worth(shares[-1], "above")
    else:
        assert found == near(walked(curve, target), abs=1e-3)


def near(share: float, abs: float = 1e-9) -> Any:
    worth: Any = Worth
    return worth(pytest.approx(share, abs=abs))


def test_worths_at_the_points_between_them_and_beyond():
    curve = complete_curve({0.1: 50.0, 0.2: 60.0, 0.6: 80.0})
    assert worth(curve, 50) == Worth(0.1)
    assert worth(curve, 55) == near(0.15)
    assert worth(curve, 70) == near(0.4)
    assert worth(curve, 80) == near(0.6)
    assert worth(curve, 49.9) == Worth(0.1, "below")
    assert worth(curve, 80.1) == Worth(0.6, "above")
    assert worth((), 50) is None
    assert worth(curve, math.nan) is None
    assert complete_curve({0.1: math.nan}) == ()


def test_a_dip_of_the_curve_is_levelled_and_the_smallest_share_counts():
    curve = complete_curve({0.1: 50.0, 0.2: 62.0, 0.4: 60.0, 1.0: 80.0})
    assert curve == ((0.1, 50.0), (0.2, 61.0), (0.4, 61.0), (1.0, 80.0))
    assert worth(curve, 61) == near(0.2)


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(1, 900)), min_size=1, max_size=5),
    st.sampled_from([0.2, 0.5, 1.0]),
)
def test_the_budget_is_a_ratio_of_mean_counts(shown, share):
    complete = [(400, 4000), (420, 4000)]
    found = Budget.of(shown, complete, share)
    positives = sum(one[0] for one in shown) / len(shown)
    decisions = sum(one[1] for one in shown) / len(shown)
    assert found is not None
    assert found.positives == pytest.approx(positives / (410 / share))
    assert found.decisions == pytest.approx(decisions / (4000 / share))
    assert (found.all_positives, found.all_decisions) == (round(410 / share), round(4000 / share))


def test_without_counts_there_is_no_budget():
    assert Budget.of([], [(4, 8)]) is None
    assert Budget.of([(0, 0)], [(0, 0)]) is None


@pytest.mark.parametrize(
    "text", ["0", "1", "0.1,0.1", "0.33333333,0.33333334", "-0.1", "0.2,nan", "ten", "10"]
)
def test_other_shares_are_refused(text):
    with pytest.raises(ConfigError, match=r"0\.1,0\.2,0\.4") as found:
        parse_shares(text)
    assert ("method 'full'" in str(found.value)) == (text != "ten")


def test_shares_are_sorted():
    assert parse_shares("0.4, 0.1,") == (0.1, 0.4)
    assert parse_shares("") == ()


def compared():
    """Two seeds of four methods on 100 images of 10 classes with 300 positives."""
    maps = {"full": 90.0, "an": 55.0, "wan": 45.0, "ll-r": 95.0}
    runs = []
    for seed in (0, 1):
        for method, value in maps.items():
            counts = (300, 1000) if method == "full" else (100, 100)
            runs.append(run(method, value + seed, seed, 1.0, counts))
        for share, value in ((0.1, 50.0), (0.5, 70.0)):
            runs.append(run("full", value + seed, seed, share, (int(300 * share), 10)))
    return Comparison.of(runs)


def run(method, value, seed, share, counts):
    return ComparedRun(method, None, seed, value, value, 3, 1.0, share, *counts)


def test_the_table_has_the_worth_and_the_shares_with_as_many_labels():
    comparison = compared()
    rows = {row.cells[0]: row.cells for row in comparison_rows(comparison)}
    assert {name: cells[5] for name, cells in rows.items()} == {
        "Full labels": "100 %",
        "Naive AN": "20 %",
        "WAN": "< 10 %",
        "LL-R": "> 100 %",
        "Full labels 10 %": "10 %",
        "Full labels 50 %": "50 %",
    }
    budget = comparison.budget
    assert budget is not None
    assert (budget.positives, budget.decisions) == pytest.approx((1 / 3, 0.1))
    assert (budget.all_positives, budget.all_decisions) == (300, 1000)
    text = comparison_markdown(comparison)
    assert text.splitlines()[0].endswith("| Gap closed | Worth | Seeds |")
    assert "as many positives as 33 % of the images" in text
    assert "as many yes/no decisions as 10 %" in text


def test_the_seeds_have_each_their_own_worth_by_their_own_curve():
    """Naive AN is worth 20 and 40 % of its seeds' images, LL-R 90 and more than 100 %."""
    runs = []
    for seed, lift in ((0, 0.0), (1, 10.0), (2, 0.0)):
        for share, value in ((0.1, 50.0), (0.5, 70.0), (1.0, 90.0)):
            if seed < 2:  # seed 2 has no curve
                runs.append(run("full", value + lift, seed, share, (30, 100)))
        runs.append(run("an", (55.0, 75.0, 99.0)[seed], seed, 1.0, (10, 10)))
        runs.append(run("ll-r", (86.0, 101.0, 0.0)[seed], seed, 1.0, (10, 10)))
    comparison = Comparison.of(runs)
    found = {line.method: line.worth_range for line in comparison.summary if line.share == 1}
    assert found == {
        "full": None,
        "an": (near(0.2), near(0.4)),
        "ll-r": (near(0.9), Worth(1.0, "above")),
    }
    cells = {row.method: row.cells[5] for row in comparison_rows(comparison) if row.share == 1}
    assert cells["full"] == "100 %"
    assert cells["an"].endswith("% (20 to 40 %)")
    assert cells["ll-r"].endswith("% (90 to > 100 %)")
    assert "in brackets the lowest and the highest of the seeds" in worth_in_words(comparison)
    assert "in brackets" not in worth_in_words(comparison, ranged=False)
    written = StringIO()
    Console(width=80, file=written).print(comparison_table(comparison))
    shown = written.getvalue()
    assert "Naive AN" in shown
    assert "(20 to 40 %)" not in shown


def test_results_are_read_back_and_those_of_earlier_versions_too(tmp_path):
    path = tmp_path / "results.json"
    comparison = compared()
    comparison.write(path)
    assert Comparison.read(path) == comparison
    content = verified_json(path.read_text())
    assert content["curve"][0] == [0.1, 50.5]
    assert content["summary"][1]["worth"] == {"share": pytest.approx(0.2), "beyond": None}
    old = [
        {key: value for key, value in run.items() if key not in ("share", "positives", "decisions")}
        for run in content["runs"]
        if run["share"] == 1
    ]
    path.write_text(checksummed_json({"runs": old, "summary": []}))
    found = Comparison.read(path)
    assert found.curve == ()
    assert found.budget is None
    assert all(line.worth is None for line in found.summary)


def test_the_figure_has_each_method_on_the_curve():
    comparison = compared()
    complete, *levels = worth_curves(comparison, ["Full labels", "Naive AN", "WAN", "LL-R"])
    assert complete.epochs == (10.0, 50.0, 100.0)
    assert complete.low == (50.0, 70.0, 90.0)
    assert complete.high == (51.0, 71.0, 91.0)
    assert [(curve.label, curve.marked) for curve in levels] == [
        ("Naive AN", pytest.approx(20.0)), ("WAN", None), ("LL-R", None),
    ]  # fmt: skip
    drawn = curves_svg([complete, *levels], axes=worth_axes(comparison))
    for text in ("as many positives", "as many decisions", "Naive AN", "120", "400", "1,000"):
        assert text in drawn
    plain = Comparison.of([one for one in comparison.runs if one.share == 1])
    assert worth_curves(plain) == ()
    assert "Worth" not in comparison_markdown(plain)


SMALL = ("--epochs", "2", "--workers", "0", "--batch-size", "8")
HIDDEN = ("--observe", "single-positive")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """60 inputs of three classes, 40 of them to train on; complete labels."""
    folder = tmp_path_factory.mktemp("worth") / "data"
    folder.mkdir()
    stream = torch.Generator().manual_seed(0)
    features = torch.randn(60, 5, generator=stream)
    lines = ["image,split,a,b,c"]
    for row, values in enumerate((features[:, :3] > 0).int().tolist()):
        values[row % 3] = 1
        split = "train" if row < 40 else "val" if row < 50 else "test"
        lines.append(f"{row}.jpg,{split},{','.join(map(str, values))}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    write_features(folder / "features.safetensors", features, [f"{row}.jpg" for row in range(60)])
    return folder


def test_compare_trains_full_labels_on_shares_in_as_many_steps(data, largeloss, tmp_path):
    out = tmp_path / "both"
    command = ("compare", data, *SMALL, *HIDDEN, "--methods", "full,an", "--complete", "0.2,0.5",
               "--seeds", 2, "--vary-labels", "--out", out)  # fmt: skip
    code, printed, err = largeloss(*command)
    assert code == 0, err
    rows = {}
    for name in ("full-20pct", "full-50pct", "full"):
        for seed in (0, 1):
            run = out / f"{name}-seed{seed}"
            config, result = saved_settings(run), RunResult.read(run)
            rows[name, seed] = result.num_images["train"], config.training.epochs
            assert config.data.observe_seed == 1200 + seed
            assert result.num_images["val"] == result.num_images["test"] == 10
    assert [rows[name, 1] for name in ("full-20pct", "full-50pct", "full")] == [
        (8, 10), (20, 3), (40, 2),
    ]  # fmt: skip
    found = verified_json((out / "results.json").read_text())
    table = read_labels(data / "labels.csv").table.to_dense()[:40]
    positives = int((table == 1).sum())
    assert found["budget"] == {
        "positives": pytest.approx(40 / positives), "decisions": pytest.approx(1 / 3),
        "all_positives": positives, "all_decisions": 120,
    }  # fmt: skip
    words = " ".join(printed.split())
    assert "Worth" in words
    assert "as many yes/no decisions as 33 %" in words
    assert "Worth" in (out / "table.md").read_text()
    page = (out / "report.html").read_text()
    assert "What the labels are worth" in page
    assert "Full labels 20 %" in page
    times = {path: path.stat().st_mtime_ns for path in out.glob("*/result.json")}
    assert len(times) == 8
    assert largeloss(*command)[0] == 0
    assert times == {path: path.stat().st_mtime_ns for path in out.glob("*/result.json")}
    assert largeloss("report", out, "--out", tmp_path / "again.html")[0] == 0
    assert "What the labels are worth" in (tmp_path / "again.html").read_text()


@given(
    st.sampled_from([0.03, 0.1, 0.34, 0.5, 0.9]),
    st.integers(1, 50),
    st.integers(1, 30),
    st.sampled_from([1, 3]),
)
def test_a_share_has_as_many_steps_to_the_nearest_epoch(data, share, batch, epochs, accumulate):
    """An epoch ends with a smaller batch: 1 / share times the epochs would be other steps."""
    training = {"epochs": epochs, "batch_size": batch, "accumulate": accumulate, "head_epochs": 7}
    whole = resolved(make_config([{"data": {"path": str(data)}, "training": training}]))
    reader = DataReader(lambda settings, dataset: pytest.fail("images were decoded"))
    made = in_as_many_steps({"full": with_share(whole, share)}, data / "none", reader)["full"]
    batches, own = (math.ceil(images / batch) for images in (40, round(share * 40)))
    for key, all_steps, own_steps in (
        ("epochs", math.ceil(batches / accumulate), math.ceil(own / accumulate)),
        ("head_epochs", batches, own),  # its batches are not accumulated
    ):
        found, given_epochs = getattr(made.training, key), getattr(whole.training, key)
        assert abs(found * own_steps - given_epochs * all_steps) <= own_steps / 2
    assert made.data.train_share == share


def test_each_share_has_its_own_learning_rate(data, largeloss, tmp_path):
    out, both = tmp_path / "tuned", tmp_path / "both"
    tune = ("tune", data, *SMALL, *HIDDEN, "--methods", "full", "--budget", 1)
    code, _, err = largeloss(*tune, "--complete", "0.5", "--out", out)
    assert code == 0, err
    assert "| Full labels 50 % |" in (out / "table.md").read_text()
    found = Tuning.read(out)
    assert [(one.method, one.share) for one in found.methods] == [("full", None), ("full", 0.5)]
    compare = ("compare", data, *SMALL, *HIDDEN, "--methods", "full", "--tuned", out, "--seeds",
               1, "--out", both)  # fmt: skip
    code, _, err = largeloss(*compare, "--complete", "0.2,0.5")
    assert code == 2
    assert "--tuned has no learning rate of 'full' on 20 % of the images" in err
    assert not both.exists()
    content = json.loads((out / "tuned.json").read_text())
    del content["sha256"]
    content["methods"][1]["lr"] = 0.0123
    (out / "tuned.json").write_text(checksummed_json(content))
    assert largeloss(*compare, "--complete", "0.5")[0] == 0
    assert saved_settings(both / "full-50pct-seed0").training.lr == 0.0123
    assert saved_settings(both / "full-seed0").training.lr == found.methods[0].lr


def test_what_cannot_be_compared_is_refused_before_anything_is_trained(data, largeloss, tmp_path):
    out = tmp_path / "both"
    compare = ("compare", data, *SMALL, *HIDDEN, "--methods", "an", "--out", out)
    for more, message in (
        (("--complete", "0.1,2"), "shares between 0 and 1"),
        (("--complete", "0.1,ten"), "shares between 0 and 1"),
        (("--complete", "0.5", "--set", "data.train_share=0.5"), "data.train_share is 0.5 already"),
        (("--complete", "0.001"), "at least one of the 40 training images"),
        (("--set", "data.train_share=0"), "train_share"),
    ):
        code, _, err = largeloss(*compare, *more)
        assert code == 2, (more, err)
        assert message in err, (more, err)
        assert not list(tmp_path.glob("both/*"))


def test_python_has_the_worth_too(data, tmp_path):
    small: dict[str, Any] = {
        "epochs": 2, "workers": 0, "batch_size": 8, "observe": "single-positive", "progress": False,
    }  # fmt: skip
    found = package.compare(
        data, methods=["an"], seeds=1, complete=[0.5], out=tmp_path / "both", **small
    )
    assert [(line.method, line.share) for line in found.summary] == [("an", 1), ("full", 0.5)]
    assert found.budget is not None
    assert "<th>Worth</th>" in found._repr_html_()
