"""``largeloss data check``: the table, the page, the exit code."""

import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from trees_voc import write_voc

from largeloss.cli import run
from largeloss.data import read_folder
from largeloss.data.examine.examination import examine


class Page(HTMLParser):
    """Refuses what would ask the network, tags that do not close, and drawings without words."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.labels: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        assert not {"src", "href", "srcset", "onclick"} & set(found), tag
        assert tag not in ("script", "link", "iframe", "img"), tag
        if found.get("role") == "img":
            self.labels.append(found["aria-label"] or "")
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


def page_of(path: Path) -> Page:
    content = path.read_text(encoding="utf-8")
    assert "url(" not in content
    assert "@import" not in content
    assert "default-src 'none'" in content
    assert "prefers-color-scheme: dark" in content
    page = Page()
    page.feed(content)
    page.close()
    assert page.open == []
    return page


def test_a_sound_folder(
    image_folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in image_folder.rglob("*") if path.is_file()}
    assert run(["data", "check", str(image_folder)]) == 0
    out, _ = capsys.readouterr()
    assert "images: 30 images, 2 classes." in out
    assert "24 to 24 wide and 20 to 20 high" in out
    assert "all were decoded" in out
    found = json.loads((image_folder / "check/check.json").read_text())
    expected = examine(read_folder(image_folder)).as_json()
    assert {k: v for k, v in found.items() if k not in ("format", "notes")} == json.loads(
        json.dumps(expected)
    ) | {"splits": {name: expected["splits"][name] for name in ("train", "val", "test")}}
    assert list(found["splits"]) == ["train", "val", "test"]
    assert found["format"] == 1
    page = page_of(image_folder / "check/check.html")
    assert "30 images, 2 classes: 18 train, 6 val, 6 test." in page.text
    assert len(page.labels) == 5
    assert page.labels[0].startswith("train: ")
    assert "largeloss data check" in page.text
    assert {p: p.read_bytes() for p in before} == before
    assert run(["data", "check", str(image_folder), "--out", str(tmp_path / "a/b")]) == 0
    assert (tmp_path / "a/b/check.html").is_file()


def test_errors_make_the_exit_code_1(
    image_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for row in range(15):
        (image_folder / f"images/{row:02d}.png").write_bytes(b"<b>")
    (image_folder / "images/20.png").write_bytes((image_folder / "images/21.png").read_bytes())
    assert run(["data", "check", str(image_folder), "--no-decode"]) == 1
    out, err = capsys.readouterr()
    page = page_of(image_folder / "check/check.html")
    assert "check" in page.text
    assert "--no-decode" in page.text  # the command, as it was given
    assert "Error: 15 of 30 images cannot be read" in err
    assert "group of identical files in one split" in err
    assert "only headers were read" in out
    page = page_of(image_folder / "check/check.html")
    assert "… and 5 more" in page.text
    assert "images/20.png = images/21.png" in page.text
    assert run(["data", "check", str(image_folder), "--no-images"]) == 0
    assert json.loads((image_folder / "check/check.json").read_text())["image_statistics"] is None


def test_a_folder_to_measure_on_is_right_without_train(
    make_image_folder, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_image_folder(labels="image,split,red\nimages/00.png,test,1\n")
    assert run(["data", "check", str(root)]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "There is no train split: nothing can be learnt." in said
    assert "evaluate RUN DATA." in said
    assert "never in train" not in said


def test_names_cannot_break_the_page(make_image_folder, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "<img src=x onerror=alert(1)>[red]'&"
    lines = "".join(f"images/{row:02d}.png,{row % 2},{row % 3 % 2}\n" for row in range(30))
    root = make_image_folder(labels=f'image,blue,"{evil}"\n{lines}')
    assert run(["data", "check", str(root)]) == 0
    assert evil in capsys.readouterr().out
    page = page_of(root / "check/check.html")
    assert evil in page.text


def test_very_many_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"i{row},{split},c{row % 300:03d},{row % 7 % 2}" for row in range(3000)
             for split in [("train", "train", "val", "test")[row % 4]]]  # fmt: skip
    (tmp_path / "labels.csv").write_text("image,split,label,value\n" + "\n".join(lines) + "\n")
    assert run(["data", "check", str(tmp_path), "--no-images"]) == 0
    out, _ = capsys.readouterr()
    assert "… 284 more …" in out
    assert "Missing positives in train: about" in out
    assert "300 classes" in out
    page = page_of(tmp_path / "check/check.html")
    assert "The 40 most frequent and the 40 least frequent of 300 classes" in page.text
    assert "… 220 more …" in page.text
    assert len(json.loads((tmp_path / "check/check.json").read_text())["classes"]) == 300


def test_changed_labels_are_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from largeloss.labels import read_labels, write_labels

    write_voc(tmp_path / "tree", 2012)
    data = tmp_path / "data"
    run(["data", "import", "voc2012", str(tmp_path / "tree"), "--out", str(data)])
    capsys.readouterr()
    assert run(["data", "check", str(data)]) == 0
    assert "they have been changed" not in capsys.readouterr().err
    file = read_labels(data / "labels.parquet")
    changed = file.table.replace([0], [0], [-1])
    write_labels(data / "labels.parquet", changed, splits=file.splits)
    assert run(["data", "check", str(data)]) == 0
    assert "they have been changed" in capsys.readouterr().err
    assert "marked difficult" in json.loads((data / "check/check.json").read_text())["notes"][0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none"], "none does not exist"),
        (["images", "--out", "file"], "file is a file and cannot be written"),
        (["images", "--out", "file/deeper"], "cannot be written"),
        (["images", "--unlisted", "absent"], "--unlisted is for files with a column 'labels'"),
    ],
)
def test_wrong_input(
    image_folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(image_folder.parent)
    Path("file").write_text("")
    assert run(["data", "check", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["import"], ["check"], ["split"], ["join"], ["digits"]])
def test_help_imports_nothing_heavy(command: list[str]) -> None:
    code = (
        "import sys; from largeloss.cli import run; "
        f"code = run(['data', *{command}, '--help']); "
        "heavy = {'torch', 'pyarrow', 'numpy', 'matplotlib', 'PIL'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "--help" in result.stdout
