"""Settings that nothing looks at are told, those of images in one sentence."""

import numpy as np
import pytest
import torch

from largeloss.config import make_config
from largeloss.data import Dataset, FeatureArray, ImageArray
from largeloss.labels import LabelTable
from largeloss.runs.settings import resolved
from largeloss.runs.unused_settings import unused_settings

LABELS = LabelTable.from_dense(np.ones((20, 2), dtype=np.int8))
SPLITS = {"train": np.arange(16), "val": np.arange(16, 18), "test": np.arange(18, 20)}
FEATURES = Dataset("features", FeatureArray(torch.zeros(20, 5)), LABELS, SPLITS)
SCENES = Dataset("scenes", ImageArray(np.zeros((20, 3, 48, 48), np.uint8)), LABELS, SPLITS)


def told(dataset: Dataset, *sets: str) -> list[str]:
    return [*unused_settings(resolved(make_config([], sets)), dataset)]


def test_settings_of_images_are_told_of_features_in_one_sentence():
    sets = (
        "model.backbone=digits", "model.image_size=32", "model.mean=[0.1,0.1,0.1]",
        "model.std=[0.2,0.2,0.2]", "model.args={a: 1}", "data.bad_images=skip",
        "data.follow_symlinks=true", "data.max_value=4095", "data.cache=kept",
    )  # fmt: skip
    (one,) = told(FEATURES, *sets)
    assert one == (
        "These inputs are features, and settings of images change nothing: --bad-images, "
        "--follow-symlinks, --set data.max_value, --backbone, --image-size, model.mean, model.std, "
        "model.args, --cache."
    )
    assert told(FEATURES) == told(FEATURES, "model.backbone=none") == []


def test_settings_of_files_are_told_of_digit_scenes():
    assert told(SCENES, "model.backbone=digits", "model.image_size=48") == []
    assert told(SCENES, "model.backbone=digits") == []
    size, cache = (
        told(SCENES, "model.backbone=digits", text)
        for text in ("model.image_size=32", "data.cache=x")
    )
    assert "--image-size 32 changes nothing: digit scenes have 48 pixels" in size[0]
    assert "--cache keeps decoded images" in cache[0]
    assert told(SCENES, "data.path=photos", "model.image_size=32", "data.cache=x") == []


@pytest.mark.parametrize(
    ("text", "message", "used"),
    [
        (
            "model.args={a: 1}",
            "the backbone 'digits' takes none of them",
            ["model.backbone=resnet18"],
        ),
        ("data.observe_seed=7", "it decides nothing", ["data.observe=single-positive"]),
        ("data.observe_seed=7", "it decides nothing", ["data.train_share=0.5"]),
        (
            "training.accumulate=5",
            "more than the batches of an epoch, 4:",
            ["training.batch_size=3"],
        ),
    ],
)
def test_other_settings_without_effect(text, message, used):
    usual = ("data.path=photos", "model.backbone=digits", "training.batch_size=4")
    (one,) = told(SCENES, *usual, text)
    assert message in one
    assert told(SCENES, *usual, text, *used) == []
