import json
import statistics
from dataclasses import asdict

import pytest

from largeloss.errors import ConfigError, RunError
from largeloss.experiments.grid import PlannedRun, plan, run_grid
from largeloss.experiments.results import ComparedRun, Comparison
from largeloss.experiments.variant import Variant
from largeloss.files import verified_json


def result(method, seed, test_map, delta=None):
    return ComparedRun(method, delta, seed, test_map, test_map - 1, 2, 3.0)


def test_a_grid_goes_seed_by_seed():
    grid = plan([Variant.parse("an"), Variant.parse("ll-r:0.5")], 2)
    assert [planned.folder for planned in grid] == [
        "an-seed0", "ll-r-0.5-seed0", "an-seed1", "ll-r-0.5-seed1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("variants", "seeds"),
    [
        ([], 1),
        (["an"], 0),
        (["an", "an"], 1),
        (["ll-r:1", "ll-r:1.0"], 1),
        (["ll-r:1", "ll-r:1.0000001"], 1),
    ],
)
def test_grids_that_make_no_sense(variants, seeds):
    with pytest.raises(ConfigError):
        plan([Variant.parse(text) for text in variants], seeds)
    with pytest.raises(ConfigError, match=r"ll-r:0\.5"):
        Variant.parse("ll-r:much")


def test_the_summary_has_mean_spread_and_the_gap_closed():
    values = {"full": [90.0, 92.0], "an": [70.0, 72.0], "ll-r": [80.0, 84.0]}
    deltas = {"ll-r": 0.5}
    runs = [
        result(name, seed, value, deltas.get(name))
        for name, scores in values.items()
        for seed, value in enumerate(scores)
    ]
    summary = {line.method: line for line in Comparison.of(runs).summary}
    for name, scores in values.items():
        assert summary[name].mean == pytest.approx(sum(scores) / 2)
        assert summary[name].std == pytest.approx(statistics.stdev(scores))
    assert summary["an"].gap_closed == 0
    assert summary["full"].gap_closed == 1
    assert summary["ll-r"].gap_closed == pytest.approx(11 / 20)


@pytest.mark.parametrize(
    ("full", "shown"), [((71.5, 73.4), True), ((70.5, 72.4), False), ((73.0, 71.0), False),
                        ((70.0, 72.0), False), ((69.0, 71.0), False)],
)  # fmt: skip
def test_a_gap_within_the_spread_of_its_seeds_is_not_divided_by(full, shown):
    """Differences of 1.5 and 1.4; 0.5 and 0.4, which is less than a point; 3 and -1 (mean 1,
    deviation 2.8); none; below Naive AN."""
    values = {"full": full, "an": (70.0, 72.0), "ll-r": (80.0, 84.0)}
    runs = [result(name, seed, each[seed]) for name, each in values.items() for seed in range(2)]
    found = {line.gap_closed is not None for line in Comparison.of(runs).summary}
    assert found == {shown}


@pytest.mark.parametrize(("full", "shown"), [(70.02, False), (70.9, False), (75.0, True)])
def test_one_seed_shows_a_gap_of_a_point_or_more(full, shown):
    """By 0.02 points nobody divides."""
    maps = {"full": full, "an": 70.0, "gr": 71.5}
    lines = Comparison.of([result(name, 0, value) for name, value in maps.items()]).summary
    assert {line.gap_closed is not None for line in lines} == {shown}


def test_the_gap_closed_is_over_the_seeds_that_all_three_have():
    """An interrupted comparison: full labels lack a seed, and GR has only one of its own."""
    values = {
        "an": {0: 50.0, 1: 60.0, 2: 20.0},
        "full": {0: 70.0, 1: 80.0},
        "ll-r": {0: 60.0, 1: 70.0, 2: 30.0},
        "gr": {1: 75.0},
        "em": {2: 30.0},
    }
    runs = [result(name, seed, one) for name, own in values.items() for seed, one in own.items()]
    found = {line.method: line.gap_closed for line in Comparison.of(runs).summary}
    assert found == {"an": 0.0, "full": 1.0, "ll-r": 0.5, "gr": 0.75, "em": None}


def test_one_seed_has_no_spread_and_without_the_ends_there_is_no_gap():
    (line,) = Comparison.of([result("ll-r", 0, 80.0, 1.0)]).summary
    assert line.std == 0.0
    assert line.gap_closed is None


def test_results_are_written_after_every_run(tmp_path):
    seen = []

    def run_one(planned: PlannedRun, folder) -> ComparedRun:
        path = tmp_path / "results.json"
        seen.append(len(json.loads(path.read_text())["runs"]) if path.exists() else 0)
        return result(planned.variant.method, planned.seed, 50.0)

    grid = plan([Variant("an"), Variant("wan")], 2)
    comparison = run_grid(grid, tmp_path, run_one, lambda planned: None)
    assert seen == [0, 1, 2, 3]
    assert verified_json((tmp_path / "results.json").read_text()) == json.loads(
        json.dumps(asdict(comparison))
    )


def test_what_was_finished_before_stays_in_the_results_where_a_later_run_fails(tmp_path):
    """More seeds and a method were added to a comparison of one method with two seeds."""
    before = {(method, seed): result(method, seed, 50.0) for method in ["an"] for seed in range(2)}

    def run_one(planned: PlannedRun, folder) -> ComparedRun:
        if planned.variant.method == "wan" and planned.seed == 1:
            raise RunError("The disk is full.")
        return result(planned.variant.method, planned.seed, 50.0)

    def finished(planned):
        return before.get((planned.variant.method, planned.seed))

    with pytest.raises(RunError, match="full"):
        run_grid(plan([Variant("wan"), Variant("an")], 3), tmp_path, run_one, finished)
    found = [(run.method, run.seed) for run in Comparison.read(tmp_path / "results.json").runs]
    assert found == [("wan", 0), ("an", 0), ("an", 1)]
