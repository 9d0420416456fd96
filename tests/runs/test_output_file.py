"""Commands that write one file replace their own of before, and nothing else."""

import os
import shutil
from pathlib import Path

import pytest

from largeloss.cli import run as run_command
from largeloss.errors import ConfigError
from largeloss.runs.output_file import check_output


@pytest.fixture
def run(small_run, tmp_path):
    """A copy of a run that may be changed, beside its data."""
    shutil.copytree(small_run.parent / "data", tmp_path / "data")
    return Path(shutil.copytree(small_run, tmp_path / "run"))


def contents(folder: Path) -> dict[str, bytes]:
    found = {path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(found)}


@pytest.mark.parametrize(
    ("command", "out"),
    [
        ("evaluate run", "run/result.json"),
        ("evaluate run", "run/tracking.json"),
        ("evaluate run", "run/best/config.json"),
        ("evaluate run", "run/review/audit.json"),
        ("predict run data/images", "run/metrics.csv"),
        ("predict run data/images", "run/result.json"),
        ("predict run data/images", "run/best/config.json"),
        ("predict run/best data/images", "run/best/config.json"),
        ("predict run data/images", "data/labels.csv"),
        ("predict run data/images", "data/labels.parquet"),
        ("predict run --list names.csv", "names.csv"),
        ("predict run --list names.csv", "data/../names.csv"),
        ("predict run --list names-skipped.csv", "names.csv"),
        ("suggest run", "run/corrections.parquet"),
        ("suggest run", "data/labels.csv"),
        ("report run", "run/config.yaml"),
        ("report run", "run/best/model.safetensors"),
        ("report run", "data/labels.csv"),
    ],
)
def test_files_of_another_meaning_are_refused_before_any_work(
    largeloss, run, tmp_path, monkeypatch, command, out
):
    monkeypatch.chdir(tmp_path)
    (run / "review").mkdir()
    for name in ("names.csv", "names-skipped.csv"):
        Path(name).write_text("image\ndata/images/00.png\n")
    before = contents(tmp_path)

    def load(*_):
        raise AssertionError("the model was loaded")

    monkeypatch.setattr("largeloss.runs.load.load", load)
    code, _, err = largeloss(*command.split(), "--out", out)
    assert code == 2
    assert "Choose another --out; nothing was changed" in err
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("command", "out"),
    [
        ("evaluate run", "run/figures.json"),
        ("predict run data/images/00.png --workers 0", "run/scores.csv"),
        ("predict run data/images/00.png --workers 0", "data/scores.csv"),
        ("suggest run", "run/suggestions.csv"),
        ("report run", "run/report.html"),
    ],
)
def test_an_earlier_output_is_replaced_wherever_it_is(run, tmp_path, monkeypatch, command, out):
    monkeypatch.chdir(tmp_path)
    Path(out).write_text("of before")
    assert run_command([*command.split(), "--out", out]) == 0
    assert Path(out).read_text() != "of before"


def test_the_label_file_that_a_run_was_told_to_take(run, tmp_path):
    corrected = tmp_path / "corrected.csv"
    shutil.copy(tmp_path / "data/labels.csv", corrected)
    text = (run / "config.yaml").read_text().replace("labels: null", f"labels: {corrected}")
    (run / "config.yaml").write_text(text)
    with pytest.raises(ConfigError, match="is read by this command"):
        check_output(corrected, (".csv",), run=run)


def test_a_link_to_a_list_does_not_hide_it(tmp_path):
    (tmp_path / "names.csv").write_text("image\n")
    (tmp_path / "link.csv").symlink_to("names.csv")
    with pytest.raises(ConfigError, match="is read by this command"):
        check_output(tmp_path / "names.csv", inputs=[tmp_path / "link.csv"])


@pytest.mark.parametrize(
    ("command", "out", "message"),
    [
        ("suggest run", "folder.csv", "is a folder"),
        ("evaluate run", "folder.json", "is a folder"),
        ("report run", "folder.html", "is a folder"),
        ("report run", "none/report.html", "The folder none of --out does not exist"),
        ("evaluate run", "pipe.json", "cannot be written"),
    ],
)
def test_what_cannot_be_written_is_refused_before_any_work(
    largeloss, run, tmp_path, monkeypatch, command, out, message
):
    monkeypatch.chdir(tmp_path)
    for name in ("folder.csv", "folder.json", "folder.html"):
        Path(name).mkdir()
    os.mkfifo("pipe.json")
    monkeypatch.setattr("largeloss.runs.load.load", None)
    monkeypatch.setattr("largeloss.pages.run.run_page", None)
    code, _, err = largeloss(*command.split(), "--out", out)
    assert code == 2
    assert message in err
