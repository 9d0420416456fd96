"""The recipe that the method 'auto' becomes: by how the network starts, then by the labels
(``fitting_labels.py``)."""

from largeloss.config import RunConfig, make_config
from largeloss.data.folder.place import has_features
from largeloss.losses import settings_of
from largeloss.losses.recipes import AUTO, FINE_TUNE, SELF_TRAINING


def fitting(method: str, settings: RunConfig) -> str:
    """The name of a method; for 'auto' that of the recipe that fits how the network starts."""
    model = settings.model
    tuned = settings.training.protocol != "linear" and (model.pretrained or model.weights)
    tuned = tuned and not of_features(settings)
    return FINE_TUNE.name if tuned and method == AUTO.name else method


def as_begun(asked: RunConfig, saved: RunConfig) -> RunConfig:
    """Resolved settings that are ``asked`` for; 'auto' is what it became in a run that was begun
    with the ``saved`` ones."""
    became = saved.method.name == SELF_TRAINING.name
    return self_training(asked) if became and may_change(asked) else asked


def of_features(settings: RunConfig) -> bool:
    """Whether what is trained on is no image: then nothing is shifted, and no weights start it."""
    path = settings.data.path
    folder = None if path is None else path.expanduser()
    return settings.model.backbone == "none" or has_features(folder)


def may_change(settings: RunConfig) -> bool:
    """Whether the labels decide what resolved settings train: not where the user has set up the
    method that 'auto' begins as."""
    if settings.method.name != AUTO.name or settings.training.protocol != "end-to-end":
        return False
    given = settings_of(AUTO.name) | settings.method.given()
    usual = settings_of(AUTO.name) | {"num_epochs": settings.training.epochs}
    return given == usual and not of_features(settings)


def self_training(settings: RunConfig) -> RunConfig:
    """``settings`` with the recipe for observed absences."""
    return make_config([settings.plain() | {"method": {"name": SELF_TRAINING.name}}])
