"""The search: the same number of trials for each method, extended beyond edges, chosen on val."""

import csv
import itertools
import math
import re
import shutil
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

import largeloss as package
from largeloss.config import make_config
from largeloss.data.folder.read import write_features
from largeloss.errors import ConfigError, NonFiniteError, RunError
from largeloss.experiments import tune as tuning
from largeloss.experiments.decided import check_searched
from largeloss.experiments.runner import Runner
from largeloss.experiments.trials import (
    EXTENDED,
    RATES,
    Trial,
    around,
    best_of,
    extended,
    first_trials,
)
from largeloss.experiments.tune import _chosen
from largeloss.experiments.tuned import TunedMethod, Tuning
from largeloss.experiments.variant import Variant
from largeloss.files import checksummed_json, verified_json
from largeloss.losses import LOSSES
from largeloss.losses.settings import constructor_settings
from largeloss.progress import silent_progress
from largeloss.runs.result import RunResult
from largeloss.runs.settings import resolved, saved_settings

SMALL = ("--epochs", "2", "--workers", "0", "--batch-size", "20")


@given(st.sampled_from(sorted(LOSSES)), st.integers(1, 60))
@example("an", 56)  # two digits do not tell so many rates apart
@example("ll-r", 9)
def test_every_method_begins_with_as_many_trials_as_the_budget_and_none_twice(method, budget):
    trials = first_trials(method, budget)
    assert len(trials) == budget or (budget > 50 and len(trials) > 50)
    assert len({trial.folder for trial in trials}) == len(trials)
    low, high = RATES
    assert all(low * 0.99 <= trial.lr <= high * 1.01 for trial in trials)
    if budget >= 15:
        rates = {trial.lr for trial in trials}
        assert min(rates) == low
        assert max(rates) == high


def test_the_usual_budget_is_three_rates_of_five_values_or_fifteen_rates():
    assert {(t.lr, t.value) for t in first_trials("ll-r", 15)} == set(
        itertools.product((3e-5, 3e-4, 3e-3), (0.1, 0.2, 0.5, 1.0, 2.0))
    )
    rates = [trial.lr for trial in first_trials("an", 15)]
    assert len(rates) == 15
    steps = [math.log10(high / low) for low, high in itertools.pairwise(rates)]
    assert steps == pytest.approx([2 / 14] * 14, abs=0.02)


def test_values_in_the_middle_get_what_is_left_of_the_budget():
    tried = [(trial.value, trial.lr) for trial in first_trials("ll-r", 7)]
    assert tried == [
        (0.1, 3e-4), (0.2, 9.5e-5), (0.2, 9.5e-4), (0.5, 9.5e-5), (0.5, 9.5e-4),
        (1.0, 3e-4), (2.0, 3e-4),
    ]  # fmt: skip
    for peak in (3e-6, 3e-4, 3e-2):
        _, chosen = walked("ll-r", peak, 0.5, budget=7)
        assert abs(math.log10(chosen.lr / peak)) < 0.51
        assert not chosen.on_edge


def test_what_a_method_searches_is_a_setting_that_it_takes():
    for method in LOSSES.values():
        if method.searched is not None:
            setting, values = method.searched
            accepted = constructor_settings(method)[setting]
            assert all(accepted.accepts(value) for value in values)
            assert list(values) == sorted(set(values))


def walked(method, peak_lr, peak_value, budget=15):
    """The trials of a search where val mAP falls off around a peak, and what it chose."""
    maps: dict[Trial, Any] = {}

    def height(trial):
        away = math.log10(trial.lr / peak_lr) ** 2
        if trial.value is not None:
            away += math.log10(trial.value / peak_value) ** 2
        return 90 - away

    own = first_trials(method, budget)
    for trial in extended(own, maps):
        own += [trial] if trial not in own else []  # as tune does
        found = height(trial)
        maps[trial] = SimpleNamespace(
            val_map=found, val_log_rank=None, val_figure=found, fingerprints={}
        )
    return maps, _chosen(maps, {method: make_config([{"method": {"name": method}}])})


def test_a_best_trial_inside_ends_the_search():
    maps, chosen = walked("ll-r", 3e-4, 0.5)
    assert len(maps) == 15
    assert (chosen.lr, chosen.value, chosen.setting) == (3e-4, 0.5, "delta_rel")
    assert not chosen.on_edge


