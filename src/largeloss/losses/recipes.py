"""Recipes: a method with its settings, and the training that goes with it, under one name."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Recipe(NamedTuple):
    """What a name stands for. The user's own settings override all of it."""

    name: str
    title: str
    does: str  # in a sentence
    method: str  # its name
    settings: Mapping[str, Any]  # of the method
    training: Mapping[str, Any]  # of the loop, where a whole network is trained on images


AUTO = Recipe(
    name="auto",
    title="Recipe",
    does="GR; whole networks are trained on shifted images, and on the tags that another such "
    "model is sure of. Where all of a network is trained, and val shows that presences and "
    "absences were written down alike, 'auto' becomes 'self-training'; where it is not so, and "
    "the network starts from given weights, 'fine-tune'. The figures are in docs/guides/recipe.md",
    method="gr",
    settings={},
    training={"augment": "light", "teachers": 1},
)
FINE_TUNE = Recipe(
    name="fine-tune",
    title="Recipe for fine-tuning",
    does="LL-R with a Δ that is estimated, trained on shifted images. 'auto' becomes this where "
    "all of a network is trained that starts from given weights, but for what becomes "
    "'self-training'. The figures are in docs/guides/recipe.md",
    method="ll-r",
    settings={"delta_rel": "auto"},
    training={"augment": "light"},
)
SELF_TRAINING = Recipe(
    name="self-training",
    title="Recipe for observed absences",
    does="Naive IU, trained on shifted images and on the tags that another such model is sure of. "
    "'auto' becomes this where a whole network is trained, and val shows that presences and "
    "absences were written down alike. The figures are in docs/guides/recipe.md",
    method="iu",
    settings={},
    training={"augment": "light", "teachers": 1},
)
RECIPES = {one.name: one for one in (AUTO, FINE_TUNE, SELF_TRAINING)}
"""Recipe by name; no name is a method's."""
