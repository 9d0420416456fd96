"""Published settings by name."""

import pytest
import yaml

from largeloss.config import make_config
from largeloss.losses import LOSSES, RECIPES, check_method
from largeloss.presets import find_preset, presets
from largeloss.training.checkpoint_file import load_state

TINY = ("--image-size", "16", "--epochs", "1", "--workers", "0")


@pytest.mark.parametrize("name", presets())
def test_every_preset_is_valid_and_has_a_source(name):
    preset = presets()[name]
    config = make_config([preset.settings])
    assert config.method.name == name.split("/")[1]
    assert config.method.name in {*LOSSES, *RECIPES}
    assert preset.source


@pytest.mark.parametrize(
    ("name", "optimizer", "lr", "delta_rel"),
    [
        ("voc2012/ll-r", "sgd", 5e-3, 0.2),
        ("voc2012/ll-cp", "sgd", 5e-3, 0.1),
        ("coco2014/ll-r", "adam", 1e-5, 0.4),
        ("coco2014/ll-ct", "adam", 1e-5, 0.2),
        ("nuswide/ll-cp", "adam", 1e-5, 0.2),
        ("cub/ll-ct", "adam", 7.5e-5, 0.4),
    ],
)
def test_published_settings(name, optimizer, lr, delta_rel):
    config = make_config([presets()[name].settings])
    assert (config.training.optimizer, config.training.lr) == (optimizer, lr)
    assert config.method.delta_rel == delta_rel
    assert (config.model.image_size, config.training.batch_size) == (448, 16)
    assert config.training.weight_decay == (1e-3 if optimizer == "sgd" else 0)


@pytest.mark.parametrize(
    ("name", "kappa"), [("voc2012", 1.5), ("coco2014", 2.9), ("nuswide", 1.9), ("cub", 31.4)]
)
def test_published_kappa(name, kappa):
    for method in ("epr", "role"):
        assert find_preset(name, method).settings["method"]["expected_positives"] == kappa


@pytest.mark.parametrize(
    ("name", "own", "training"),
    [
        ("voc2012/em", {"entropy_weight": 0.2}, {"lr": 1e-5, "batch_size": 8, "epochs": 10}),
        ("coco2014/em-apl", {"soft_label_weight": 0.9, "warmup_epochs": 5}, {"batch_size": 16}),
        ("cub/gr", {"slope": 10, "offset": -8, "q_absent": 1.5}, {"epochs": 8, "stop_below": 2}),
    ],
)
def test_later_methods(name, own, training):
    config = make_config([presets()[name].settings])
    check_method(config.method.name, config.method.given())
    assert config.method.given() | own == config.method.given()
    assert config.training.model_dump() | training == config.training.model_dump()


def test_the_list_says_all(largeloss):
    code, out, _ = largeloss("presets")
    assert code == 0
    assert all(name in out for name in presets())
    code, out, _ = largeloss("presets", "cub/ll-ct")
    assert code == 0
    assert yaml.safe_load(out) == presets()["cub/ll-ct"].settings
    code, _, err = largeloss("presets", "cub/none")
    assert code == 2
    assert "There is no preset 'cub/none'" in err


