"""Each bad input is refused or reported in one clear message, and nothing is lost."""

import pytest

from largeloss.cli import run

SMALL = ["--backbone", "digits", "--image-size", "16", "--epochs", "2", "--workers", "0"]
HEAD = "image,split,red,blue\n"
FOUR = "".join(
    f"images/{row:02d}.png,{split},{row % 2},\n"
    for row, split in enumerate(["train"] * 4 + ["val"] * 2 + ["test"] * 2)
)


@pytest.fixture
def refused(capsys, tmp_path):
    """Trains; gives the exit code and the message, and checks that there is no traceback."""

    def train(root, *more):
        code = run(["train", str(root), *SMALL, *map(str, more), "--out", str(tmp_path / "run")])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, err

    return train


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (HEAD + FOUR + "images/99.png,train,1,\n", "images/99.png: there is no such file"),
        (HEAD + FOUR + "images/09.png,train,2,\n", "line 10"),
        (HEAD + FOUR + "images/00.png,train,1,\n", "line 10"),
        ("", "the file is empty"),
        (HEAD, "header"),
        (HEAD + "images/00.png,exam,1,\n", "exam"),
        (HEAD + "images/00.png,train,,\nimages/01.png,val,,\n", "nothing to learn"),
        ("image,labels\nimages/00.png,red\n", "--unlisted"),
    ],
)
def test_wrong_label_files(refused, make_image_folder, tmp_path, labels, message):
    root = make_image_folder(labels=labels or "\n")
    code, err = refused(root)
    assert code == 2
    assert message in err
    assert not (tmp_path / "run").exists()


def test_an_unknown_class(refused, image_folder):
    code, err = refused(image_folder, "--classes", "red,bleu")
    assert code == 2
    assert "'bleu'" in err
    assert "blue" in err


def test_a_truncated_image_is_refused_or_left_out(refused, image_folder, tmp_path):
    path = image_folder / "images/04.png"
    path.write_bytes(path.read_bytes()[:200])
    code, err = refused(image_folder)
    assert code == 2
    assert "images/04.png: cannot be decoded" in err
    assert not (tmp_path / "run").exists()
    code, err = refused(image_folder, "--bad-images", "skip")
    assert code == 0
    assert "1 of 30 images cannot be read and are left out" in err


def test_a_split_without_one_readable_image_is_refused(refused, image_folder):
    for row in range(4, 30, 5):
        (image_folder / f"images/{row:02d}.png").write_bytes(b"")
    code, err = refused(image_folder, "--bad-images", "skip")
    assert code == 2
    assert "Not one image of the test split" in err


def test_a_size_that_the_backbone_does_not_take(refused, image_folder):
    code, err = refused(image_folder, "--backbone", "vit_tiny_patch16_224")
    assert code == 2
    assert "does not take images of" in err


def test_all_blank_rows_are_reported(refused, make_image_folder):
    root = make_image_folder(labels=HEAD + FOUR + "images/09.png,train,,\n")
    code, err = refused(root)
    assert code == 0
    assert "1 of 5 training images have no label at all, for example images/09.png" in err
    assert "No training image is tagged blue" in err


def test_a_folder_that_does_not_exist(refused, tmp_path):
    code, err = refused(tmp_path / "none")
    assert code == 2
    assert "does not exist" in err


def test_non_finite_logits_stop_the_run(refused, image_folder, tmp_path):
    code, err = refused(image_folder, "--method", "an", "--lr", "1e30")
    assert code == 1
    assert "Logits are NaN or infinite" in err
    assert "images/" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--method", "ll-x"], "no method 'll-x'"),
        (["--method", "an", "--delta-rel", "1"], "delta_rel is no setting of an"),
        (["--delta-rel", "101"], "less than or equal to 100"),
        (["--set", "training.epoch=3"], "did you mean 'epochs'"),
        (["--backbone", "resnet5x"], "no backbone 'resnet5x'"),
        (["--weights", "none.safetensors"], "no weights file"),
        (["--observe", "single"], "Unknown rule 'single'"),
        (["--method", "full", "--select", "fill"], "select"),
        (["--epochs", "many"], "--epochs"),
        (["--bad-images", "ignore"], "'error' or 'skip'"),
        (["--no-such-option"], "--no-such-option"),
    ],
)
def test_wrong_options(refused, image_folder, tmp_path, options, message):
    code, err = refused(image_folder, *options)
    assert code == 2
    assert message in err
    assert not (tmp_path / "run" / "best").exists()


def test_full_labels_refuse_blanks(refused, make_image_folder):
    code, err = refused(make_image_folder(labels=HEAD + FOUR), "--method", "full")
    assert code == 2
    assert "needs complete labels" in err


def test_an_output_folder_that_cannot_be_written(refused, image_folder, tmp_path):
    (tmp_path / "run").write_text("a file")
    code, err = refused(image_folder)
    assert code == 2
    assert "cannot be written" in err


def test_predicting_from_nothing(capsys, tmp_path):
    assert run(["predict", str(tmp_path), str(tmp_path)]) == 2
    assert "no trained model" in capsys.readouterr().err


def test_debug_shows_the_traceback(tmp_path):
    from largeloss.errors import DataError

    with pytest.raises(DataError):
        run(["train", str(tmp_path / "none"), "--debug"])


def test_without_arguments_the_help_is_shown_and_nothing_is_complained_of(capsys):
    assert run([]) == 2
    out, err = capsys.readouterr()
    assert "Usage" in out
    assert "Error" not in err
