"""The recipe that the method 'auto' becomes: by how the network starts, then by the labels."""

from largeloss.config import RunConfig, make_config
from largeloss.data import Dataset
from largeloss.data.folder.place import has_features
from largeloss.labels import LabelTable
from largeloss.losses import settings_of
from largeloss.losses.recipes import AUTO, FINE_TUNE, SELF_TRAINING
from largeloss.training.evaluation import Evaluator

FAVOURED = 1.25
"""Present entries may be so much more frequent among the observed entries of train than on val."""


def fitting(method: str, settings: RunConfig) -> str:
    """The name of a method; for 'auto' that of the recipe that fits how the network starts."""
    model = settings.model
    tuned = settings.training.protocol != "linear" and (model.pretrained or model.weights)
    tuned = tuned and not of_features(settings)
    return FINE_TUNE.name if tuned and method == AUTO.name else method


def fitting_labels(
    settings: RunConfig, dataset: Dataset, val: Evaluator
) -> tuple[RunConfig, list[str]]:
    """Resolved ``settings``, in which the recipe 'auto' is the one that fits the labels, and what
    the user should know of that.

    Naive IU with a teacher is ahead where a whole network starts at random, and presences and
    absences are written down alike, so that a training on these alone is not misled. Val tells,
    where its labels are complete: present entries are as frequent there as among the observed
    entries of train. Where somebody has looked for tags, they are more frequent in train.

    Args:
        settings: Of the run.
        dataset: What is trained on.
        val: How val is measured.
    """
    if not _may_change(settings):
        return settings, []
    train = dataset.labels.select(dataset.rows("train"))
    (present, absent), (seen, not_seen) = _observed(train), _observed(val.table)
    if train.is_complete or not absent:
        return settings, []
    if val.rule != "full":
        return settings, [
            f"Absences are observed in training ({absent:,}). If presences and absences were "
            f"written down alike, try --method {SELF_TRAINING.name}, too: val, which has blanks, "
            "cannot tell."
        ]
    alike = present * (seen + not_seen) <= FAVOURED * seen * (present + absent)
    return (_self_training(settings) if alike else settings), []


def _observed(labels: LabelTable) -> tuple[int, int]:
    """How many entries are observed to be present, and absent."""
    return int((labels.states == 1).sum()), int((labels.states == 0).sum())


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