def test_a_best_trial_on_an_edge_leads_further_in_both_directions():
    maps, chosen = walked("ll-r", 1e-5, 8.0)
    assert len(maps) > 15
    assert not chosen.on_edge
    assert chosen.lr == 9.5e-6
    assert chosen.value == 8
    maps, chosen = walked("an", 3e-6, None)
    assert chosen.lr == 3e-6
    assert chosen.setting is None
    assert chosen.own == {}
    assert len(maps) == 18  # 9.5e-6, 3e-6, and 9.5e-7 below it


def test_values_of_the_own_setting_are_judged_at_the_best_rate():
    """With five trainings each value is tried at one rate, at which another value may be best."""
    results: dict[Trial, Any] = {}
    for trial in extended(first_trials("ll-r", 5), results):
        best = 0.5 if trial.lr > 1e-3 else 0.2
        away = math.log10(trial.lr / 9.5e-3) ** 2 + 0.1 * math.log10((trial.value or 0) / best) ** 2
        results[trial] = SimpleNamespace(val_figure=90 - away)
    assert best_of(results) == Trial("ll-r", 9.5e-3, 0.5)
    assert around(best_of(results), list(results)) == []
    assert len(results) == 15


def test_the_search_ends_and_says_so_where_it_never_comes_inside():
    maps, chosen = walked("an", 1e-30, None)
    assert len(maps) == 15 + EXTENDED
    assert chosen.on_edge


def test_the_help_says_how_many_trainings_a_method_may_take(largeloss):
    assert len(walked("an", 1e30, None)[0]) == 15 + EXTENDED == 25
    _, printed, _ = largeloss("tune", "--help")
    assert "Up to ten more" in " ".join(re.sub("[│ ]+", " ", printed).split())


def test_values_that_the_method_refuses_are_not_tried():
    maps, chosen = walked("lsan", 3e-4, 50.0)  # smoothing is at most 0.5
    assert chosen.value == 0.5  # 0.8 would be next
    assert not chosen.on_edge
    assert all(trial.value <= 0.5 for trial in maps)


def test_a_setting_that_was_tried_at_one_value_is_tried_at_its_neighbours():
    assert [trial.value for trial in first_trials("ll-r", 1)] == [0.5]
    for peak in (0.2, 0.5, 1.0):
        _, chosen = walked("ll-r", 3e-4, peak, budget=1)
        assert abs(math.log10(chosen.value / peak)) < 0.1
        assert not chosen.on_edge


def test_two_rates_lie_inside_and_lead_outwards():
    assert {trial.lr for trial in first_trials("gr", 10)} == {9.5e-5, 9.5e-4}
    for peak in (3e-6, 3e-5, 3e-4, 3e-3):
        _, chosen = walked("gr", peak, 4.0, 10)
        assert abs(math.log10(chosen.lr / peak)) < 0.51


def test_whole_numbers_stay_whole_beyond_an_edge():
    maps, chosen = walked("crisp", 3e-4, 11)
    assert (chosen.value, chosen.setting, chosen.on_edge) == (11, "warmup_epochs", False)
    assert all(type(trial.value) is int and trial.value >= 1 for trial in maps)
    assert len(maps) > 15


@pytest.fixture
def data(tmp_path):
    """60 inputs of two classes; some labels of train are blank."""
    stream = torch.Generator().manual_seed(0)
    features = torch.randn(60, 4, generator=stream)
    lines = ["image,split,a,b"]
    for row, values in enumerate((features[:, :2] > 0).int().tolist()):
        split = "train" if row < 30 else "val" if row < 45 else "test"
        texts = ["" if split == "train" and (row + c) % 3 == 0 else f"{v}"
                 for c, v in enumerate(values)]  # fmt: skip
        lines.append(f"{row}.jpg,{split},{','.join(texts)}")
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    write_features(folder / "features.safetensors", features, [f"{row}.jpg" for row in range(60)])
    return folder


