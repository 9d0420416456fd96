"""Commands that write one file replace their own of before, and nothing else."""

import os
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from matplotlib.figure import Figure

from largeloss.cli import run as run_command
from largeloss.errors import ConfigError
from largeloss.labels import LabelEdits, write_edits
from largeloss.runs.output_file import check_output
from largeloss.runs.output_kinds import CAM_FIGURES, PREDICTIONS, SUGGESTIONS


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
        ("predict run data/images", "tags.csv"),
        ("predict run data/images", "corrected.csv"),
        ("predict run data/images", "edits.parquet"),
        ("predict run data/images", "coco.json"),
        ("predict run data/images", "lines.jsonl"),
        ("evaluate run", "coco.json"),
        ("suggest run", "tags.csv"),
        ("suggest run", "corrected.csv"),
        ("suggest run", "edits.parquet"),
        ("suggest run", "lines.jsonl"),
        ("report run", "page.html"),
        ("report run", "photo.html"),
        ("report run", "run/best/page.html"),
        ("analyze cam run --image data/images/00.png", "data/images/01.png"),
        ("reproduce --table artificial", "readme.md"),
        ("reproduce --table artificial", "coco.json"),
    ],
)
def test_files_of_another_meaning_are_refused_before_any_work(
    largeloss, run, tmp_path, monkeypatch, command, out
):
    monkeypatch.chdir(tmp_path)
    (run / "review").mkdir()
    for name in ("names.csv", "names-skipped.csv"):
        Path(name).write_text("image\ndata/images/00.png\n")
    Path("tags.csv").write_text("image,tags,split\ndata/images/00.png,red,train\n")
    shutil.copy("data/labels.csv", "corrected.csv")
    write_edits(Path("edits.parquet"), LabelEdits.concatenated([]))
    Path("coco.json").write_text('{"images": [], "annotations": []}')
    Path("lines.jsonl").write_text('{"file_name": "00.png", "tags": ["red"]}\n')
    shutil.copy("data/images/00.png", "photo.html")
    for name in ("page.html", "run/best/page.html"):
        Path(name).write_text("<!doctype html>\n<p>Mine</p>\n")
    Path("readme.md").write_text("# Mine\n")
    before = contents(tmp_path)

    def load(*_):
        raise AssertionError("the model was loaded")

    monkeypatch.setattr("largeloss.runs.load.load", load)
    code, _, err = largeloss(*command.split(), "--out", out)
    assert code == 2
    assert "hoose another --out; nothing was changed" in err
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("command", "out"),
    [
        ("evaluate run", "run/figures.json"),
        ("evaluate run --groups 2", "groups.json"),
        ("predict run data/images/00.png --workers 0", "run/scores.csv"),
        ("predict run data/images/00.png --workers 0", "data/scores.csv"),
        ("predict run data/images/00.png --workers 0", "scores.json"),
        ("predict run data/images/00.png --workers 0", "scores.jsonl"),
        ("predict run data/images/00.png --workers 0", "scores.parquet"),
        ("suggest run", "run/suggestions.csv"),
        ("suggest run --wrong", "suggestions.csv"),
        ("suggest run --wrong", "suggestions.jsonl"),
        ("suggest run --wrong", "suggestions.parquet"),
        ("report run", "run/report.html"),
        ("report run", "page.html"),
        ("analyze cam run --image data/images/00.png", "cam.png"),
        ("analyze cam run --image data/images/00.png", "cam.svg"),
        ("analyze cam run --image data/images/00.png", "cam.pdf"),
        ("reproduce --table artificial", "table.md"),
        ("reproduce --table artificial", "table.json"),
    ],
)
def test_an_earlier_output_is_replaced_wherever_it_is(run, tmp_path, monkeypatch, command, out):
    monkeypatch.chdir(tmp_path)
    assert run_command([*command.split(), "--out", out]) == 0
    before = Path(out).stat()
    assert run_command([*command.split(), "--out", out]) == 0
    assert (Path(out).stat().st_ino, Path(out).stat().st_mtime_ns) != (
        before.st_ino,
        before.st_mtime_ns,
    )


