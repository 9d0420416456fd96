"""A comparison and a search have a folder for themselves; an earlier one goes on."""

import shutil
from pathlib import Path

import pytest

from largeloss.errors import ConfigError
from largeloss.experiments.out_folder import COMPARE, TUNE, check_group

SMALL = (
    "--methods", "an", "--backbone", "digits", "--image-size", "16", "--epochs", "1",
    "--batch-size", "6", "--workers", "0",
)  # fmt: skip
COMMANDS = {"compare": ("--seeds", "1"), "tune": ("--budget", "1")}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("run", "out holds a run, and"),
        ("data", "out holds the labels of a data folder"),
        ("notes", "it holds notes.txt, results.json, table.md"),
    ],
)
def test_a_folder_that_holds_something_else_is_refused(
    largeloss, small_run, tmp_path, monkeypatch, command, folder, message
):
    monkeypatch.chdir(tmp_path)
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "notes.txt").write_text("mine\n")
    (notes / "results.json").write_text('{"images": []}\n')
    (notes / "table.md").write_text("# Mine\n")
    source = {"run": small_run, "data": small_run.parent / "data", "notes": notes}[folder]
    shutil.copytree(source, "out")
    before = contents(Path("out"))
    arguments = (small_run.parent / "data", *SMALL, *COMMANDS[command])
    code, _, err = largeloss(command, *arguments, "--out", "out")
    assert code == 2
    assert message in err
    assert "nothing was changed" in err
    assert contents(Path("out")) == before


def test_an_earlier_comparison_or_search_goes_on_and_neither_takes_the_other(
    largeloss, small_run, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    data = small_run.parent / "data"
    for command, more in COMMANDS.items():
        Path(command).mkdir()
        (Path(command) / ".hidden").touch()
        assert largeloss(command, data, *SMALL, *more, "--out", command)[0] == 0
        (Path(command) / "notes.txt").touch()
        assert largeloss(command, data, *SMALL, *more, "--out", command)[0] == 0
    for command, other in (("compare", "tune"), ("tune", "compare")):
        before = contents(Path(other))
        code, _, err = largeloss(command, data, *SMALL, *COMMANDS[command], "--out", other)
        assert code == 2
        assert f"{other} holds a {'search' if other == 'tune' else 'comparison'}, and a" in err
        assert contents(Path(other)) == before


@pytest.mark.parametrize(
    ("group", "run"),
    [
        (COMPARE, "an-seed0"),
        (COMPARE, "ll-r-0.5-seed12"),
        (TUNE, "an-lr3e-05"),
        (TUNE, "x-lr0.003"),
    ],
)
def test_what_was_interrupted_at_its_first_run_goes_on(tmp_path, group, run):
    (tmp_path / run).mkdir()
    for beside in ("log.txt", "labels.csv"):
        (tmp_path / beside).touch()
    check_group(tmp_path, group)
    (tmp_path / "labels.csv").unlink()
    (tmp_path / run).rename(tmp_path / "other")
    with pytest.raises(ConfigError, match=r"it holds log\.txt, other\) and was not begun as"):
        check_group(tmp_path, group)


def test_a_new_folder_and_an_empty_one_are_free(tmp_path):
    for group in (COMPARE, TUNE):
        check_group(tmp_path, group)
        check_group(tmp_path / "new", group)