def test_the_best_on_val_is_chosen_kept_and_taken_over_by_compare(data, largeloss, tmp_path):
    out = tmp_path / "tuned"
    command = ("tune", data, *SMALL, "--methods", "an,lsan", "--budget", 2, "--out", out)
    code, printed, err = largeloss(*command)
    assert code == 0, err
    assert err.count("The best epoch is chosen") == 2  # once per method
    with (out / "trials.csv").open() as file:
        trials = list(csv.DictReader(file))
    found = Tuning.read(out)
    assert [one.method for one in found.methods] == ["an", "lsan"]
    for one in found.methods:
        own = [trial for trial in trials if trial["method"] == one.method]
        assert len(own) == one.trials >= 2
        best = max(float(trial["val_map"]) for trial in own)
        assert one.val_map == pytest.approx(best, abs=1e-4)
        folder = out / Trial(one.method, one.lr, one.value).folder
        assert RunResult.read(folder).val_map == one.val_map
        assert saved_settings(folder).training.lr == one.lr
        assert f"{one.lr:g}" in printed
        models = {path.parents[1].name for path in out.glob(f"{one.method}-*/best/*.safetensors")}
        assert models == {folder.name}
    assert not [*out.glob("*/last"), *out.glob("*/head")]
    assert (out / "table.md").read_text().count("\n") == 6
    left = folder / "last" / "state.pt"  # by a process that was killed before it removed it
    left.parent.mkdir()
    left.touch()
    times = {path: path.stat().st_mtime_ns for path in out.glob("*/result.json")}
    assert largeloss(*command)[0] == 0
    assert not left.parent.exists()
    assert times == {path: path.stat().st_mtime_ns for path in out.glob("*/result.json")}
    both = tmp_path / "both"
    compare = ("compare", data, *SMALL, "--methods", "an,lsan", "--tuned", out, "--out", both)
    code, _, err = largeloss(
        *compare, "--seeds", 2, "--vary-labels", "--observe", "single-positive"
    )
    assert code == 2  # tuned without --observe
    code, _, err = largeloss(*compare, "--seeds", 2)
    assert code == 0, err
    for one in found.methods:
        for seed in (0, 1):
            settings = saved_settings(both / f"{one.method}-seed{seed}")
            assert settings.training.lr == one.lr
            assert settings.training.seed == seed
            assert settings.method.given() == one.own
    content = verified_json((out / "tuned.json").read_text())
    content["methods"][1]["lr"] = 0.5  # as the search may choose with a larger budget
    (out / "tuned.json").write_text(checksummed_json(content))
    code, _, err = largeloss(*compare, "--seeds", 2)
    assert code == 2
    told = " ".join(err.split())
    assert f"begun with what --tuned had chosen before (training.lr: {one.lr:g} → 0.5)" in told


def test_a_trial_that_diverges_is_not_chosen_and_ends_nothing(data, tmp_path, monkeypatch):
    def trained(self, name):
        if name.endswith(("lr0.003", "lr0.0095")):
            raise NonFiniteError(f"{name}: Step 3: logits are infinite.")
        return train(self, name)

    train, shown = Runner.train, silent_progress()
    told: list[str] = []
    monkeypatch.setattr(shown, "remark", told.append)
    monkeypatch.setattr(Runner, "train", trained)
    out, make = tmp_path / "tuned", partial(own_settings, data)
    for _ in range(2):  # the same call goes on
        (found,) = tuning.tune(make, ["an"], 3, out, shown).methods
        assert found.lr < 0.003
        with (out / "trials.csv").open() as file:
            maps = {trial["lr"]: trial["val_map"] for trial in csv.DictReader(file)}
        assert len(maps) == found.trials >= 3
        assert maps["0.003"] == ""
        assert maps["0.0003"] != ""
    assert any("an-lr0.003 diverged, and is not chosen. Step 3" in text for text in told)


