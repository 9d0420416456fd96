"""Names of files and classes come from others: the terminal, and CSV for people."""

import csv
import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from largeloss.cli import console
from largeloss.terminal import SafeConsole, visible

Command = Callable[..., tuple[int, str, str]]
ESCAPE = "\x1b]0;taken\x07\x1b[2J\x9b1m\u202egnp"


def test_finding_19_control_characters_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert visible(f"a{ESCAPE}\udcff") == (r"a\x1b]0;taken\x07\x1b[2J\x9b1m\u202egnp\udcff")
    assert (
        visible("ein Käfer, 猫\tand\nthe next line 👩‍👩‍👧")
        == "ein Käfer, 猫\tand\nthe next line 👩‍👩‍👧"
    )
    for speak in (console.say, console.note, console.warn, console.complain):
        speak(f"before {ESCAPE} \udcff after")
        out, err = capsys.readouterr()
        assert "before" in out + err
        assert "after" in out + err
        assert not {"\x1b", "\x07", "\x9b", "\u202e", "\udcff"} & set(out + err)


def test_finding_19_in_tables_and_with_colours() -> None:
    written = io.StringIO()
    screen = SafeConsole(file=written, force_terminal=True, width=80)
    table = Table("name")
    table.add_row(Text(f"cat{ESCAPE}", style="bold"))
    screen.print(table)
    shown = written.getvalue()
    assert "\x1b[1m" in shown  # rich's own colours stay
    assert "\x1b]0" not in shown
    assert r"\x1b]0;taken" in shown


def test_finding_19_names_of_a_data_folder(
    largeloss: Command, make_image_folder: Callable[..., Path]
) -> None:
    named = f"images/0{ESCAPE}.png"
    labels = (
        f"image,split,red{ESCAPE}\nimages/00.png,train,1\n{named},val,0\nimages/01.png,test,1\n"
    )
    root = make_image_folder(labels=labels)
    _, out, err = largeloss("data", "check", root)
    assert "red" in out
    assert "is no such file" in out + err
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(out + err)


NO_UNICODE = pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode elsewhere")


@NO_UNICODE
def test_finding_19_a_name_that_is_no_unicode(largeloss: Command, image_folder: Path) -> None:
    os.rename(image_folder / "images/00.png", os.fsencode(image_folder) + b"/images/\xff.png")
    code, _, err = largeloss("data", "import", "folder", image_folder, "--unlisted", "absent",
                             "--out", image_folder.parent / "out")  # fmt: skip
    assert code == 2
    assert "defect" not in err


@pytest.fixture
def scored(largeloss: Command, make_image_folder: Callable[..., Path], tmp_path: Path) -> Command:
    """A model of the classes ``=cmd()`` and ``-x`` scores images under a folder."""
    lines = [f"images/{row:02d}.png,{'train' if row < 6 else 'val' if row < 8 else 'test'}"
             f",{row % 2},{1 - row % 2}" for row in range(10)]  # fmt: skip
    root = make_image_folder(labels="image,split,=cmd(),-x\n" + "\n".join(lines) + "\n")
    code, _, err = largeloss(
        "train", root, "--backbone", "digits", "--image-size", "16", "--epochs", "1", "--workers",
        "0", "--method", "an", "--out", tmp_path / "run",
    )  # fmt: skip
    assert code == 0, err

    def predict(*arguments: object) -> tuple[int, str, str]:
        return largeloss("predict", tmp_path / "run", *arguments, "--workers", "0")

    return predict


def test_finding_19_formulas_in_scores(
    scored: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "=a").mkdir()
    shutil.copy(tmp_path / "other/images/00.png", tmp_path / "=a/1.png")
    assert scored("=a", "--out", tmp_path / "s.csv")[0] == 0
    with (tmp_path / "s.csv").open(newline="") as file:
        titles, row = csv.reader(file)
    assert titles == ["image", "tags", "'=cmd()", "'-x"]
    assert row[0] == "'=a/1.png"
    assert not row[1] or row[1].startswith("'")
    assert scored("=a", "--out", tmp_path / "s.json")[0] == 0
    (record,) = json.loads((tmp_path / "s.json").read_text())
    assert record["image"] == "=a/1.png"
    assert list(record["scores"]) == ["=cmd()", "-x"]


def test_finding_18_what_predict_leaves_out_is_named(scored: Command, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    shutil.copy(tmp_path / "other/images/00.png", folder / "deep/a.PNG")
    for name in ("a.heic", "b.HEIC", "deep/c.avif", "d.jp2", "README", ".DS_Store"):
        (folder / name).write_bytes(b"x")
    code, out, err = scored(folder, "--out", tmp_path / "s.csv")
    assert code == 0, err
    assert "1 images" in out
    assert "Left out: 5 files of other suffixes (2 .heic," in err
    for listed in ("1 .avif", "1 .jp2", "1 no suffix"):
        assert listed in err
    (folder / "deep/a.PNG").unlink()
    code, _, err = scored(folder, "--out", tmp_path / "s.csv")
    assert code == 2
    assert "2 .heic" in err


@NO_UNICODE
def test_finding_19_scores_of_a_name_that_is_no_unicode(scored: Command, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    odd = os.fsdecode(os.fsencode(tmp_path / "a") + b"/\xff.png")
    shutil.copy(tmp_path / "other/images/00.png", odd)
    code, out, err = scored(tmp_path / "a", "--out", tmp_path / "s.json")
    assert code == 0, err
    assert r"\udcff.png" in out
    (record,) = json.loads((tmp_path / "s.json").read_text())
    assert record["image"] == odd
    code, _, err = scored(tmp_path / "a", "--out", tmp_path / "s.csv")
    assert code == 0, err
    assert r"\udcff.png" in (tmp_path / "s.csv").read_text()
