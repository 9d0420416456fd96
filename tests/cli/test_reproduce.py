"""Published tables through the command line, on a small image folder that stands for VOC."""

import json
import os

import pytest

from largeloss.experiments import runner
from largeloss.files import checksummed_json, verified_json

SMALL = (
    "--backbone", "digits", "--image-size", "16", "--epochs", "2", "--batch-size", "8",
    "--lr", "1e-3", "--workers", "0", "--set", "training.head_epochs=2",
)  # fmt: skip
SIX = "abcdef"


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def six_classes(make_image_folder):
    """Partly annotated; class f is never annotated in test, class e nowhere present there."""
    lines = ["image,split," + ",".join(SIX)]
    for row in range(30):
        split = ("train", "train", "train", "val", "test")[row % 5]
        cells = [str((row // 5 + k) % 2) if (row + k) % 3 else "" for k in range(6)]
        if split == "test":
            cells[4:] = ["0", ""]
        lines.append(f"images/{row:02d}.png,{split},{','.join(cells)}")
    return make_image_folder("six", labels="\n".join(lines) + "\n")


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.glob("*/*/*/result.json")}


def test_a_plan_first_and_nothing_is_started(largeloss, image_folder, runs):
    code, out, err = largeloss(
        "reproduce", "--table", "artificial", "--data", f"voc2012={image_folder}", "--runs", runs
    )
    assert code == 0, err
    assert "Missing: 216 runs; 216 of unknown length." in out
    assert "0 of 27" in out
    assert "89.2 [87.8–88.3]" in out
    assert "not run" in out
    assert not runs.exists()


def test_what_is_missing_is_run_once_and_resumed(
    largeloss, image_folder, runs, tmp_path, monkeypatch
):
    command = [
        "reproduce", "--table", "artificial", "--data", f"voc2012={image_folder}", "--methods",
        "an,ll-r,imcl", "--seeds", "2", "--runs", runs, *SMALL,
    ]  # fmt: skip
    original, started = runner.GridRunner.__call__, []

    def interrupted(self, planned, folder):
        if len(started) == 3:
            raise KeyboardInterrupt
        started.append(folder)
        return original(self, planned, folder)

    with monkeypatch.context() as patch:
        patch.setattr(runner.GridRunner, "__call__", interrupted)
        assert largeloss(*command, "--run")[0] == 130
    before = times(runs)
    assert len(before) == 3
    (runs / "voc2012/end-to-end/an-seed1/result.json").unlink()  # as a kill would leave it
    code, out, err = largeloss(*command, "--out", tmp_path / "table.json")
    assert code == 0, err
    assert "(1 begun)" in out
    (plan, *_) = json.loads((tmp_path / "table.json").read_text())["plan"]
    assert plan["missing"] == ["an-seed1", "ll-r-seed1"]
    assert plan["seconds_from_runs"] == 2
    assert plan["estimated_seconds"] == pytest.approx(2 * plan["seconds_per_run"])
    code, out, err = largeloss(*command, "--run", "--out", tmp_path / "table.json")
    assert code == 0, err
    after = times(runs)
    assert len(after) == 8
    assert all(after[path] == before[path] for path in before if "an-seed1" not in str(path))
    assert "an-seed1          test mAP" in out
    table = json.loads((tmp_path / "table.json").read_text())
    cells = {(c["method"], c["block"], c["title"]): c for c in table["cells"]}
    assert table["plan"][0]["missing"] == []
    for method in ("an", "ll-r"):
        for protocol in ("end-to-end", "linear-init"):
            cell = cells[method, protocol, "VOC 2012"]
            folders = [runs / f"voc2012/{protocol}/{method}-seed{seed}" for seed in (0, 1)]
            values = [json.loads((folder / "result.json").read_text()) for folder in folders]
            assert cell["values"] == [value["test_map"] for value in values]
            assert [value["protocol"] for value in values] == [protocol] * 2
            assert cell["seeds"] == [0, 1]
    assert cells["imcl", "end-to-end", "VOC 2012"]["published"] is None
    assert cells["ll-r", "end-to-end", "VOC 2012"]["reruns"] == [87.8, 88.3]
    assert cells["ll-r", "end-to-end", "COCO 2014"]["mean"] is None
    assert "no preset" in out
    assert any("model.image_size: 16 → 448" in text for text in table["remarks"])
    assert any("none (random)" in text for text in table["remarks"])
    assert not any("training.head" in t for t in table["remarks"] if "end-to-end" in t)
    assert any("head_epochs: 2 → 25" in t for t in table["remarks"] if "linear-init" in t)
    code, out, err = largeloss(*command, "--run", "--out", tmp_path / "table.md")
    assert code == 0, err
    assert times(runs) == after
    mean = cells["ll-r", "end-to-end", "VOC 2012"]["mean"]
    assert f"{mean:.1f} ±" in out
    row = next(t for t in (tmp_path / "table.md").read_text().splitlines() if "LL-R" in t)
    assert f"{mean:.1f} ±" in row
    assert "89.2 [87.8–88.3]" in row
    code, _, err = largeloss(*command, "--run", "--seeds", "3", "--lr", "0.5")
    assert code == 0, err  # finished runs stay; new ones may have other settings, which is said
    assert "training.lr: 0.5 → 0.005" in err
    (runs / "voc2012/end-to-end/an-seed2/result.json").unlink()
    code, _, err = largeloss(*command, "--run", "--seeds", "3", "--lr", "0.25")
    assert code == 2
    assert "was begun with other settings" in err


def test_openimages_are_trained_and_measured_by_groups(largeloss, six_classes, runs, tmp_path):
    command = [
        "reproduce", "--table", "openimages", "--data", f"openimages-v3={six_classes}",
        "--methods", "an,curriculum", "--seeds", "1", "--runs", runs, *SMALL,
    ]  # fmt: skip
    code, out, err = largeloss(*command, "--run")
    assert code == 0, err
    folder = runs / "openimages-v3/end-to-end/an-seed0"
    figures = json.loads((folder / "groups.json").read_text())
    assert f"{figures['all']:.1f} (1)" in out
    assert "largeloss evaluate RUN --groups 5 --out RUN/groups.json" in err
    assert "test was measured" not in err  # over observed entries, as published
    (folder / "groups.json").unlink()
    code, out, err = largeloss(*command)
    assert code == 0, err
    assert "unmeasured" in out
    assert "without that file" in err
    code, _, err = largeloss("evaluate", folder, "--groups", "5", "--out", folder / "groups.json")
    assert code == 0, err
    assert json.loads((folder / "groups.json").read_text()) == figures
    (folder / "groups.json").unlink()
    before = times(runs)
    assert largeloss(*command, "--run")[0] == 0
    assert times(runs) == before
    assert json.loads((folder / "groups.json").read_text()) == figures


def test_groups_are_measured_over_annotated_entries(largeloss, six_classes, tmp_path):
    code, _, err = largeloss(
        "train", six_classes, *SMALL, "--method", "iu", "--out", tmp_path / "run"
    )
    assert code == 0, err
    command = ["evaluate", tmp_path / "run", "--groups", "2", "--out", tmp_path / "g.json"]
    code, out, err = largeloss(*command)
    assert code == 0, err
    figures = json.loads((tmp_path / "g.json").read_text())
    assert figures["classes_never_annotated"] == 1
    assert figures["classes_without_positives"] == 1
    assert figures["ap"]["f"] is None
    assert figures["ap"]["e"] == 0
    assert "1 of 6 classes are never annotated" in out
    code, _, err = largeloss("evaluate", tmp_path / "run", "--out", tmp_path / "e.json")
    assert code == 0, err
    ap = json.loads((tmp_path / "e.json").read_text())["ap"]
    train = [line.split(",") for line in (six_classes / "labels.csv").read_text().split()[1:]]
    counts = [sum(t[1] == "train" and t[2 + k] != "" for t in train) for k in range(6)]
    order = sorted(range(6), key=lambda k: (counts[k], k))
    for number, members in enumerate((order[:3], order[3:])):
        known = [100 * ap[SIX[k]] for k in members if SIX[k] != "f"]
        assert {figures["group_of"][SIX[k]] for k in members} == {number + 1}
        assert figures["groups"][f"G{number + 1}"] == pytest.approx(sum(known) / len(known))
        assert figures["classes_counted"][f"G{number + 1}"] == len(known)
        assert f"{counts[members[0]]} to {counts[members[-1]]}" in out
    assert figures["all"] == pytest.approx(sum(figures["groups"].values()) / 2)
    code, _, err = largeloss("evaluate", tmp_path / "run", "--groups", "7")
    assert code == 2
    assert "7 groups of 6 classes" in err


def test_groups_on_other_data_are_those_of_the_runs_own_training(
    largeloss, six_classes, image_folder, tmp_path, make_image_folder
):
    code, _, err = largeloss(
        "train", image_folder, *SMALL, "--observe", "single-positive", "--method", "an",
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert code == 0, err
    other = make_image_folder("again", num=10)
    code, out, err = largeloss("evaluate", tmp_path / "run", other, "--groups", "1")
    assert code == 0, err
    # one tag per training image that has one is all that the method saw of its 18
    tags = [t.split(",") for t in (image_folder / "labels.csv").read_text().split()[1:]]
    shown = sum(t[1] == "train" and "1" in t[2:] for t in tags)
    low, high = (int(word) for word in out.split("G1")[1].split()[:3:2])
    assert low + high == shown
    full = tmp_path / "full"
    assert largeloss("train", image_folder, *SMALL, "--method", "full", "--out", full)[0] == 0
    _, out, _ = largeloss("evaluate", full, "--groups", "1")
    assert "18 to 18" in out


@pytest.mark.parametrize("table", ["pointing", "memorization"])
def test_analyses_that_are_still_to_come(largeloss, table, runs):
    code, out, err = largeloss("reproduce", "--table", table, "--runs", runs)
    assert code == 0, err
    assert "not run" in out
    assert {"pointing": "83.7", "memorization": "72.2"}[table] in out
    assert f"largeloss analyze {table} RUN" in err


def test_an_analysis_is_read_where_it_is(largeloss, image_folder, runs):
    command = [
        "reproduce", "--table", "pointing", "--methods", "an", "--seeds", "1", "--runs", runs,
        "--data", f"voc2012={image_folder}", *SMALL,
    ]  # fmt: skip
    code, out, err = largeloss(*command, "--run")
    assert code == 0, err
    assert "unmeasured" in out
    folder = runs / "voc2012/end-to-end/an-seed0"
    (folder / "analysis").mkdir()
    (folder / "analysis/pointing.json").write_text('{"accuracy": 12.34}')
    code, out, err = largeloss(*command)
    assert code == 0, err
    assert "12.3 (1)" in out
    assert "unmeasured" not in out
    (folder / "analysis/pointing.json").write_text("{")
    code, _, err = largeloss(*command)
    assert code == 1
    assert "pointing.json cannot be read" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--table", "third"], "no table 'third'; there are artificial, openimages"),
        (["--table", "pointing", "--data", "voc2012"], "needs collection=PATH"),
        (["--table", "pointing", "--data", "voc2012="], "needs collection=PATH"),
        (["--table", "pointing", "--data", "cub=x"], "'cub' is no collection of this table"),
        (["--table", "pointing", "--data", "voc2012=x", "--data", "voc2012=y"], "twice"),
        (["--table", "pointing", "--methods", "llr"], "'llr' is no method; did you mean 'll-r'?"),
        (["--table", "pointing", "--methods", ","], "names none"),
        (["--table", "pointing", "--methods", "an,an"], "one twice"),
        (["--table", "pointing", "--protocols", "linear-init"], "no protocol of this table"),
        (["--table", "pointing", "--out", "table.txt"], "--out must end in .md, .json"),
        (["--table", "pointing", "--run"], "--run needs the data of at least one collection"),
        (["--table", "pointing", "--preset", "voc2012/an"], "leave --preset out"),
        (["--table", "pointing", "--data", "voc2012=x", "--seed", "3"], "decides the method"),
        (
            ["--table", "pointing", "--data", "voc2012=x", "--set", "method.name=an"],
            "decides the method",
        ),
        (["--table", "pointing", "--data", "voc2012=x", "--epochs", "0"], "training.epochs"),
        (["--table", "pointing", "--data", "voc2012=none", "--run"], "none does not exist"),
        ([], "--table"),
    ],
)
def test_wrong_options(largeloss, runs, arguments, message):
    code, out, err = largeloss("reproduce", *arguments, "--runs", runs)
    assert code == 2
    assert message in err
    assert "Traceback" not in out + err
    assert not list(runs.rglob("config.yaml"))


def test_too_few_classes_for_the_groups_are_refused_before_training(largeloss, image_folder, runs):
    code, _, err = largeloss(
        "reproduce", "--table", "openimages", "--data", f"openimages-v3={image_folder}",
        "--methods", "an", "--runs", runs, *SMALL, "--run",
    )  # fmt: skip
    assert code == 2
    assert "images has 2 classes, too few for the 5 groups" in err
    assert not list(runs.rglob("config.yaml"))


def test_a_run_that_is_another(largeloss, image_folder, runs):
    command = [
        "reproduce", "--table", "pointing", "--methods", "an", "--seeds", "1", "--runs", runs,
        "--data", f"voc2012={image_folder}", *SMALL,
    ]  # fmt: skip
    assert largeloss(*command, "--run")[0] == 0
    folder = runs / "voc2012/end-to-end"
    os.rename(folder / "an-seed0", folder / "an-seed5")
    code, _, err = largeloss(*command)
    assert code == 2
    assert "an-seed5 should hold an with seed 5" in err
    (folder / "an-seed5").rename(folder / "an-seed0")
    (folder / "an-seed0/config.yaml").unlink()
    code, _, err = largeloss(*command)
    assert code == 2
    assert "config.yaml is missing" in err


def test_what_is_no_published_experiment_is_said(largeloss, six_classes, runs):
    command = [
        "reproduce", "--table", "artificial", "--protocols", "end-to-end", "--methods", "an",
        "--seeds", "1", "--runs", runs, "--data", f"voc2012={six_classes}", *SMALL,
        "--set", "data.observe=null", "--run",
    ]  # fmt: skip
    code, _, err = largeloss(*command)
    assert code == 0, err
    assert "data.observe: None → single-positive" in err
    assert "voc2012, end-to-end, an: test was measured by observed entries only" in err
    (runs / "voc2012/end-to-end/an-seed0").rename(runs / "voc2012/end-to-end/imcl-seed0")
    path = runs / "voc2012/end-to-end/imcl-seed0/result.json"
    path.write_text(checksummed_json(verified_json(path.read_text()) | {"method": "imcl"}))
    code, out, err = largeloss(*command[:5], "--methods", "imcl", "--runs", runs)
    assert code == 0, err
    assert "there is no preset, so nothing was published" in err
    assert "no preset for imcl" in " ".join(out.split())


def test_finding_11_what_the_files_of_a_run_hold_is_compared(largeloss, image_folder, runs):
    command = [
        "reproduce", "--table", "pointing", "--methods", "an", "--seeds", "1", "--runs", runs,
        "--data", f"voc2012={image_folder}", *SMALL,
    ]  # fmt: skip
    code, _, err = largeloss(*command, "--run")
    assert code == 0, err
    folder = runs / "voc2012/end-to-end/an-seed0"
    sizes = "24 images for training → 5,717; 6 images for test → 5,823; 2 classes → 20"
    assert f"an: another data set than the published (ours → published: {sizes})" in err
    right = {
        "accuracy": 12.34, "method": "an", "data": str(image_folder), "split": "test",
        "tolerance": 0, "unshared_classes": [],
    }  # fmt: skip
    wrong = {
        "method": "ll-r", "data": "elsewhere", "split": "train", "tolerance": 15.0,
        "unshared_classes": ["red"],
    }  # fmt: skip

    def said(content):
        (folder / "analysis").mkdir(exist_ok=True)
        (folder / "analysis/pointing.json").write_text(json.dumps(content))
        code, out, err = largeloss(*command)
        assert code == 0, err
        assert "12.3 (1)" in out
        return [
            line for line in err.splitlines() if "pointing.json was" in line or "say its" in line
        ]

    assert said(right) == []
    for name, value in wrong.items():
        (line,) = said(right | {name: value})
        assert f"was measured with {name} {value!r} instead of {right[name]!r}" in line
    assert len(said({"accuracy": 12.34})) == len(wrong)


def test_finding_11_groups_of_another_split_are_said(largeloss, six_classes, runs):
    command = [
        "reproduce", "--table", "openimages", "--data", f"openimages-v3={six_classes}",
        "--methods", "an", "--seeds", "1", "--runs", runs, *SMALL,
    ]  # fmt: skip
    code, _, err = largeloss(*command, "--run")
    assert code == 0, err
    assert "groups.json was" not in err
    assert "6 images for val → 41,620; 6 images for test → 125,436; 6 classes → 5,000" in err
    folder = runs / "openimages-v3/end-to-end/an-seed0"
    groups = ("evaluate", folder, "--groups", "5", "--split", "train", "--out")
    assert largeloss(*groups, folder / "groups.json")[0] == 0
    code, _, err = largeloss(*command)
    assert code == 0, err
    assert "groups.json was measured with split 'train' instead of 'test'" in err
    assert "groups.json was measured with entries " in err