def test_where_all_diverges_the_search_goes_down_and_the_other_methods_are_searched(
    data, tmp_path, monkeypatch
):
    def trained(self, name):
        tried.append(name)
        if name.startswith("an-") or "lr0.0003" in name:
            raise NonFiniteError("Step 3: logits are infinite.")
        return train(self, name)

    tried: list[str] = []
    train, out, make = Runner.train, tmp_path / "tuned", partial(own_settings, data)
    monkeypatch.setattr(Runner, "train", trained)
    with pytest.raises(RunError, match=r"All trials of an diverged.*tuned\.json has what") as error:
        tuning.tune(make, ["an", "lsan"], 1, out, silent_progress())
    assert "lsan" not in str(error.value)
    rates = [float(name.partition("-lr")[2]) for name in tried if name.startswith("an-")]
    assert len(rates) == 1 + EXTENDED
    assert rates == sorted(rates, reverse=True)
    (found,) = Tuning.read(out).methods
    assert found.method == "lsan"
    assert found.lr < 3e-4
    with pytest.raises(RunError, match=r"All trials of an diverged"):
        tuning.tune(make, ["an"], 1, tmp_path / "all", silent_progress())
    assert not (tmp_path / "all" / "tuned.json").exists()


def test_val_that_all_models_are_alike_on_chooses_nothing(data, largeloss, tmp_path):
    labels = data / "labels.csv"
    lines = [
        line[:-3] + "0,0" if ",val," in line else line for line in labels.read_text().splitlines()
    ]
    labels.write_text("\n".join(lines) + "\n")
    out = tmp_path / "tuned"
    code, _, err = largeloss("tune", data, *SMALL, "--methods", "an", "--budget", 3, "--out", out)
    assert code == 2
    assert "present in all of its 15 images, or in none" in " ".join(err.split())
    assert not [*out.glob("an-*")]


def test_val_with_tags_alone_is_compared_by_log_rank(data, largeloss, tmp_path):
    labels = data / "labels.csv"
    lines = [line.replace(",0", ",") for line in labels.read_text().splitlines()]
    labels.write_text("\n".join(lines) + "\n")
    out, both = tmp_path / "tuned", tmp_path / "both"
    shared = (data, *SMALL, "--methods", "an")
    code, printed, err = largeloss("tune", *shared, "--budget", 3, "--out", out)
    assert code == 0, err
    assert "on a logarithmic scale (log rank" in " ".join(err.split())
    table = (out / "table.md").read_text()
    assert "Val log rank (%)" in table
    for text in (printed, table):
        assert "Chosen by val log rank, one seed: no ranking of the methods." in text
        assert "Val was measured by blanks counted as absent" in text
    with (out / "trials.csv").open() as file:
        ranked = [float(trial["val_log_rank"]) for trial in csv.DictReader(file)]
    (found,) = Tuning.read(out).methods
    assert found.val_log_rank == pytest.approx(max(ranked), abs=1e-4)
    folder = out / Trial("an", found.lr, None).folder
    result = RunResult.read(folder)
    assert result.val_figure == result.val_log_rank == found.val_log_rank
    assert result.val_map == found.val_map
    code, _, err = largeloss("compare", *shared, "--tuned", out, "--out", both)
    assert code == 0, err
    printed = largeloss("train", *shared[:-2], "--method", "an", "--out", tmp_path / "run")[1]
    assert "Val log rank" in printed
    path = both / "an-seed0" / "result.json"  # as an earlier version wrote it
    content = {k: v for k, v in verified_json(path.read_text()).items() if k != "val_log_rank"}
    path.write_text(checksummed_json(content))
    assert RunResult.read(path.parent).val_log_rank is None
    code, _, err = largeloss("compare", *shared, "--tuned", out, "--out", both)
    assert code == 2
    assert "did not choose the epoch by log rank" in " ".join(err.split())


def test_a_search_of_before_is_read_unless_the_area_under_the_roc_curve_chose(
    data, largeloss, tmp_path
):
    out = tmp_path / "tuned"
    shared = (data, *SMALL, "--methods", "an")
    assert largeloss("tune", *shared, "--budget", 1, "--out", out)[0] == 0
    path = out / "tuned.json"
    content = verified_json(path.read_text())
    for area, code in ((None, 0), (81.0, 1)):
        methods = [
            {k: v for k, v in one.items() if k != "val_log_rank"} | {"val_auc": area}
            for one in content["methods"]
        ]
        path.write_text(checksummed_json(content | {"methods": methods}))
        found, _, err = largeloss("compare", *shared, "--tuned", out, "--out", tmp_path / "both")
        assert found == code, err
    assert "chose by the area under the ROC curve" in " ".join(err.split())


