"""The reference is written from the code; Sphinx is not needed but for the Python pages."""

import re
from pathlib import Path

import pytest
import typer
from blocks import DOCS
from largeloss_docs import commands, gallery, methods, preset_tables, published_tables, settings
from test_documentation import unknown_options

from largeloss.cli import app
from largeloss.config.models import SECTIONS
from largeloss.errors import InputError, LargelossError, RunError
from largeloss.losses import LOSSES, RECIPES, settings_of
from largeloss.presets import presets


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
