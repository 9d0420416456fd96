"""The recipe that the method 'auto' becomes: by how the network starts, then by the labels."""

from largeloss.config import RunConfig, make_config
from largeloss.data import Dataset
from largeloss.data.folder.place import has_features
from largeloss.losses import settings_of
from largeloss.losses.recipes import AUTO, FINE_TUNE, SELF_TRAINING

ABSENT = 0.03
"""Of all training entries: with as many observed absences, unobserved entries are left out."""


def fitting(method: str, settings: RunConfig) -> str:
    """The name of a method; for 'auto' that of the recipe that fits how the network starts."""
    model = settings.model
    tuned = settings.training.protocol != "linear" and (model.pretrained or model.weights)
    tuned = tuned and not of_features(settings)
    return FINE_TUNE.name if tuned and method == AUTO.name else method


def fitting_labels(settings: RunConfig, dataset: Dataset) -> RunConfig:
    """Resolved ``settings``; the recipe 'auto' is the one that fits the labels of ``dataset``.

    Where whole networks start at random, and absences are observed, Naive IU with a teacher is
    ahead (docs/guides/recipe.md).
    """
    if not _may_change(settings):
        return settings
    train = dataset.labels.select(dataset.rows("train"))
    absent, entries = int((train.states == 0).sum()), train.num_images * train.num_classes
    if train.is_complete or absent < ABSENT * entries:
        return settings
    return _self_training(settings)


def as_begun(asked: RunConfig, saved: RunConfig) -> RunConfig:
    """Resolved settings that are ``asked`` for; 'auto' is what it became in a run that was begun
    with the ``saved`` ones."""
    became = saved.method.name == SELF_TRAINING.name
    return _self_training(asked) if became and _may_change(asked) else asked


def of_features(settings: RunConfig) -> bool:
    """Whether what is trained on is no image: then nothing is shifted, and no weights start it."""
    path = settings.data.path
    folder = None if path is None else path.expanduser()
    return settings.model.backbone == "none" or has_features(folder)


def _may_change(settings: RunConfig) -> bool:
    """Whether the labels decide: not where the user has set up the method that 'auto' begins as."""
    if settings.method.name != AUTO.name or settings.training.protocol != "end-to-end":
        return False
    given = settings_of(AUTO.name) | settings.method.given()
    usual = settings_of(AUTO.name) | {"num_epochs": given["num_epochs"]}
    return given == usual and not of_features(settings)


def _self_training(settings: RunConfig) -> RunConfig:
    return make_config([settings.plain() | {"method": {"name": SELF_TRAINING.name}}])