def test_python_searches_as_the_command_does(data, largeloss, tmp_path):
    out = tmp_path / "tuned"
    command = ("tune", data, *SMALL, "--methods", "an", "--budget", 2, "--out", tmp_path / "other")
    assert largeloss(*command)[0] == 0
    found = python_tune(data, out)
    assert found.to_arrow().column("method").to_pylist() == [one.method for one in found.methods]
    assert "Chosen by val" in found._repr_html_()
    assert found.methods == Tuning.read(tmp_path / "other").methods
    with pytest.raises(ConfigError, match="lr"):
        python_tune(data, out, lr=1e-3)
    with pytest.raises(ConfigError, match="smoothing of lsan"):
        package.tune(data, methods=["lsan"], smoothing=0.2, progress=False)
    wrong: list[Any] = [None, [1], "an"]
    for methods in wrong:
        with pytest.raises(ConfigError, match="methods must be a list of names"):
            package.compare(data, methods=methods, progress=False)


def python_tune(data, out, **more):
    return package.tune(
        data, methods=["an"], budget=2, out=out, epochs=2, workers=0, batch_size=20,
        progress=False, **more,
    )  # fmt: skip


def test_what_does_not_fit_the_search_is_refused_before_anything_is_trained(
    data, largeloss, tmp_path
):
    out, both = tmp_path / "tuned", ("--out", tmp_path / "both")
    tune = ("tune", data, *SMALL, "--budget", 1, "--out", out)
    assert largeloss(*tune, "--methods", "an")[0] == 0
    compare = ("compare", data, *SMALL, "--tuned", out, *both)
    for command, message in (
        ((*tune, "--methods", "an,an"), "each once"),
        ((*tune, "--methods", "no"), "no method 'no'"),
        ((*tune[:-1], tmp_path / "new", "--methods", "an", "--lr", "1e-3"), "--lr"),
        ((*compare, "--methods", "lsan"), "no 'lsan'"),
        ((*compare, "--methods", "an", "--lr", "1e-3"), "--tuned has training.lr"),
        ((*compare, "--methods", "an", "--set", "training.lr=0.5"), "--tuned has training.lr"),
        ((*compare, "--methods", "an", "--set", "training.seed=5"), "choose --seeds"),
        ((*compare, "--methods", "an", "--set", "method.name=full"), "method.name would give"),
        ((*compare, "--methods", "an", "--seed", "5"), "--seeds"),
        ((*tune, "--methods", "an", "--set", "method.name=full"), "method.name would give"),
        ((*tune, "--methods", "an", "--set", "training.lr=0.5"), "decides the learning rate"),
        ((*tune, "--methods", "an", "--set", "training.seed=5"), "decides the seed"),
        ((*tune, "--methods", "an,lsan", "--set", "method.smoothing=0.2"), "smoothing of lsan"),
        ((*tune, "--methods", "an,ll-r:0.5"), "searches Δ itself: write ll-r instead of ll-r:0.5"),
        (("tune", "--preset", "digits", "--methods", "foo"), "There is no method 'foo'"),
        ((*compare, "--methods", "ll-r:1"), "without"),
        ((*compare, "--methods", "an", "--epochs", "3"), "training.epochs: 2 → 3"),
        (("compare", data, *SMALL, "--methods", "an", "--tuned", data, *both), "tuned.json"),
    ):
        code, _, err = largeloss(*command)
        assert code == 2, command
        assert message in err, (command, err)
        assert not (tmp_path / "both").exists()


def test_what_a_search_decides_may_stand_in_a_file_and_is_said_to_be_unused(
    data, largeloss, tmp_path
):
    """The file may be that of a run."""
    file, words = (
        tmp_path / "run.yaml",
        "Not used of the settings file, since tune decides it itself",
    )
    file.write_text("training: {lr: 0.5, seed: 3, momentum: 0.5}\nmethod: {smoothing: 0.3}\n")
    for methods, unused in (
        ("lsan", "training.lr, training.seed, method.smoothing of lsan"),
        ("an", "training.lr, training.seed"),
    ):
        command = ("tune", data, *SMALL, "--budget", 1, "--methods", methods, "--config", file)
        code, _, err = largeloss(*command, "--out", tmp_path / methods)
        assert code == 0, err
        assert f"Note: {words}: {unused}." in " ".join(err.split())
        (found,) = Tuning.read(tmp_path / methods).methods
        assert found.settings["training"]["momentum"] == 0.5
    file.write_text("training: {momentum: 0.5}\n")
    code, _, err = largeloss(*command, "--out", tmp_path / "none")
    assert (code, words in " ".join(err.split())) == (0, False)


