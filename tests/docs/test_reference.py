"""The reference is written from the code; Sphinx is not needed but for the Python pages."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
import typer
from blocks import DOCS
from largeloss_docs import (
    commands,
    gallery,
    methods,
    preset_tables,
    published_tables,
    result_table,
    settings,
)
from stand_ins import SMALL, write_data
from test_documentation import Largeloss, unknown_options

from largeloss.cli import app
from largeloss.config.models import SECTIONS
from largeloss.errors import InputError, LargelossError, RunError
from largeloss.losses import LOSSES, RECIPES, settings_of
from largeloss.presets import presets
from largeloss.runs.result import RunResult

FILES = (DOCS / "reference/files.md").read_text(encoding="utf-8")


def test_commands_are_complete() -> None:
    text = commands.markdown()
    found = dict(commands.tree(typer.main.get_command(app), "largeloss"))
    parts = dict(re.findall(r"^## `(largeloss .+?)`\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    assert parts.keys() == found.keys()
    for name, command in found.items():
        for parameter in command.params:
            for option in (*parameter.opts, *parameter.secondary_opts):
                if option.startswith("--") and option not in commands.ENDS:
                    assert f"`{option}`" in parts[name], (name, option)
            if parameter.help and parameter.param_type_name == "argument":
                assert parameter.name.upper() in parts[name] or parameter.metavar in parts[name]


def test_settings_are_complete() -> None:
    text = settings.markdown()
    for section, model in SECTIONS.items():
        for name in model.model_fields:
            assert f"\n### `{section}.{name}`\n" in text
    assert "`delta_rel" not in text.partition("## Model")[2]
    lr = text.partition("### `training.lr`")[2].partition("###")[0]
    assert "- Type: number above 0, or null" in lr
    assert "- Option: `--lr`" in lr
    assert "`0.0005`" not in lr
    assert "most of voc2012" in lr


def test_keys_of_results_have_a_meaning_and_figures_a_unit() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", result_table.markdown(), re.MULTILINE)
    assert [key for key, _, _ in rows] == [field.name for field in fields(RunResult)]
    assert not [key for key, _, meaning in rows if not meaning.strip()]
    units = {key: unit for key, unit, _ in rows}
    assert units["test_map"] == "percent"
    assert units["test_ap"] == "fraction"
    plain = {"seed", "best_epoch"}
    numbers = [one.name for one in fields(RunResult) if one.type in (int, float, float | None)]
    assert {name for name in numbers if not units[name]} == plain


def test_columns_of_metrics_are_listed(tmp_path: Path, largeloss: Largeloss) -> None:
    data = write_data(tmp_path / "data")
    code, _, err = largeloss(
        "train", data, "--method", "ll-cp", "--select", "assume-absent",
        "--set", "training.track_test=true", "--out", tmp_path / "run", *SMALL, "--epochs", "1",
    )  # fmt: skip
    assert code == 0, err
    written = (tmp_path / "run/metrics.csv").read_text().splitlines()[0].split(",")
    table = FILES.partition("### metrics.csv")[2].partition("\n#")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == written


@pytest.mark.parametrize("name", [*LOSSES, *RECIPES])
def test_methods_are_complete(name: str) -> None:
    text = methods.markdown()
    part = text.partition(f"(`{name}`)\n")[2].partition("\n## ")[0]
    assert part.strip()
    if name in LOSSES:
        rows = re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", part, re.MULTILINE)
        assert [row[0] for row in rows] == list(settings_of(name))
        assert all(meaning.strip() for _, meaning in rows), name


def test_presets_and_published_tables_are_complete() -> None:
    text = preset_tables.markdown()
    assert set(re.findall(r"^\| `(\S+/\S+)` \|", text, re.MULTILINE)) == set(presets())
    assert "| `ll-r` | 89.2 (87.8 to 88.3) | 71.0" in published_tables.markdown()


def test_the_tree_of_errors_is_that_of_the_code() -> None:
    page = (DOCS / "reference/errors.md").read_text(encoding="utf-8")
    tree = page.partition("```text\n")[2].partition("```")[0]
    for base in (LargelossError, InputError, RunError):
        for error in base.__subclasses__():
            if error.__module__ == "largeloss.errors":
                assert error.__name__ in tree.partition(base.__name__)[2], error


def test_the_gallery_shows_what_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "REPORTS", tmp_path)
    assert "<iframe" not in gallery.markdown()
    (tmp_path / "demo.html").touch()
    assert re.findall(r'src="(.+?)"', gallery.markdown()) == ["reports/demo.html"]
    for one in gallery.SHOWN:
        assert not unknown_options(one.command.split()), one.command
    assert [one.real for one in gallery.SHOWN] == [False, True, True]