def test_options_go_before_the_preset_and_all_is_saved(largeloss, image_folder, tmp_path):
    code, _, err = largeloss(
        "train", image_folder, "--preset", "voc2012/ll-ct", "--backbone", "digits", *TINY,
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert code == 0, err
    saved = yaml.safe_load((tmp_path / "run/config.yaml").read_text())
    assert saved["method"] | {"name": "ll-ct", "delta_rel": 0.2} == saved["method"]
    assert saved["training"]["optimizer"] == "sgd"
    assert saved["training"]["epochs"] == 1
    assert saved["model"]["backbone"] == "digits"
    assert saved["data"]["observe"] == "single-positive"


def test_compare_takes_each_methods_own_settings(largeloss, image_folder, tmp_path):
    code, _, err = largeloss(
        "compare", image_folder, "--preset", "cub", "--methods", "an,ll-ct,ll-cp,epr:",
        "--backbone", "digits", *TINY, "--seeds", "1", "--out", tmp_path / "c",
    )  # fmt: skip
    assert code == 2  # 'epr:' names no number
    code, _, err = largeloss(
        "compare", image_folder, "--preset", "cub", "--methods", "an,ll-ct,ll-cp",
        "--backbone", "digits", *TINY, "--seeds", "1", "--out", tmp_path / "c",
    )  # fmt: skip
    assert code == 0, err
    for method, delta in (("ll-ct", 0.4), ("ll-cp", 0.2)):
        saved = yaml.safe_load((tmp_path / f"c/{method}-seed0/config.yaml").read_text())
        assert saved["method"]["delta_rel"] == delta
        assert saved["training"]["lr"] == 7.5e-5


def test_finding_13_the_authors_run_of_imcl(largeloss, image_folder, tmp_path):
    code, _, err = largeloss(
        "train", image_folder, "--preset", "openimages-v3/imcl", "--backbone", "digits",
        "--image-size", "16", "--workers", "0", "--batch-size", "4", "--epochs", "3", "--set",
        "method.dictionary_size=6", "--observe", "fraction=0.7", "--out", tmp_path / "run",
    )  # fmt: skip
    assert code == 0, err
    saved = yaml.safe_load((tmp_path / "run/config.yaml").read_text())
    assert saved["method"]["version"] == "code"
    assert saved["training"]["optimizer"] == "rmsprop-tf"
    state = load_state(tmp_path / "run/last/state.pt")["criterion"]
    assert len(state["_extra_state"]["memory"]["rows"]) == 6
    w1, w2 = state["_extra_state"]["balance"]
    assert w1 > w2 == 0


def test_a_preset_of_another_method(largeloss, image_folder, tmp_path):
    for command in (
        ["train", image_folder, "--preset", "digits/ll-r", "--method", "ll-cp"],
        ["compare", image_folder, "--preset", "digits/ll-r", "--methods", "ll-r,ll-cp"],
    ):
        code, _, err = largeloss(*command, "--out", tmp_path / "run")
        assert code == 2
        assert "The preset 'digits/ll-r' is not of ll-cp. Write --preset digits" in err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("voc2021", "there are presets for voc2012, coco2014, nuswide, cub, openimages-v3, digits"),
        ("voc2012/best", "for voc2012 there are full, an, iu, wan, lsan, epr, role, ll-r"),
    ],
)
def test_presets_that_are_not_there(largeloss, image_folder, tmp_path, name, message):
    code, _, err = largeloss("train", image_folder, "--preset", name, "--out", tmp_path / "run")
    assert code == 2
    assert message in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "role", "--expected-positives", "9"], "expected_positives is 9.0, more than"),
        (["--method", "epr", "--expected-positives", "-1"], "expected_positives"),
        (
            ["--method", "imcl", "--set", "method.dictionary_size=19"],
            "dictionary_size is 19, but there are only 18 training images",
        ),
        (["--method", "curriculum", "--set", "method.rule=best"], "rule must be one of threshold"),
        (
            ["--method", "curriculum", "--set", "method.rule=uncertainty"],
            "needs dropout before the head: --set model.dropout=0.5",
        ),
        (["--method", "ll-r", "--set", "method.rule=share"], "rule is no setting of ll-r"),
    ],
)
def test_wrong_settings_of_a_method(largeloss, image_folder, tmp_path, arguments, message):
    code, _, err = largeloss(
        "train", image_folder, "--backbone", "digits", *TINY, *arguments, "--out", tmp_path / "r"
    )
    assert code == 2
    assert message in err
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("method", ["iu", "curriculum", "imcl", "role"])
def test_labels_without_any_observed_entry(largeloss, make_image_folder, tmp_path, method):
    lines = [f"images/{row:02d}.png,{('train', 'val')[row % 2]},,"[:-1] for row in range(30)]
    folder = make_image_folder(labels="\n".join(["image,split,red", *lines]) + "\n")
    code, _, err = largeloss(
        "train", folder, "--backbone", "digits", *TINY, "--method", method, "--out", tmp_path / "r"
    )
    assert code == 2
    assert "Not one tag is present (1) in the 15 training images" in err
    assert "all 15 entries are blank" in err


def test_mc_dropout_labels(largeloss, image_folder, tmp_path):
    code, out, err = largeloss(
        "train", image_folder, "--backbone", "digits", "--image-size", "16", "--epochs", "2",
        "--workers", "0", "--observe", "fraction=0.5", "--method", "curriculum", "--set",
        "method.rule=uncertainty", "--set", "method.limit=0.5", "--set", "model.dropout=0.5",
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert code == 0, err
    assert "blank training entries were labelled by the method" in out
    assert (tmp_path / "run/corrections.parquet").is_file()