def test_a_setting_of_a_file_is_unused_of_those_that_search_it_alone():
    """Recipes take it as it is."""
    told = check_searched(
        [], ["ll-r", "ll-cp", "fine-tune"], ["method.delta_rel", "training.epochs"]
    )
    assert [text.partition(": ")[2] for text in told] == ["method.delta_rel of ll-r, ll-cp."]
    assert check_searched([], ["fine-tune"], ["method.delta_rel"]) == []


def test_a_setting_that_all_trials_had_must_be_the_same_again(data, largeloss, tmp_path):
    out, both = tmp_path / "tuned", tmp_path / "both"
    warmup = ("--set", "method.warmup_epochs=0")
    shared = (data, *SMALL, "--methods", "ll-r")
    assert largeloss("tune", *shared, *warmup, "--budget", 1, "--out", out)[0] == 0
    (found,) = Tuning.read(out).methods
    assert found.settings["method"]["warmup_epochs"] == 0
    compare = ("compare", *shared, "--tuned", out, "--out", both)
    for more, asked in (((), "None"), (("--set", "method.warmup_epochs=2"), "2")):
        code, _, err = largeloss(*compare, *more)
        assert code == 2
        assert f"method.warmup_epochs: 0 → {asked}" in err
    code, _, err = largeloss(*compare, *warmup, "--set", "method.delta_rel=7")
    assert (code, "--tuned has method.delta_rel" in err) == (2, True)
    with pytest.raises(ConfigError, match=r"--tuned has training\.lr"):
        package.compare(data, methods=["ll-r"], tuned=out, out=both, lr=0.1, progress=False)
    assert largeloss(*compare, *warmup)[0] == 0
    content = verified_json((out / "tuned.json").read_text())
    for method in content["methods"]:
        del method["settings"]
    (out / "tuned.json").write_text(checksummed_json(content))
    code, _, err = largeloss(*compare, *warmup)
    assert code == 1
    assert "settings" in err
    assert "The same command writes it again" in err


def test_what_was_chosen_is_for_the_data_of_the_search_wherever_they_are(data, largeloss, tmp_path):
    out, both, moved = tmp_path / "tuned", tmp_path / "both", tmp_path / "moved"
    shared = (*SMALL, "--methods", "an", "--observe", "single-positive")
    labels = data / "labels.csv"
    labels.write_text(labels.read_text().replace(",,", ",1,").replace(",\n", ",1\n"))
    assert largeloss("tune", data, *shared, "--budget", 1, "--out", out)[0] == 0
    shutil.copytree(data, moved)
    compare = ("compare", moved, *shared, "--seeds", 2, "--vary-labels", "--tuned", out, "--out",
               both)  # fmt: skip
    lines = (moved / "labels.csv").read_text()
    swapped = str.maketrans("01", "10")
    other = "\n".join(
        line[:-3] + line[-3:].translate(swapped) if ",test," in line else line
        for line in lines.splitlines()
    )
    (moved / "labels.csv").write_text(other)
    code, _, err = largeloss(*compare)
    assert code == 2
    assert "--tuned was chosen on other data: of an-seed0, the" in err
    assert "the labels of test are not those of the search" in " ".join(err.split())
    assert not [*both.glob("an-*")]
    (moved / "labels.csv").write_text(lines)
    code, _, err = largeloss(*compare)
    assert code == 0, err
    content = verified_json((out / "tuned.json").read_text())
    del content["methods"][0]["fingerprints"]  # as an earlier version wrote it
    (out / "tuned.json").write_text(checksummed_json(content))
    code, _, err = largeloss(*compare)
    assert code == 2
    assert "data.path" in err


