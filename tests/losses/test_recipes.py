"""Recipes stand beside the methods, under names of their own, and give way to the user."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from largeloss.config import make_config
from largeloss.errors import ConfigError
from largeloss.labels import LabelTable
from largeloss.losses import (
    LOSSES,
    RECIPES,
    GeneralizedRobust,
    IgnoreUnobserved,
    LargeLossRejection,
    build_loss,
    check_method,
    find_method,
    searched_of,
    settings_of,
    title_of,
    training_of,
)
from largeloss.presets import SettingsLayers
from largeloss.runs.settings import resolved

every_recipe = pytest.mark.parametrize("name", RECIPES)


@every_recipe
def test_a_recipe_is_of_settings_that_there_are(name):
    recipe = RECIPES[name]
    assert recipe.name == name
    assert name not in LOSSES
    assert recipe.settings.keys() <= settings_of(recipe.method).keys()
    make_config([{"training": dict(recipe.training)}])


def test_auto_is_gr():
    assert find_method("auto") is GeneralizedRobust
    assert title_of("auto") == "Recipe"
    assert searched_of("auto") is None
    table = LabelTable.from_dense([[1, -1], [-1, 1]])
    loss, _ = build_loss("auto", table, np.array([0, 1]), {})
    plain, _ = build_loss("gr", table, np.array([0, 1]), {})
    assert repr(loss) == repr(plain)
    loss, _ = build_loss("auto", table, np.array([0, 1]), {"slope": 4.0})
    assert "slope=4.0" in repr(loss)


def test_fine_tune_is_ll_r_with_a_delta_that_is_estimated():
    assert find_method("fine-tune") is LargeLossRejection
    assert settings_of("fine-tune")["delta_rel"] == "auto"
    table = LabelTable.from_dense([[1, -1], [-1, 1]])
    loss, _ = build_loss("fine-tune", table, np.array([0, 1]), {})
    assert "delta_rel='auto'" in repr(loss)
    loss, _ = build_loss("fine-tune", table, np.array([0, 1]), {"delta_rel": 0.5})
    assert "delta_rel=0.5" in repr(loss)


def test_self_training_is_naive_iu():
    assert find_method("self-training") is IgnoreUnobserved
    assert training_of("self-training") == training_of("auto")


@pytest.mark.parametrize(
    ("model", "protocol", "expected"),
    [
        ({}, "end-to-end", "auto"),
        ({"pretrained": True}, "end-to-end", "fine-tune"),
        ({"weights": "net.safetensors"}, "end-to-end", "fine-tune"),
        ({"pretrained": True}, "linear-init", "fine-tune"),
        ({"pretrained": True}, "linear", "auto"),
    ],
)
def test_auto_fits_how_the_network_starts(tmp_path, monkeypatch, model, protocol, expected):
    monkeypatch.chdir(tmp_path)
    save_file({"weight": torch.zeros(1)}, "net.safetensors")
    settings = make_config(
        [
            {
                "method": {"name": "auto"},
                "model": {"backbone": "resnet18", **model},
                "training": {"protocol": protocol},
            }
        ]
    )
    made = resolved(settings)
    assert made.method.name == expected
    assert made.method.delta_rel == ("auto" if expected == "fine-tune" else None)
    assert made.training.teachers == int(expected == "auto" and protocol == "end-to-end")
    assert made.training.augment == ("light" if protocol == "end-to-end" else "none")
    assert resolved(made) == made
    ll_r = settings.with_values(method={"name": "ll-r"})
    assert resolved(ll_r).method.name == "ll-r"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("light", 1)),
        ({"teachers": 0}, ("light", 0)),
        ({"augment": "none", "teachers": 2}, ("none", 2)),
        ({"protocol": "linear"}, ("none", 0)),
    ],
)
def test_training_goes_with_the_recipe_where_the_user_says_nothing(given, expected):
    settings = make_config(
        [{"method": {"name": "auto"}, "model": {"backbone": "digits"}, "training": given}]
    )
    made = resolved(settings)
    assert tuple(getattr(made.training, name) for name in RECIPES["auto"].training) == expected
    assert resolved(made) == made


def test_features_are_neither_augmented_nor_taught():
    made = resolved(make_config([{"method": {"name": "auto"}, "model": {"backbone": "none"}}]))
    assert (made.training.augment, made.training.teachers) == ("none", 0)
    assert training_of("ll-r") == {}


@pytest.mark.parametrize("collection", ["voc2012", "coco2014", "nuswide", "cub", "digits"])
@every_recipe
def test_every_collection_has_the_recipe(collection, name):
    made = resolved(SettingsLayers(preset=collection, options={"method": {"name": name}}).made())
    assert made.method.name == name
    assert made.training.teachers == RECIPES[name].training.get("teachers", 0)


def test_a_setting_of_other_methods_says_whose_it_is():
    with pytest.raises(ConfigError, match=r"missing is no setting of auto, .* one of ll-r, .*tune"):
        check_method("auto", {"missing": 5.0})
    with pytest.raises(ConfigError, match=r"Did you mean 'slope'\?$"):
        check_method("auto", {"slop": 5.0})
