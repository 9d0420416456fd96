"""Settings are judged before anything slow; what help, errors and remarks say of them."""

import json

import pytest
import torch
from safetensors.torch import save_file

from largeloss.config import make_config
from largeloss.data import read_folder
from largeloss.runs import data
from largeloss.runs.settings_checks import setting_remarks
from largeloss.version import __version__

SMALL = (
    "--backbone", "digits", "--image-size", "16", "--epochs", "1", "--batch-size", "8",
    "--workers", "0", "--method", "ll-r",
)  # fmt: skip


@pytest.fixture
def unread(monkeypatch):
    """Reading data fails the test."""

    def read(*_, **__):
        raise AssertionError("data were read")

    monkeypatch.setattr(data, "read_folder", read)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--weights", "none.safetensors"], "There is no weights file"),
        (
            ["--backbone", "resnet18", "--weights", "other.safetensors"],
            "does not fit this backbone: 120 of 120 tensors are missing, for example bn1.bias, ",
        ),
        (["--backbone", "vit_tiny_patch16_224"], "does not take images of"),
        (["--backbone", "resnet18", "--set", "model.args.depth=3"], "has no argument 'depth'"),
        (["--backbone", "none"], "images need a backbone"),
        (["--pretrained"], "no such weights to start from"),
        (["--set", "method.warmup=1"], "warmup is no setting of ll-r"),
        (["--set", "method.warmup_epochs=-1"], "warmup_epochs of ll-r must be"),
        (["--method", "curriculum", "--set", "method.rule=best"], "rule must be one of"),
        (["--method", "epr", "--set", "method.expected_positives=x"], "expected_positives"),
        (["--protocol", "linear-init", "--set", "training.head_method=ann"], "no method 'ann'"),
        (["--observe", "single"], "Unknown rule 'single'"),
        (["--observe", "fraction=7"], "fraction"),
        (["--protocol", "linear", "--cache", "a-file"], "Features cannot be kept in"),
        (["--protocol", "linear", "--augment", "light"], "--augment light changes images in every"),
        (["--protocol", "linear", "--teachers", "1"], "--teachers trains whole networks"),
        (["--record", "losses", "--teachers", "1"], "--record losses is of one training"),
    ],
)
def test_finding_25_wrong_settings_are_refused_before_data_are_read(
    largeloss, image_folder, tmp_path, monkeypatch, unread, options, message
):
    monkeypatch.chdir(tmp_path)
    save_file({"a": torch.zeros(1)}, "other.safetensors")
    (tmp_path / "a-file").write_text("")
    code, _, err = largeloss("train", image_folder, *SMALL, *options, "--out", tmp_path / "run")
    assert code == 2
    assert message in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("options", [("--weights", "none"), ("--set", "method.warmup_epochs=-1")])
def test_finding_25_a_comparison_judges_all_its_settings_first(
    largeloss, image_folder, tmp_path, unread, options
):
    small = SMALL[:-2]
    code, _, err = largeloss(
        "compare", image_folder, *small, "--methods", "an,ll-r", *options, "--out", tmp_path / "c"
    )
    assert code == 2
    assert "none" in err or "warmup_epochs of ll-r must be" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--method", "LLR"], "There is no method 'LLR'; did you mean 'll-r'?"),
        (["--method", "ll_ct"], "There is no method 'll_ct'; did you mean 'll-ct'?"),
        (["--backbone", "ResNet-50"], "timm has no backbone 'ResNet-50'; did you mean 'resnet50'?"),
        (["--backbone", "digit"], "timm has no backbone 'digit'; did you mean 'digits'?"),
        (["--backbone", "xyzzy"], "timm.list_models() has all names"),
        (
            ["--backbone", "resnet50.tv_in2k"],
            "timm has no weights 'tv_in2k' of resnet50; did you mean 'tv_in1k'?",
        ),
    ],
)
def test_finding_25_what_was_meant(largeloss, image_folder, tmp_path, unread, options, message):
    code, _, err = largeloss("train", image_folder, *options, "--out", tmp_path / "run")
    assert code == 2
    assert message in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--table", "pointin"], "There is no table 'pointin'; did you mean 'pointing'?"),
        (["--table", "pointing", "--methods", "llr"], "did you mean 'll-r'?"),
        (["--table", "pointing", "--data", "voc2021=x"], "did you mean 'voc2012'?"),
    ],
)
def test_finding_25_reproduce_says_what_was_meant(largeloss, options, message):
    code, _, err = largeloss("reproduce", *options)
    assert code == 2
    assert message in err


def test_finding_25_the_version_and_flags_without_values(largeloss):
    assert largeloss("--version") == (0, f"largeloss {__version__}\n", "")
    for command in (("--help",), ("train", "--help"), ("data", "check", "--help")):
        code, out, _ = largeloss(*command)
        assert code == 0
        assert "--help" in out
        assert "bool" not in out.lower()


def test_finding_25_settings_that_are_hardly_wanted_are_remarked_on(
    largeloss, image_folder, tmp_path
):
    train = ("train", image_folder, *SMALL)
    code, _, err = largeloss(*train, "--out", tmp_path / "usual")
    assert code == 0, err
    remarks = ("Δ is 0: LL-R selects no entry", "A batch of 19 holds all 18", "8×8 pixels leave")
    assert not any(text in err for text in remarks)
    code, _, err = largeloss(
        *train, "--delta-rel", "0", "--batch-size", "19", "--image-size", "8", "--out",
        tmp_path / "odd",
    )  # fmt: skip
    assert code == 0, err
    notes = json.loads((tmp_path / "odd/result.json").read_text())["notes"]
    for text in remarks:
        assert text in err
        assert any(text in note for note in notes)


@pytest.mark.parametrize(("method", "epochs", "warm"), [("crisp", 4, 4), ("ll-r", 1, 1)])
def test_a_warm_up_as_long_as_the_training_is_told(method, epochs, warm, image_folder):
    settings = make_config(
        [
            {"data": {"path": str(image_folder)}, "method": {"name": method}},
            {"model": {"backbone": "digits", "image_size": 16}, "training": {"epochs": epochs}},
        ]
    )
    dataset = read_folder(image_folder, image_size=16)
    (told,) = [text for text in setting_remarks(settings, dataset) if "warm-up" in text]
    named = "The one epoch is" if epochs == 1 else f"All {epochs} epochs are"
    assert f"{named} the warm-up of" in told
    assert f"which has {warm}" in told
    longer = settings.with_values(training={"epochs": epochs + 1})
    assert not any("warm-up" in text for text in setting_remarks(longer, dataset))
