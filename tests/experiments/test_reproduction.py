"""Values for a published table from a folder of runs, and the missing runs."""

import json

import pytest

from largeloss.errors import ConfigError, RunError
from largeloss.experiments.finished import Group
from largeloss.experiments.published import ARTIFICIAL, MEMORIZATION, OPENIMAGES
from largeloss.experiments.reproduction import fill_table, plan_missing

END = ("end-to-end",)


def write_run(runs, collection, method, seed, *, protocol="end-to-end", test_map=80.0):
    folder = runs / collection / protocol / f"{method}-seed{seed}"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("{}\n")
    result = {"method": method, "seed": seed, "protocol": protocol, "seconds": 100.0 + seed}
    (folder / "result.json").write_text(json.dumps(result | {"test_map": test_map}))
    return folder


def anything(group, method):
    return True


def test_an_empty_folder_is_a_table_of_published_values(tmp_path):
    layout = fill_table(ARTIFICIAL, tmp_path / "none", ["an", "ll-r"], ARTIFICIAL.protocols)
    assert layout.blocks == ("end-to-end", "linear-init")
    assert len(layout.cells) == 16
    assert {(cell.mean, cell.std, cell.num_finished) for cell in layout.cells} == {(None, None, 0)}
    row = layout.row("ll-r", "end-to-end")
    assert [cell.published for cell in row] == [89.2, 71.0, 47.4, 19.5]
    assert row[0].reruns == (87.8, 88.3)
    assert not layout.unmeasured
    assert layout.groups[:2] == (Group("voc2012", "end-to-end"), Group("voc2012", "linear-init"))
    json.dumps(layout.as_json())


def test_values_are_averaged_over_whatever_seeds_there_are(tmp_path):
    for seed, value in ((0, 80.0), (2, 84.0), (10, 88.0)):
        write_run(tmp_path, "voc2012", "ll-r", seed, test_map=value)
    write_run(tmp_path, "voc2012", "ll-r", 0, protocol="linear-init", test_map=70.0)
    write_run(tmp_path, "voc2012", "ll-ct", 0, test_map=1.0)
    for stray in ("ll-r-0.5-seed0", "ll-r-seed", "ll-r-seed01", "ll-r-seedling"):
        (tmp_path / "voc2012/end-to-end" / stray).mkdir()
        (tmp_path / "voc2012/end-to-end" / stray / "result.json").write_text("none of ours")
    layout = fill_table(ARTIFICIAL, tmp_path, ["ll-r"], ARTIFICIAL.protocols)
    voc = layout.cells[0]
    assert (voc.values, voc.seeds) == ((80.0, 84.0, 88.0), (0, 2, 10))
    assert (voc.mean, voc.std) == (84.0, 4.0)
    init = layout.row("ll-r", "linear-init")[0]
    assert (init.mean, init.std) == (70.0, None)
    assert layout.cells[1].mean is None


def test_values_of_an_analysis(tmp_path):
    folder = write_run(tmp_path, "openimages-v3", "an", 0)
    layout = fill_table(OPENIMAGES, tmp_path, ["an"], END)
    assert layout.unmeasured
    assert layout.cells[0].num_finished == 1
    groups = {f"G{number}": 10.0 * number for number in range(1, 5)} | {"G5": None}
    (folder / "groups.json").write_text(json.dumps({"groups": groups, "all": 25}))
    layout = fill_table(OPENIMAGES, tmp_path, ["an"], END)
    assert [cell.mean for cell in layout.cells] == [10, 20, 30, 40, None, 25]
    folder = write_run(tmp_path, "coco2014", "an", 1)
    shares = {kind: {"warm-up": 25.0, "regular": 75.0} for kind in ("TP", "TN", "FN")}
    (folder / "analysis").mkdir()
    (folder / "analysis/memorization.json").write_text(json.dumps(shares))
    layout = fill_table(MEMORIZATION, tmp_path, ["an"], END)
    assert [cell.mean for cell in layout.row("an", "COCO 2014")] == [25, 75] * 3
    assert {cell.mean for cell in layout.row("an", "VOC 2012")} == {None}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "must hold an object with names, but is a list"),
        ("{}", "has no 'groups', which is needed"),
        ('{"groups": {}}', r"has no 'groups\.G1', which is needed"),
        ('{"groups": 5}', r"has no 'groups\.G1', which is needed"),
        ('{"groups": {"G1": "high"}}', "must be a number, but is 'high'"),
        ('{"groups": {"G1": true}}', "must be a number, but is True"),
        ('{"groups": {"G1": NaN}}', "must be a number, but is nan"),
    ],
)
def test_files_that_make_no_sense(tmp_path, content, message):
    (write_run(tmp_path, "openimages-v3", "an", 0) / "groups.json").write_text(content)
    with pytest.raises(RunError, match=message) as caught:
        fill_table(OPENIMAGES, tmp_path, ["an"], END)
    assert "groups.json" in str(caught.value)


def test_bytes_that_are_no_text(tmp_path):
    (write_run(tmp_path, "openimages-v3", "an", 0) / "result.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RunError, match=r"result\.json cannot be read"):
        fill_table(OPENIMAGES, tmp_path, ["an"], END)


@pytest.mark.parametrize("wrong", [{"method": "an"}, {"seed": 4}, {"protocol": "linear"}])
def test_another_run_than_the_folder_name_tells(tmp_path, wrong):
    path = write_run(tmp_path, "cub", "epr", 3) / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | wrong))
    ((name, value),) = wrong.items()
    with pytest.raises(
        ConfigError, match=f"epr-seed3 should hold epr.*{name} {value!r}.*Move the folder"
    ):
        fill_table(ARTIFICIAL, tmp_path, ["epr"], END)


def test_the_plan_lists_missing_runs_and_their_time(tmp_path):
    write_run(tmp_path, "voc2012", "an", 0)
    write_run(tmp_path, "voc2012", "an", 7)
    write_run(tmp_path, "coco2014", "an", 0)
    write_run(tmp_path, "coco2014", "wan", 0)
    begun = tmp_path / "voc2012/end-to-end/wan-seed1"
    begun.mkdir()
    (begun / "config.yaml").write_text("{}\n")
    layout = fill_table(ARTIFICIAL, tmp_path, ["an", "wan"], END)
    voc, coco, nus, _ = plan_missing(layout, tmp_path, 2, anything)
    assert voc.group.name == "voc2012, end-to-end"
    assert [run.folder for run in voc.missing] == ["wan-seed0", "an-seed1", "wan-seed1"]
    assert (len(voc.wanted), voc.num_begun, voc.seconds) == (4, 1, (100.0, 107.0))
    assert voc.seconds_per_run == 103.5
    assert voc.estimate == pytest.approx(310.5)
    assert coco.as_json() == {
        "collection": "coco2014", "protocol": "end-to-end", "wanted": 4,
        "missing": ["an-seed1", "wan-seed1"], "begun": 0, "seconds_per_run": 100.0,
        "seconds_from_runs": 2, "estimated_seconds": 200.0,
    }  # fmt: skip
    assert (len(nus.missing), nus.seconds_per_run, nus.estimate) == (4, None, None)
    assert plan_missing(layout, tmp_path, 1, lambda _, method: method == "an")[0].estimate == 0
    nothing = plan_missing(layout, tmp_path, 1, lambda *_: False)[0]
    assert (nothing.wanted, nothing.missing, nothing.estimate) == ((), (), 0)
    with pytest.raises(ConfigError, match="at least one method"):
        plan_missing(fill_table(ARTIFICIAL, tmp_path, [], END), tmp_path, 1, anything)