def test_methods_of_an_earlier_call_that_are_listed_no_longer_are_named(data, largeloss, tmp_path):
    labels = data / "labels.csv"
    labels.write_text(labels.read_text().replace(",,", ",1,").replace(",\n", ",1\n"))
    for command, first, second, lost in (
        (("tune", "--budget", 1), "an,lsan", "an", "LSAN"),
        (("compare", "--seeds", 1), "an,ll-r:0.5", "full", "Naive AN, LL-R Δ 0.5 %"),
    ):
        out = tmp_path / command[0]
        given = (command[0], data, *SMALL, *command[1:], "--out", out, "--methods")
        code, _, err = largeloss(*given, first)
        assert (code, "of an earlier one" in err) == (0, False), err
        code, _, err = largeloss(*given, second)
        assert code == 0, err
        words = " ".join(err.split())
        assert f"no longer those of an earlier one: {lost}. To have all" in words


BATCHES = {"an": 20, "lsan": 10}


def own_settings(data, method, **training):
    """Settings that differ from method to method, as those of a preset do."""
    own = {"smoothing": 0.1} if method == "lsan" else {}
    usual = {"epochs": 2, "workers": 0, "batch_size": BATCHES[method], "precision": "fp32"}
    return make_config(
        [
            {
                "data": {"path": str(data)},
                "method": {"name": method, **own},
                "model": {"backbone": "none"},
                "training": usual | training,
            }
        ]
    )


def test_each_method_is_compared_with_the_settings_of_its_own_trials(data, tmp_path):
    out = tmp_path / "tuned"
    make = partial(own_settings, data)
    tuning.tune(make, list(BATCHES), 1, out, silent_progress())
    found = Tuning.read(out)
    for method, size in BATCHES.items():
        settings = found.applied(Variant(method), make(method, lr=0.5, seed=3)).training
        assert settings.lr == {one.method: one.lr for one in found.methods}[method]
        assert (settings.batch_size, settings.seed) == (size, 3)
        with pytest.raises(ConfigError, match=f"training.batch_size: {size} → 5"):
            found.applied(Variant(method), make(method, batch_size=5))


def test_the_time_left_counts_further_trials_on_top_of_those_still_to_come(data, tmp_path):
    shown = silent_progress()
    found = tuning.tune(partial(own_settings, data), list(BATCHES), 1, tmp_path / "tuned", shown)
    trials = sum(one.trials for one in found.methods)
    assert trials > len(BATCHES)
    assert shown.clock.total == shown.clock.done == 2 * trials


def test_a_recipe_is_compared_with_what_it_decides_itself():
    def made(**training):
        return make_config(
            [
                {
                    "method": {"name": "auto"},
                    "model": {"backbone": "digits"},
                    "training": training,
                }
            ]
        )

    tried = resolved(made()).plain()
    one = TunedMethod("auto", None, None, 1e-3, 90.0, 15, tried, False)
    found = Tuning((one,), "full")
    assert found.applied(Variant("auto"), made()).training.lr == 1e-3
    with pytest.raises(ConfigError, match=r"training.augment: light → none\n.*teachers: 1 → 0"):
        found.applied(Variant("auto"), made(augment="none", teachers=0))


def test_the_seed_draws_the_labels_where_asked(data, largeloss, tmp_path):
    labels = data / "labels.csv"
    labels.write_text(labels.read_text().replace(",,", ",0,").replace(",\n", ",0\n"))
    out = tmp_path / "both"
    command = ("compare", data, *SMALL, "--methods", "an", "--seeds", 2, "--out", out)
    options = ("--observe", "fraction=0.5", "--vary-labels")
    assert largeloss(*command, *options)[0] == 0
    seeds = [saved_settings(out / f"an-seed{seed}").data.observe_seed for seed in (0, 1)]
    assert seeds == [1200, 1201]
    code, _, err = largeloss(*command, *options[:2])
    assert code == 2
    assert "an-seed1 was begun with --vary-labels (data.observe_seed 1201" in " ".join(err.split())
    assert "Give it to go on" in " ".join(err.split())
    command = (*command[:-1], tmp_path / "other")
    code, _, err = largeloss(*command, "--vary-labels")
    assert code == 0
    assert "--vary-labels changes nothing here" in err
    command = (*command[:-1], tmp_path / "third")
    assert largeloss(*command, *options[:2])[0] == 0
    code, _, err = largeloss(*command, *options)
    assert code == 2
    assert "was begun without --vary-labels" in " ".join(err.split())
