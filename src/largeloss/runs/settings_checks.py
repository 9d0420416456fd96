"""What can be said of settings alone, before data are read: refusals and remarks."""

import math
from collections.abc import Iterable, Iterator

import numpy as np
import torch

from largeloss.config import RunConfig
from largeloss.data import Dataset
from largeloss.data.folder.place import has_features
from largeloss.errors import ConfigError
from largeloss.labels import LabelTable, observe
from largeloss.losses import (
    RECIPES,
    AssumeNegative,
    check_method,
    find_method,
    settings_of,
    title_of,
    training_of,
)
from largeloss.losses.auto_delta import AutoDelta
from largeloss.runs.data import RunData
from largeloss.runs.missing import own_settings
from largeloss.runs.network import make_network
from largeloss.runs.settings import head_method
from largeloss.runs.tracking import check_trackers
from largeloss.runs.unused_settings import unused_settings

LIMIT = 500_000_000
"""Training entries whose probabilities are kept in memory, of teachers."""
SMALLEST = {"digits": 16}
"""Backbone → pixels below which an image has one place in its last maps."""
_SMALLEST = 32  # of all others: most halve the sides of an image five times


def check_before_data(runs: Iterable[RunConfig]) -> None:
    """Refuses resolved settings of ``runs`` that cannot work whatever their data are.

    Names, types and ranges of the methods' settings, the rule of hidden labels, the folder for
    features, packages of trackers; then each network is built once with its weights, for images of
    its size.

    Raises:
        ConfigError: so they are.
    """
    networks: dict[str, RunConfig] = {}
    for settings in runs:
        check_trackers(settings.training.track or ())
        check_method(settings.method.name, own_settings(settings.method).values)
        if settings.training.head_method is not None:
            head = head_method(settings)
            check_method(head.name, own_settings(head).values)
        if settings.data.observe is not None:
            _check_rule(settings.data.observe)
        if settings.model.head == "boost":
            _check_boosted(settings)
        _check_together(settings)
        make_feature_folder(settings)
        if not has_features(settings.data.path):
            networks.setdefault(settings.model.model_dump_json(), settings)
    for settings in networks.values():
        size = settings.model.image_size
        with torch.random.fork_rng(devices=[]):
            make_network(settings, (3, size, size), num_classes=1)


def _check_boosted(settings: RunConfig) -> None:
    protocol, method = settings.training.protocol, settings.method.name
    if protocol != "end-to-end":
        raise ConfigError(
            f"The head 'boost' needs the feature maps of the network, and --protocol {protocol} "
            "trains a head on pooled features. Leave out --protocol, or --head."
        )
    if "head" in find_method(method).needs:
        raise ConfigError(
            f"The head 'boost' needs the feature maps of the network, and {method} computes logits "
            "of its own from pooled features. Leave out --head, or choose another method."
        )


def _check_together(settings: RunConfig) -> None:
    training = settings.training
    if training.augment != "none" and training.protocol == "linear":
        raise ConfigError(
            f"--augment {training.augment} changes images in every epoch, and --protocol linear "
            "trains a head on features that are computed once. Leave one of the two out."
        )
    if training.teachers and training.protocol != "end-to-end":
        raise ConfigError(
            f"--teachers trains whole networks, and --protocol {training.protocol} a head on "
            "features that stay: its predictions hold nothing new. Leave one of the two out."
        )
    usual = training_of(settings.method.name).get("teachers", 0)  # complete labels need none
    if training.record == "losses" and training.teachers not in (None, 0, usual):
        raise _recorded_with_teachers()


def _recorded_with_teachers() -> ConfigError:
    return ConfigError(
        "--record losses is of one training on the labels as they are given, and with --teachers "
        "there are several. Leave one of the two out (--teachers 0)."
    )


def make_feature_folder(settings: RunConfig) -> None:
    """Makes the folder that keeps extracted features, where the protocol has any.

    Raises:
        ConfigError: it cannot be written.
    """
    cache = settings.data.cache
    if settings.training.protocol == "end-to-end" or cache is None:
        return
    try:
        (cache / "features").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"Features cannot be kept in {cache} ({error}). Choose another --cache."
        ) from None


def needed_teachers(settings: RunConfig, dataset: Dataset) -> int:
    """How many are trained: none where no training entry is unobserved, to which they add tags."""
    teachers = settings.training.teachers or 0
    return 0 if not teachers or _is_complete(dataset) else teachers


def check_teachers(settings: RunConfig, data: RunData, dataset: Dataset) -> None:
    """Refuses settings that do not go together with teachers.

    Raises:
        ConfigError: so they are; or teachers that a method does not have by default would be
            trained for nothing.
    """
    training = settings.training
    if not needed_teachers(settings, dataset):
        usual = training_of(settings.method.name).get("teachers", 0)
        if training.teachers not in (None, 0, usual) and _is_complete(data.training):
            raise ConfigError(
                "--teachers adds tags to unobserved training entries, and none is unobserved here. "
                "Leave it out, or leave blank what nobody annotated."
            )
        return
    if training.record == "losses":
        raise _recorded_with_teachers()
    entries = len(dataset.rows("train")) * dataset.labels.num_classes
    if entries > LIMIT:
        raise ConfigError(
            f"--teachers keeps a probability of each training entry, of at most {LIMIT:,}; here "
            f"are {entries:,}. Leave it out (--teachers 0), or train on fewer --classes."
        )


