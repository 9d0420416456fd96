"""What Python gives as arguments: one path or several, ranges, settings of a resumed run."""

import shutil
from typing import Any

import pytest
import torch

import largeloss
from largeloss.config import make_config
from largeloss.errors import ConfigError, RunError

SMALL: dict[str, Any] = {
    "backbone": "digits", "image_size": 16, "batch_size": 6, "workers": 0, "epochs": 1,
    "method": "an", "progress": False,
}  # fmt: skip


def test_one_path_is_no_sequence_of_letters(small_run, tmp_path, monkeypatch):
    monkeypatch.chdir(small_run.parent)
    (tmp_path / "names.txt").write_text(str(small_run.parent / "data/images/00.png"))
    found = largeloss.predict(small_run, lists=str(tmp_path / "names.txt"))
    assert len(found) == 1
    run = largeloss.Run.read(small_run)
    for number, images in enumerate(("data/images", small_run.parent / "data/images")):
        exported = run.export("hub-folder", tmp_path / f"hub-{number}", images=images)
        assert exported.num_inputs == 30


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size must be a whole number, 1 or more, got 0"),
        ({"batch_size": -1}, "batch_size must be a whole number, 1 or more, got -1"),
        ({"batch_size": 2.5}, "batch_size must be a whole number, 1 or more, got 2.5"),
        ({"workers": -1}, "workers must be a whole number, 0 or more, got -1"),
    ],
)
def test_options_of_predict_have_ranges(small_run, options, message):
    with pytest.raises(ConfigError, match=message):
        largeloss.predict(small_run, small_run.parent / "data/images", **options)


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        ("compare", {"complete": 0.5}, "--complete takes shares between 0 and 1.*got 0.5"),
        ("compare", {"complete": ["x"]}, "--complete takes shares between 0 and 1.*'x'"),
        ("compare", {"complete": [2]}, "--complete takes shares between 0 and 1.*got 2"),
        ("compare", {"seeds": 0}, "seeds must be a whole number, 1 or more, got 0"),
        ("compare", {"seeds": "2"}, "seeds must be a whole number"),
        ("compare", {"methods": "an"}, "methods must be a list"),
        ("compare", {"config": {"training": {}}}, "config must be the path of a YAML file"),
        ("tune", {"budget": 0}, "budget must be a whole number, 1 or more, got 0"),
        ("train", {"config": {"training": {}}}, "config must be the path of a YAML file.*got dict"),
    ],
)
def test_values_out_of_range_are_refused(image_folder, tmp_path, function, options, message):
    settings = {name: value for name, value in SMALL.items() if name != "method"}
    with pytest.raises(ConfigError, match=message):
        getattr(largeloss, function)(image_folder, out=tmp_path / "out", **settings, **options)
    assert not (tmp_path / "out").exists()


def test_settings_of_a_resumed_run_are_compared_in_either_form(image_folder, tmp_path):
    out = tmp_path / "run"
    first = largeloss.train(image_folder, out=out, **SMALL)
    (tmp_path / "other.yaml").write_text("training: {epochs: 5}\n")
    for other in (tmp_path / "other.yaml", make_config([{"training": {"epochs": 5}}])):
        with pytest.raises(ConfigError, match=r"training.epochs: 1 → 5"):
            largeloss.train(out=out, resume=True, config=other, progress=False)
    again = largeloss.train(out=out, resume=True, config=first.settings, progress=False)
    assert again.test_map == first.test_map
    same = make_config([{"training": {"batch_size": 6}}])
    assert largeloss.train(out=out, resume=True, config=same, progress=False).seed == 0


def test_a_report_that_fails_costs_no_run(image_folder, tmp_path, monkeypatch, capsys):
    def fail(*_):
        raise RunError("no space is left")

    monkeypatch.setattr("largeloss.pages.run.write_report", fail)
    settings = SMALL | {"progress": True}
    run = largeloss.train(image_folder, out=tmp_path / "run", **settings)
    assert run.test_map >= 0
    err = " ".join(capsys.readouterr().err.split())
    assert "The report could not be written (no space is left). Ask again with: largeloss" in err
    out = tmp_path / "compared"
    others = {name: value for name, value in settings.items() if name != "method"}
    compared = largeloss.compare(image_folder, methods=["an"], seeds=1, out=out, **others)
    assert compared.runs[0].test_map >= 0
    err = " ".join(capsys.readouterr().err.split())
    assert "Ask again with: largeloss report" in err
    assert (out / "table.md").is_file()
    assert not compared.report.exists()


@pytest.mark.parametrize(
    "call",
    [
        lambda run: largeloss.load(run),
        lambda run: list(largeloss.predict(run, run.parent / "data/images")),
        lambda run: largeloss.evaluate(run),
        lambda run: largeloss.Run.read(run).suggestions(),
        lambda run: largeloss.Run.read(run).choose_thresholds(),
        lambda run: largeloss.Run.read(run).export("hub-folder", run.parent / "hub"),
    ],
)
def test_random_streams_are_left_as_they_were(small_run, tmp_path, call):
    shutil.copytree(small_run.parent / "data", tmp_path / "data")
    run = shutil.copytree(small_run, tmp_path / "run")
    torch.manual_seed(5)
    before = torch.get_rng_state()
    call(run)
    assert torch.equal(torch.get_rng_state(), before)
