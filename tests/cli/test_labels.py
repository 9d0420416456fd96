"""``largeloss labels``: edits of a run listed, applied to copies, undone."""

import json
import shutil
import sqlite3
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv as pyarrow_csv
from pyarrow import parquet

from conftest import write_image_folder
from largeloss.cli import run as command_line
from largeloss.labels import LabelEdits, read_edits, read_labels, write_edits
from largeloss.labels.answers import ANSWERS
from largeloss.labels.edited_copies import record_of
from largeloss.labels.journal import Journal, Said

SMALL = [
    "--backbone", "digits", "--image-size", "16", "--epochs", "3", "--batch-size", "6",
    "--workers", "0", "--method", "ll-cp", "--delta-rel", "20",
]  # fmt: skip
RED = {"images/00.png", "images/01.png", "images/02.png"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A data folder whose first images have blank tags, a run of LL-Cp, and answers on it."""
    root = tmp_path_factory.mktemp("labels")
    data = write_image_folder(root / "data")
    lines = (data / "labels.csv").read_text().splitlines()
    cells = [line.split(",") for line in lines]
    for row in cells[1:13]:
        row[2] = ""
    (data / "labels.csv").write_text("\r\n".join(map(",".join, cells)) + "\r\n", newline="")
    out = root / "run"
    assert command_line(["train", str(data), *SMALL, "--out", str(out)]) == 0
    (out / ANSWERS).parent.mkdir()
    journal = Journal(out / ANSWERS, {"run": "this"})

    def answers(reviewer, *given):
        said = [Said(f"images/{image:02d}.png", "red", word, 0.5, -1) for image, word in given]
        journal.add(reviewer, "suggestions", said)

    answers("anna", (0, "yes"), (1, "no"), (2, "unsure"), (5, "yes"))
    answers("ben", (0, "yes"), (1, "yes"), (6, "no"))
    journal.flag("ben", "images/06.png", "red", True)
    journal.close()
    return root


@pytest.fixture
def root(trained, tmp_path):
    return Path(shutil.copytree(trained, tmp_path / "root"))


def test_log_tells_who_when_and_why(largeloss, root, tmp_path):
    out = tmp_path / "edits.parquet"
    code, text, err = largeloss("labels", "log", root / "run", "--out", out)
    assert code == 0, err
    made = read_edits(out)
    corrections = read_edits(root / "run/corrections.parquet")
    assert (made.author == "ll-cp").sum() == len(corrections) > 0
    for part in (
        f"ll-cp: {len(corrections)} edit", "reviewer:anna: 3 edits", "reviewer:ben: 3 edits",
        "epoch 1", "loss ", "score 0.500", "review (suggestions)", "1 answer 'unsure'",
        "Flagged by ben: images/06.png (red, ",
    ):  # fmt: skip
        assert part in text
    assert "People disagree" in err
    assert "images/01.png: red, unobserved → absent (reviewer:anna)" in err
    assert "images/00.png" not in err
    code, text, _ = largeloss("labels", "log", root / "run", "--author", "reviewer:ben")
    assert code == 0
    assert "reviewer:ben: 3 edits" in text
    assert "anna" not in text
    code, text, _ = largeloss("labels", "log", out, "--class", "red", "--author", "ll-cp")
    assert code == 0
    assert "reviewer" not in text
    code, _, err = largeloss("labels", "log", out, "--class", "rde")
    assert (code, "did you mean 'red'?" in err) == (2, True)
    code, _, err = largeloss("labels", "log", out, "--author", "eve")
    assert (code, "there are edits of ll-cp, reviewer:anna, reviewer:ben" in err) == (2, True)
    code, _, err = largeloss("labels", "log", root / "run", "--out", out)
    assert (code, "exists" in err) == (2, True)


def test_log_of_nobody_who_edited_a_class(largeloss, tmp_path):
    authors = ["reviewer:anna", "reviewer:ben"]
    edits = LabelEdits.named(
        ["a", "b"], ["red", "blue"], before=[-1, -1], after=[1, 1], author=authors
    )
    write_edits(tmp_path / "edits.parquet", edits)
    words = ("--author", "reviewer:anna", "--class", "blue")
    code, out, _ = largeloss("labels", "log", tmp_path / "edits.parquet", *words)
    assert code == 0
    assert "None of the 2 edits is of this class and this author" in out
    assert "nothing was reviewed" not in out


def test_answers_become_a_copy_and_the_copy_the_first_file(largeloss, root, tmp_path):
    new, back = root / "new.csv", root / "back.csv"
    first = (root / "data/labels.csv").read_bytes()
    code, out, err = largeloss("labels", "apply", root / "run", "--out", new)
    assert code == 0, err
    assert "3 entries changed" in out
    assert "Left out, people disagree: 2 edits" in err
    before, after = read_labels(root / "data/labels.csv").table, read_labels(new).table
    changed = {name: after.at([after.images.index(name)], [0])[0] for name in before.images}
    for name, state in {"00": 1, "05": 1, "06": 0, "01": -1, "02": -1}.items():
        assert changed[f"images/{name}.png"] == state
    assert (
        sum(a != b for a, b in zip(first.split(b"\n"), new.read_bytes().split(b"\n"), strict=True))
        == 3
    )
    assert first.count(b"\r\n") == new.read_bytes().count(b"\r\n")
    code, out, err = largeloss("labels", "revert", new, "--out", back)
    assert code == 0, err
    assert "byte for byte" in out
    assert back.read_bytes() == first
    code, out, err = largeloss(
        "labels", "revert", new, "--author", "reviewer:anna", "--out", root / "ben.csv"
    )
    assert code == 0, err
    kept = read_labels(root / "ben.csv").table
    rows = [kept.images.index(f"images/{name}.png") for name in ("00", "05", "06")]
    assert kept.at(rows, [0, 0, 0]).tolist() == [1, -1, 0]


def test_corrections_are_applied_when_asked_for(largeloss, root):
    new, own = root / "new.csv", root / "own.csv"
    code, _, err = largeloss("labels", "apply", root / "run", "--from", "ll-cp", "--out", new)
    assert code == 0, err
    corrected = read_edits(root / "run/corrections.parquet")
    rows, columns = corrected.places(read_labels(new).table)
    assert (read_labels(new).table.at(rows, columns) == 1).all()
    options = ("--from", "ll-cp", "--from", "review", "--out", own)
    assert largeloss("labels", "apply", root / "run", *options)[0] == 0
    code, _, err = largeloss(
        "labels", "revert", own, "--edits", root / "run", "--author", "review",
        "--out", root / "x.csv",
    )  # fmt: skip
    assert code == 0, err
    retrained = ("train", root / "data", "--labels", own, *SMALL, "--out", root / "again")
    assert largeloss(*retrained)[0] == 0


def test_without_a_record_an_undo_by_a_run_takes_what_apply_takes(largeloss, root):
    new, back = root / "new.csv", root / "back.csv"
    assert largeloss("labels", "apply", root / "run", "--out", new)[0] == 0
    record_of(new).unlink()
    code, _, err = largeloss("labels", "revert", new, "--edits", root / "run", "--out", back)
    assert code == 0, err
    assert read_labels(back).table == read_labels(root / "data/labels.csv").table


def test_edits_that_no_longer_fit_are_listed(largeloss, root):
    file = root / "data/labels.csv"
    lines = file.read_bytes().split(b"\r\n")
    lines[6] = lines[6].replace(b"train,,", b"train,0,").replace(b"val,,", b"val,0,")
    file.write_bytes(b"\r\n".join(lines))
    code, out, err = largeloss(
        "labels", "apply", root / "run", "--labels", file, "--out", root / "new.csv"
    )
    assert code == 0, err
    assert "2 entries changed" in out
    listed = err.replace("\n", " ")
    assert "Left out, the label is not what it was when the edit was made: 1 edit" in listed
    assert "images/05.png: red, unobserved → present (reviewer:anna)" in listed


def held(root):
    """All files but what SQLite keeps beside a journal that is read."""
    found = [path for path in root.rglob("*") if path.is_file()]
    return {path: path.read_bytes() for path in found if "sqlite3-" not in path.name}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("log", "none"), "There is no none"),
        (("log", "data"), "data is a data folder"),
        (("log", "."), ". holds no run"),
        (("log", "data/labels.csv"), "no readable Parquet file"),
        (("apply", "run", "--out", "data/labels.csv"), "never changed in place"),
        (("apply", "run", "--out", "new.parquet"), "must end in .csv"),
        (("apply", "run", "--out", "none/new.csv"), "does not exist"),
        (("apply", "run", "--from", "curriculum", "--out", "new.csv"), "no edits of 'curriculum'"),
        (("apply", "run", "--labels", "none.csv", "--out", "new.csv"), "there is no such file"),
        (("apply", "run", "--labels", "other.csv", "--out", "new.csv"), "no such image: 6"),
        (("apply", "run", "--unlisted", "absent", "--out", "new.csv"), "--unlisted is for files"),
        (("apply", "edits.parquet", "--out", "new.csv"), "Say --labels FILE"),
        (("apply", "cut.parquet", "--labels", "other.csv", "--out", "n.csv"), "no readable"),
        (("apply", "edits.parquet", "--labels", "data/labels.csv", "--out", "n.csv"),
         "no such class: 1"),
        (("revert", "data/labels.csv", "--out", "new.csv"), "has no record of edits"),
        (("revert", "none.csv", "--out", "new.csv"), "there is no such file"),
    ],
)  # fmt: skip
def test_bad_input_is_told_and_nothing_is_written(largeloss, root, monkeypatch, words, message):
    monkeypatch.chdir(root)
    Path("other.csv").write_text("image,red\nphotos/1.jpg,1\n")
    edits = LabelEdits.named(["images/00.png"], ["green"], before=-1, after=1, author="me:1")
    write_edits("edits.parquet", edits)
    Path("cut.parquet").write_bytes(Path("edits.parquet").read_bytes()[:-9])
    before = held(root)
    code, _, err = largeloss("labels", *words)
    assert code == 2, err
    assert message in err.replace("\n", " ")
    assert held(root) == before


def test_a_damaged_journal_or_corrections_are_told(largeloss, root):
    (root / "run/corrections.parquet").write_bytes(b"PAR1")
    code, _, err = largeloss("labels", "log", root / "run")
    assert (code, "is not the file that was written" in err) == (1, True)
    shutil.rmtree(root / "run")
    code, _, err = largeloss("labels", "log", root / "run")
    assert code == 2
    assert "There is no" in err


def test_a_journal_with_other_values_is_told(largeloss, root):
    with sqlite3.connect(root / "run" / ANSWERS) as file:
        file.execute("UPDATE answers SET answer = 'perhaps' WHERE number = 1")
    file.close()
    code, _, err = largeloss("labels", "log", root / "run")
    assert (code, "is damaged" in err) == (2, True)


FORMATS = {
    "wide": "labels.csv", "long": "labels.csv", "parquet": "labels.parquet", "coco": "labels.json",
    "huggingface": "metadata.jsonl",
}  # fmt: skip


@pytest.mark.parametrize("kind", FORMATS)
def test_exports_hold_the_answers_and_come_back_as_edits(largeloss, root, tmp_path, kind):
    file, edits, new = tmp_path / FORMATS[kind], tmp_path / "edits.parquet", tmp_path / "new.csv"
    first = root / "data/labels.csv"
    code, out, err = largeloss("labels", "export", root / "run", "--to", kind, "--out", file)
    assert code == 0, err
    assert "With edits of 3 entries" in out
    assert "people disagree: 2 edits" in err
    code, out, err = largeloss(
        "labels", "import", file, root / "data", "--from", kind, "--out", edits
    )
    assert code == 0, err
    assert set(read_edits(edits).author) == {f"import:{kind}"}
    code, out, err = largeloss("labels", "apply", edits, "--labels", first, "--out", new)
    assert code == 0, err
    assert "3 entries changed" in out
    answers = tmp_path / "answers.csv"
    assert largeloss("labels", "apply", root / "run", "--out", answers)[0] == 0
    assert new.read_bytes() == answers.read_bytes()
    code, _, err = largeloss(
        "labels", "import", file, new, "--from", kind, "--out", tmp_path / "more.parquet"
    )
    assert (code, "says nothing that" in err) == (2, True)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_suggestions_are_filled_in_and_read_back(largeloss, root, tmp_path, suffix):
    file, edits = tmp_path / f"filled{suffix}", tmp_path / "edits.parquet"
    assert largeloss("suggest", root / "run", "--out", file)[0] == 0
    read = pyarrow_csv.read_csv if suffix == ".csv" else parquet.read_table
    table = read(file).slice(0, 3)
    table = table.set_column(2, "label", pa.array([1, None, 0], pa.int8()))
    (pyarrow_csv.write_csv if suffix == ".csv" else parquet.write_table)(table, file)
    shared = ("labels", "import", file, root / "run", "--out", edits, "--from")
    if suffix == ".csv":
        code, _, err = largeloss(*shared, "long")
        assert code == 2
        assert "say --from suggestions" in " ".join(err.split())
    code, _, err = largeloss(*shared, "suggestions")
    assert code == 0, err
    found = read_edits(edits)
    told = [
        (found.images[row], found.classes[column], state)
        for row, column, state in zip(found.rows, found.columns, found.after, strict=True)
    ]
    rows = table.select(["image", "class", "label"]).to_pylist()
    assert sorted(told) == sorted(tuple(row.values()) for row in rows[::2])
    pyarrow_csv.write_csv(table.drop(["class"]), tmp_path / "lacks.csv")
    edits.unlink()
    code, _, err = largeloss("labels", "import", tmp_path / "lacks.csv", *shared[3:], "suggestions")
    assert code == 2
    assert "there is no column 'class'" in err


@pytest.mark.parametrize("base", ["wide.csv", "data", "run", "list.csv"])
def test_tags_in_lists_are_compared_with_labels_of_any_layout(largeloss, root, tmp_path, base):
    file, edits = tmp_path / "tags.csv", tmp_path / "edits.parquet"
    file.write_text("image,labels\nimages/01.png,red\n")
    (tmp_path / "wide.csv").write_text("image,red\nimages/01.png,\n")
    (tmp_path / "list.csv").write_text("image,labels\nimages/01.png,\nimages/02.png,red\n")
    place = (tmp_path if base.endswith(".csv") else root) / base
    given = ("labels", "import", file, place, "--from", "wide", "--out", edits)
    code, _, err = largeloss(*given)
    assert (code, "--unlisted" in err) == (2, True)
    code, _, err = largeloss(*given, "--unlisted", "unknown")
    assert code == 0, err
    assert read_edits(edits).after.tolist() == [1]


def test_label_studio_and_back(largeloss, root, tmp_path):
    tasks, edits = tmp_path / "tasks.json", tmp_path / "edits.parquet"
    code, out, err = largeloss(
        "labels", "export", root / "run", "--to", "label-studio", "--out", tasks
    )
    assert code == 0, err
    assert "tasks.xml" in out
    content = json.loads(tasks.read_text())
    assert content[0]["data"]["image"] == "/data/local-files/?d=images/00.png"
    blank = read_labels(root / "data/labels.csv").table.at(range(30), [0] * 30) < 0
    blank[[0, 5, 6]] = False  # answered
    said = [
        {one["from_name"]: one for part in task["predictions"] for one in part["result"]
         if part["model_version"] == "largeloss"}
        for task in content
    ]  # fmt: skip
    assert ["red" in one for one in said] == blank.tolist()
    assert all(0 < one["score"] < 1 for names in said for one in names.values())

    def annotated(image, who, **words):
        result = [
            {"from_name": name, "type": "choices", "value": {"choices": [word]}}
            for name, word in words.items()
        ]
        content[image]["annotations"].append({"completed_by": who, "result": result})

    for task in content:
        task["annotations"] = []
    annotated(2, 1, red="yes", blue="unsure", green="yes")
    annotated(1, 1, red="yes")
    annotated(1, 2, red="no")
    annotated(3, 3, red="no")
    annotated(3, 3, red="yes")
    times = ("2030-01-02T00:00:00Z", "2030-01-01T00:00:00Z")  # the later word first
    for one, time in zip(content[3]["annotations"], times, strict=True):
        one["updated_at"] = time
    tasks.write_text(json.dumps(content))
    words = ("import", tasks, root / "run", "--from", "label-studio", "--out", edits)
    code, out, err = largeloss("labels", *words)
    assert code == 0, err
    assert "Left out are labels of classes that" in err
    assert "'unsure', and change nothing: 1." in err
    assert sorted(read_edits(edits).author) == [f"import:label-studio:{n}" for n in (1, 1, 2, 3, 3)]
    code, out, err = largeloss(
        "labels", "apply", edits, "--labels", root / "data/labels.csv", "--out", tmp_path / "n.csv"
    )
    assert code == 0, err
    assert "2 entries changed" in out
    assert "people disagree: 2 edits" in err
    changed = read_labels(tmp_path / "n.csv").table
    assert changed.at([changed.images.index("images/03.png")], [0]).tolist() == [0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("export", "run", "--to", "xml", "--out", "new.xml"), "There is no format 'xml'"),
        (("export", "run", "--to", "coco", "--out", "new.csv"), "must end in .json"),
        (("export", "run", "--to", "wide", "--out", "other.csv"), "other.csv exists"),
        (("export", "data", "--to", "label-studio", "--out", "tasks.json"), "tasks.xml exists"),
        (("export", "data", "--to", "wide", "--prefix", "x", "--out", "n.csv"), "--prefix is for"),
        (("export", "data", "--to", "wide", "--from", "ll-cp", "--out", "new.csv"), "is no run"),
        (("export", "none", "--to", "wide", "--out", "new.csv"), "none does not exist"),
        (("import", "none.csv", "data", "--from", "wide", "--out", "new.parquet"), "no such file"),
        (("import", "other.csv", "data", "--from", "wide", "--out", "new.parquet"),
         "have no label in common"),
        (("import", "other.csv", "data", "--from", "coco", "--out", "new.parquet"), "not JSON"),
        (("import", "other.csv", "data", "--from", "label-studio", "--out", "new.parquet"),
         "no export of Label Studio"),
        (("import", "other.csv", "data", "--from", "wide", "--out", "new.csv"), "end in .parquet"),
        (("import", "other.csv", "none", "--from", "wide", "--out", "new.parquet"),
         "none: there is no such file or folder"),
        (("import", "twice.csv", "data", "--from", "suggestions", "--out", "new.parquet"),
         "two columns 'label'"),
    ],
)  # fmt: skip
def test_bad_exchanges_are_told(largeloss, root, monkeypatch, words, message):
    monkeypatch.chdir(root)
    Path("other.csv").write_text("image,red\nphotos/1.jpg,1\n")
    Path("twice.csv").write_text("image,class,label,label\nimages/00.png,red,1,0\n")
    Path("tasks.xml").write_text("mine")
    before = held(root)
    code, _, err = largeloss("labels", *words)
    assert code == 2, err
    assert message in err.replace("\n", " ")
    assert held(root) == before