def _recipe(settings: RunConfig) -> Iterator[str]:
    """What is trained by a recipe's name."""
    recipe = RECIPES.get(settings.method.name)
    if recipe is None:
        return
    parts = [title_of(recipe.method)]
    if settings.method.delta_rel is not None:
        parts.append(f"--delta-rel {settings.method.delta_rel}")
    for name in recipe.training:
        value = getattr(settings.training, name)
        parts += [f"--{name} {value}"] if value not in (None, "none", 0) else []
    yield f"{recipe.title}: {', '.join(parts)}. Why, and what it gains: docs/guides/recipe.md."


def setting_remarks(settings: RunConfig, dataset: Dataset) -> list[str]:
    """What a recipe stands for; settings that can be used, but are hardly what the user wants."""
    found = [*_recipe(settings), *unused_settings(settings, dataset)]
    if settings.training.teachers and not needed_teachers(settings, dataset):
        found.append(
            "No training entry is unobserved: teachers have no tag to add, and none is trained."
        )
    shape = dataset.source.sample_shape
    method, batch = settings.method, settings.training.batch_size
    own = settings_of(method.name) | method.given()
    warmup, epochs = own.get("warmup_epochs", 0), settings.training.epochs
    if warmup >= epochs and own.get("num_epochs") is None and method.delta_rel not in (0, "auto"):
        found.append(
            f"{'The one epoch is' if epochs == 1 else f'All {epochs} epochs are'} the warm-up of "
            f"{title_of(method.name)}, which has {warmup}; what the method does comes after "
            "it. Train longer (--epochs), or set a shorter warm-up (--set method.warmup_epochs=N)."
        )
    if own.get("num_epochs") not in (None, epochs):
        found.append(
            f"method.num_epochs is {own['num_epochs']}, and there are {epochs} epochs: what the "
            "method does follows the former. Leave it out (--set method.num_epochs=null) for the "
            "latter."
        )
    if method.delta_rel == 0:
        found.append(
            f"Δ is 0: {title_of(method.name)} selects no entry, and trains as "
            f"{AssumeNegative.title} does. Published values are 0.1 to 0.5 (--delta-rel)."
        )
    if method.delta_rel == "auto":
        known = 0.0 if method.missing is not None else None
        first = AutoDelta(known, warmup, growing=True).first
        if settings.training.epochs <= first:
            found.append(
                f"Δ auto flags nothing before epoch {first}, the first being 0; of "
                f"{settings.training.epochs} in all, none is left: this run trains as "
                f"{AssumeNegative.title} does. Train longer, or give Δ as a number."
            )
    elif method.delta_rel:
        found += rounding_remarks(method.delta_rel, own.get("rate_base", "all"), batch, dataset)
    images = len(dataset.rows("train"))
    if batch > images:
        found.append(
            f"A batch of {batch} holds all {images} training images: there is one step per epoch. "
            "Choose a smaller --batch-size."
            if images > 1
            else "There is one training image: each epoch is one step."
        )
    least = SMALLEST.get(settings.model.backbone, _SMALLEST)
    if len(shape) == 3 and min(shape[1:]) < least:
        found.append(
            f"Images of {shape[1]}×{shape[2]} pixels leave one place or less in the last maps of "
            f"most backbones; below {least} pixels little can be recognised (--image-size)."
        )
    return found


def _is_complete(dataset: Dataset) -> bool:
    return dataset.labels.select(dataset.rows("train")).is_complete


def hiding_remarks(settings: RunConfig, data: RunData) -> list[str]:
    """That labels are hidden of training images whose labels are incomplete as they are given."""
    rows = data.reference.rows("train")
    given = data.reference.labels.select(rows)
    hidden = given.num_observed - data.training.labels.select(rows).num_observed
    if given.is_complete or not hidden:
        return []
    return [
        f"The training labels are incomplete as they are given, and observe="
        f"{settings.data.observe} (--observe, or a preset's) hides {hidden:,} more of "
        f"{given.num_observed:,}. To train on all of them: --set data.observe=null."
    ]


def rounding_remarks(
    delta_rel: float, rate_base: str, batch_size: int, dataset: Dataset
) -> list[str]:
    """That Δ is less than one entry of a batch, and which rate follows."""
    train = dataset.labels.select(dataset.rows("train"))
    counted = train.num_images * train.num_classes
    if rate_base == "unobserved":
        counted -= train.num_observed
    an_image = counted / train.num_images
    entries = batch_size * an_image
    if not 0 < entries * delta_rel < 100:
        return []
    needed = math.ceil(100 / (delta_rel * an_image))
    way_out = f"From a batch of {needed} images on, Δ is kept to (--batch-size {needed})."
    if needed > train.num_images:
        way_out = (
            f"To keep to Δ, a batch needs {needed} images, and there are {train.num_images} to "
            "train on: no --batch-size keeps to it."
        )
    return [
        f"Δ {delta_rel:g} % of a batch's {entries:.0f} entries is {entries * delta_rel / 100:.2g} "
        f"of an entry, which is rounded up to 1: {100 / entries:.2g} % are flagged at least. "
        f"{way_out}"
    ]


def _check_rule(rule: str) -> None:
    """Hides a label of a table of one: what is wrong with a rule shows there, too."""
    observe(LabelTable.from_dense(np.ones((1, 1), np.int8), ["image"], ["class"]), rule)