def test_the_report_of_a_run_and_an_empty_file_are_replaced_whatever_wrote_them(run, tmp_path):
    (run / "report.html").write_text("of an earlier version")
    (tmp_path / "scores.csv").touch()
    assert run_command(["report", str(run)]) == 0
    assert (run / "report.html").read_text().startswith("<!doctype html>")
    check_output(tmp_path / "scores.csv", PREDICTIONS)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("image,tags,cat\na.png,1,0\n", False),  # labels, with a class called tags
        ("image,tags,cat\na.png,,0\nb.png,1,1\n", False),
        ("image,tags,cat\na.png,,0\nb.png,,1\n", False),
        ("image,tags,1\na.png,1,0\n", False),
        ("image,tags,cat\na.png,dog,0.5\n", False),
        ("image,tags,cat\na.png,cat,0.5,0.5\n", False),
        ("image,tags,cat\n", False),
        ("image,tags,cat\na.png,,0.0\nb.png,cat,0.9\n", True),
        ("image,tags,cat,'=dog,-1\na.png,cat;=dog;-1,0.9,0.8,1e-06\n", True),
        ("image,tags,cat;dog\na.png,cat;dog,0.9\n", True),
    ],
)
def test_predictions_are_told_from_labels(tmp_path, text, known):
    file = tmp_path / "table.csv"
    file.write_text(text)
    assert PREDICTIONS.wrote(file) is known


def test_predictions_of_many_classes_are_known_by_their_whole_rows(tmp_path):
    names = [f"class-{number}" for number in range(100_000)]
    row = ",".join(["0.123456"] * len(names))
    with (tmp_path / "table.csv").open("w") as file:
        file.write(f"image,tags,{','.join(names)}\n")
        file.writelines(f"{number}.png,,{row}\n" for number in range(5))
    assert PREDICTIONS.wrote(tmp_path / "table.csv")


def test_figures_of_earlier_versions_are_to_be_moved_away(tmp_path):
    file = tmp_path / "cam.png"
    Figure().savefig(file)
    with pytest.raises(ConfigError) as refused:
        check_output(file, CAM_FIGURES)
    assert str(refused.value) == (
        f"{file} is there, and is not what this command writes: it is a PNG image. Figures that "
        "earlier versions of largeloss wrote are not known. Move it away, or choose another --out; "
        "nothing was changed."
    )


def test_a_parquet_file_that_arrow_cannot_read_is_refused_like_any_other(tmp_path, monkeypatch):
    def unsupported(path):
        raise pa.ArrowNotImplementedError("no such codec")

    monkeypatch.setattr("pyarrow.parquet.read_schema", unsupported)
    path = tmp_path / "scores.parquet"
    path.write_bytes(b"PAR1 and more")
    with pytest.raises(ConfigError, match=r"it cannot be read \(no such codec\)"):
        check_output(path, PREDICTIONS)


def test_what_is_there_is_told(largeloss, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy("data/labels.csv", "corrected.csv")
    _, _, err = largeloss("suggest", "run", "--out", "corrected.csv")
    assert (
        "corrected.csv is there, and is not what this command writes: it begins with "
        "'image,split,red,blue'. Move it away, or choose another --out; nothing was changed."
    ) in err
    for out, message in (
        ("run/config.yaml", "--out must end in .html, .htm, got run/config.yaml"),
        ("data/images/00.png", "--out must end in .html, .htm"),
    ):
        code, _, err = largeloss("report", "run", "--out", out)
        assert code == 2
        assert message in err


def test_the_label_file_that_a_run_was_told_to_take(run, tmp_path):
    corrected = tmp_path / "corrected.csv"
    shutil.copy(tmp_path / "data/labels.csv", corrected)
    text = (run / "config.yaml").read_text().replace("labels: null", f"labels: {corrected}")
    (run / "config.yaml").write_text(text)
    with pytest.raises(ConfigError, match="is read by this command"):
        check_output(corrected, SUGGESTIONS, run=run)


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
