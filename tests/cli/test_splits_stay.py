"""Corrected labels move no image from test to train, also where splits are drawn by labels."""

import pytest

from conftest import write_image_folder
from largeloss.labels import read_labels
from largeloss.runs.opened import open_run

SMALL = [
    "--backbone", "digits", "--image-size", "16", "--epochs", "1", "--batch-size", "6",
    "--workers", "0", "--method", "an",
]  # fmt: skip


def rows_of(folder):
    return [line.split(",") for line in (folder / "labels.csv").read_text().splitlines()][1:]


def write(file, rows, header="image,red,blue"):
    file.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n")
    return file


def as_tags(rows):
    """The same as lists of tags."""
    named = ("red", "blue")
    return [
        [row[0], ";".join(name for name, cell in zip(named, row[1:], strict=True) if cell == "1")]
        for row in rows
    ]


@pytest.fixture
def data(tmp_path):
    """Sixty images without a column ``split``; a third of them has no word on red."""
    folder = write_image_folder(tmp_path / "data", num=60)
    rows = [
        [row[0], row[2] if place % 3 else "", row[3]] for place, row in enumerate(rows_of(folder))
    ]
    write(folder / "labels.csv", rows)
    return folder


def splits_of(run):
    dataset = open_run(run).dataset
    return {
        name: {dataset.labels.images[row] for row in rows.tolist()}
        for name, rows in dataset.splits.items()
    }


def without_wraps(text):
    return " ".join(text.split())


def test_the_loop_of_corrections_measures_on_the_same_images(largeloss, data, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    answers, edits, corrected = (
        tmp_path / name for name in ("answers.csv", "edits.parquet", "corrected.csv")
    )
    assert largeloss("train", data, *SMALL, "--out", first)[0] == 0
    assert largeloss("suggest", first, "--out", tmp_path / "suggestions.csv")[0] == 0
    rows = read_labels(data / "labels.csv").table
    blank = [name for name, (red, _) in zip(rows.images, rows.to_dense(), strict=True) if red < 0]
    write(answers, [[name, "1"] for name in blank], "image,red")
    assert largeloss("labels", "import", answers, first, "--from", "wide", "--out", edits)[0] == 0
    code, out, err = largeloss(
        "labels", "apply", edits, "--labels", data / "labels.csv", "--out", corrected
    )
    assert (code, f"{len(blank)} entries changed" in out) == (0, True), err
    code, _, err = largeloss("train", data, "--labels", corrected, *SMALL, "--out", second)
    assert code == 0, err
    said = without_wraps(err)
    assert f"The draw follows the labels of {data / 'labels.csv'}" in said
    assert "no image changes its split" in said
    before = splits_of(first)
    assert splits_of(second) == before
    code, _, err = largeloss("evaluate", second, data, "--out", tmp_path / "on-data.json")
    assert code == 0, err
    assert "among those that the run was trained on" not in without_wraps(err)
    for command in (
        ("evaluate", second, "--out", tmp_path / "own.json"),
        ("suggest", second, "--out", tmp_path / "more.csv"),
        ("thresholds", second),
    ):
        code, _, err = largeloss(*command)
        assert code == 0, err
        assert "are not those that" not in without_wraps(err)
    exported = tmp_path / "exported.csv"
    assert largeloss("labels", "export", second, "--to", "wide", "--out", exported)[0] == 0
    file = read_labels(exported)
    assert file.splits is not None
    named = list(zip(file.table.images, file.splits, strict=True))
    for split, names in before.items():
        assert {image for image, own in named if own == split} == names
    third = tmp_path / "third"
    assert largeloss("train", data, "--labels", exported, *SMALL, "--out", third)[0] == 0
    assert splits_of(third) == before


def test_a_run_on_changed_labels_exports_no_splits_that_it_never_had(largeloss, data, tmp_path):
    run, out = tmp_path / "run", tmp_path / "new.csv"
    assert largeloss("train", data, *SMALL, "--out", run)[0] == 0
    write(data / "labels.csv", [[row[0], "1", "0"] for row in rows_of(data)])
    code, _, err = largeloss("labels", "export", run, "--to", "wide", "--out", out)
    assert code == 0, err
    assert "Splits are not written" in err
    assert read_labels(out).splits is None


@pytest.mark.parametrize(
    ("own", "corrected", "options", "said"),
    [
        ("turned", "wide", (), "no image changes its split"),
        ("split", "wide", (), "splits are those of"),
        ("split-list", "wide", (), "splits are those of"),
        ("list", "list", ("--unlisted", "unknown"), "no image changes its split"),
        ("wide", "list", ("--unlisted", "absent"), "no image changes its split"),
        ("list", "wide", (), "lists tags, and nothing says"),
        ("more", "wide", (), "names other images"),
        ("none", "wide", (), "has no label file of its own"),
        ("wrong", "wide", (), "cannot be used"),
    ],
)
def test_whose_splits_are_taken(largeloss, data, tmp_path, own, corrected, options, said):
    rows = rows_of(data)
    own_file = data / "labels.csv"
    column = [("train", "train", "val", "test")[number % 4] for number in range(60)]
    if own == "turned":
        write(own_file, rows[::-1])
    elif own == "split":
        write(own_file, [[a, s, *r] for (a, *r), s in zip(rows, column, strict=True)],
              "image,split,red,blue")  # fmt: skip
    elif own == "split-list":
        write(own_file, [[a, s, t] for (a, t), s in zip(as_tags(rows), column, strict=True)],
              "image,split,labels")  # fmt: skip
    elif own == "list":
        write(own_file, as_tags(rows), "image,labels")
    elif own == "more":
        write(own_file, [*rows, ["images/other.png", "1", "0"]])
    elif own == "none":
        own_file.unlink()
    elif own == "wrong":
        write(own_file, [[a, "maybe", b] for a, _, b in rows])
    file = tmp_path / "corrected.csv"
    changed = [[a, "1", b] for a, _, b in rows]
    if corrected == "list":
        write(file, as_tags(changed), "image,labels")
    else:
        write(file, changed)
    run, first = tmp_path / "run", tmp_path / "first"
    code, _, err = largeloss("train", data, "--labels", file, *options, *SMALL, "--out", run)
    assert code == 0, err
    assert said in without_wraps(err)
    if "split" not in said:
        assert f"The draw follows the labels of {file}, since" in without_wraps(err)
        assert "labels export RUN --to wide" in without_wraps(err)
        return
    if own in ("split", "split-list"):
        named = {row[0] for row, name in zip(rows, column, strict=True) if name == "test"}
        assert splits_of(run)["test"] == named
        return
    own_options = options if own == "list" else ()
    assert largeloss("train", data, *own_options, *SMALL, "--out", first)[0] == 0
    assert splits_of(run) == splits_of(first)
