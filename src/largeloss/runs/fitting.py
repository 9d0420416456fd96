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


def of_features(settings: RunConfig) -> bool:
    """Whether what is trained on is no image: then nothing is shifted, and no weights start it."""
    path = settings.data.path
    folder = None if path is None else path.expanduser()
    return settings.model.backbone == "none" or has_features(folder)


def labels_decide(asked: RunConfig) -> bool:
    """Whether they do, what is trained by settings as the user gave them: not where the user has
    set up the method that 'auto' is otherwise."""
    return whole_network_by_auto(asked) and not set_up(asked)


def whole_network_by_auto(asked: RunConfig) -> bool:
    """Whether 'auto' trains a whole network on images, as Naive IU with a teacher may."""
    auto = asked.method.name == AUTO.name
    return auto and asked.training.protocol == "end-to-end" and not of_features(asked)


def set_up(asked: RunConfig) -> list[str]:
    """The settings of the method that 'auto' is otherwise which the user has chosen."""
    usual = settings_of(fitting(AUTO.name, asked)) | {"num_epochs": asked.training.epochs}
    given = asked.method.given()
    return [name for name in given if name not in usual or given[name] != usual[name]]


def self_training(asked: RunConfig) -> RunConfig:
    """Settings as the user gave them, with the recipe for observed absences."""
    return make_config([asked.plain() | {"method": {"name": SELF_TRAINING.name}}])
