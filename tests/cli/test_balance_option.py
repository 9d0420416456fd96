"""``--balance``, as it is typed: told, recorded, resumed, in the report."""

import json

import pytest
import yaml

import largeloss as library

SMALL = [
    "--backbone", "digits", "--image-size", "16", "--batch-size", "6", "--lr", "1e-3", "--workers",
    "0", "--epochs", "2",
]  # fmt: skip


@pytest.fixture
def rare(make_image_folder):
    """Red is given as present in three of four training images, blue in one."""
    lines = ["image,split,red,blue"]
    for row in range(30):
        split = ("train", "train", "train", "train", "val", "test")[row % 6]
        red = "" if row % 4 == 3 else 1
        blue = int(row % 3 == 0) if split != "train" else 1 if row == 0 else ""
        lines.append(f"images/{row:02d}.png,{split},{red if split == 'train' else row % 2},{blue}")
    return make_image_folder(labels="\n".join(lines) + "\n")


def test_what_tags_weigh_is_told_once(largeloss, rare, tmp_path):
    """Although the head of linear-init is trained with the same weights."""
    code, _, err = largeloss(
        "train", rare, *SMALL[:-2], "--epochs", "1", "--balance", "--protocol", "linear-init",
        "--set", "training.head_epochs=1", "--cache", tmp_path / "cache", "--out", tmp_path / "run",
    )  # fmt: skip
    assert code == 0, err
    assert err.count("Balanced: ") == 1
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert result["stop_reason"] == "The one epoch was trained."


def test_the_run_tells_what_tags_weigh(largeloss, rare, tmp_path):
    code, _, err = largeloss("train", rare, *SMALL, "--balance", "--out", tmp_path / "run")
    assert code == 0, err
    note = "Balanced: observed tags of the classes weigh from"
    assert note in " ".join(err.split())
    result = json.loads((tmp_path / "run/result.json").read_text())
    (told,) = (text for text in result["notes"] if text.startswith("Balanced"))
    red, blue = (result["train_counts"][name][0] for name in ("red", "blue"))
    assert blue == 1
    scale = (red + 1) / (red**0.5 + 1)
    assert f"from {scale:.2f} (blue, 1 observed)" in told
    assert f"to {scale / red**0.5:.2f} (red, {red} observed)" in told
    assert yaml.safe_load((tmp_path / "run/config.yaml").read_text())["training"]["balance"] is True
    page = (tmp_path / "run/report.html").read_text()
    assert "training.balance" in page
    assert "Balanced: observed tags" in page


def test_a_run_without_it_does_not_go_on_with_it(largeloss, rare, tmp_path):
    given = ["train", rare, *SMALL, "--out", tmp_path / "plain"]
    code, _, err = largeloss(*given)
    assert code == 0, err
    assert "Balanced" not in err
    code, out, err = largeloss(*given, "--resume", "--balance")
    assert code == 2
    assert "training.balance: False → True" in err
    assert "Traceback" not in out + err


def test_from_python_it_is_a_keyword(rare, tmp_path):
    run = library.train(
        rare, method="an", backbone="digits", image_size=16, batch_size=6, workers=0, epochs=1,
        balance=True, out=tmp_path / "run", progress=False,
    )  # fmt: skip
    assert any("Balanced" in note for note in run.notes)


def test_a_class_without_a_tag_is_said_to_be_lost(largeloss, rare, tmp_path):
    path = rare / "labels.csv"
    path.write_text(path.read_text().replace("00.png,train,1,1", "00.png,train,1,"))
    code, _, err = largeloss("train", rare, *SMALL, "--balance", "--out", tmp_path / "run")
    assert code == 0, err
    said = " ".join(err.split())
    assert "No training image is tagged blue: nothing is learnt of it" in said
    assert "Balanced: observed tags of the classes weigh from 1.00 (red" in said


def test_neither_a_number_nor_a_word(largeloss, rare, tmp_path):
    code, out, err = largeloss(
        "train", rare, *SMALL, "--set", "training.balance=0.9", "--out", tmp_path / "run"
    )
    assert code == 2
    assert "training.balance" in err
    assert "Traceback" not in out + err
