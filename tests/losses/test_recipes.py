"""Recipes stand beside the methods, under names of their own, and give way to the user."""

import numpy as np
import pytest

from largeloss.config import make_config
from largeloss.labels import LabelTable
from largeloss.losses import (
    LOSSES,
    RECIPES,
    GeneralizedRobust,
    build_loss,
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
    assert made.training.teachers == RECIPES[name].training["teachers"]
