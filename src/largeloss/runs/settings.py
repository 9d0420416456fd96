"""Settings of a run made definite, saved in its folder and read back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from largeloss.config import MethodConfig, RunConfig, make_config, read_yaml
from largeloss.config.models import ModelConfig
from largeloss.errors import CheckpointError, ConfigError
from largeloss.files import read_text, verify_yaml
from largeloss.losses import find_method, settings_of, training_of
from largeloss.losses.recipes import SELF_TRAINING
from largeloss.models import noted_statistics, usual_statistics
from largeloss.runs.arguments import check_workers
from largeloss.runs.fitting import fitting, labels_decide, of_features, self_training
from largeloss.training.run_folder import RunFolder

_NOTED = ("delta_rel", "reduction")
"""Settings of methods whose defaults stand in a run's ``config.yaml``, too."""


def resolved(settings: RunConfig) -> RunConfig:
    """``settings`` with absolute paths, the defaults of the method and what images are normalised
    with.

    Raises:
        ConfigError: no such method or backbone, or a weights file with wrong metadata.
    """
    data, protocol = settings.data, settings.training.protocol
    method_name = fitting(settings.method.name, settings)
    method, own = find_method(method_name), settings_of(method_name)
    given = settings.method.given()
    noted = {name: own[name] for name in _NOTED if name in own and name not in given}
    noted["name"] = method_name
    if isinstance(settings.method.missing, Path):
        noted["missing"] = _absolute(settings.method.missing)
    if _counts_epochs(own | given) and "num_epochs" not in given:
        noted["num_epochs"] = settings.training.epochs
    elif not _counts_epochs(own | given) and given.get("num_epochs") == settings.training.epochs:
        noted["num_epochs"] = None  # of a run's file, whose Δ another layer has changed
    head = settings.training.head_method
    if protocol == "linear-init" and head is None:
        head = method.linear_init_method or method_name
    training = {"augment": "none", "teachers": 0}
    if protocol == "end-to-end" and not of_features(settings):
        training |= training_of(method_name)
    training = {
        name: value for name, value in training.items() if getattr(settings.training, name) is None
    }
    cache = _absolute(data.cache)
    if cache is None and protocol != "end-to-end":
        cache = cache_folder(settings)
    return settings.with_values(
        method=noted,
        training={"head_method": head, **training},
        data={
            "path": _absolute(data.path),
            "labels": _absolute(data.labels),
            "cache": cache,
        },
        model=_definite(settings.model),
    )


def cache_folder(settings: RunConfig) -> Path:
    """Where what is computed of the data is kept: ``--cache``, or the user's cache folder."""
    return _absolute(settings.data.cache) or user_cache_path("largeloss")


def saved_settings(run: Path, asked: RunConfig | None = None) -> RunConfig:
    """The settings that a run was begun with; they must be those it is ``asked`` to go on with.

    Raises:
        ConfigError: no run there, or settings other than those ``asked`` for.
        CheckpointError: the file has changed since the run was begun.
    """
    folder = RunFolder(run)
    folder.check_begun()
    path = folder.config_file
    content = read_yaml(path)
    try:
        verify_yaml(read_text(path), content)
    except ValueError as error:
        raise CheckpointError(
            f"{path} cannot be trusted ({error}). Restore it; to train with other settings, name a "
            "copy of it as --config of a new run."
        ) from None
    saved = resolved(make_config([content], source=str(path)))  # settings that are newer than it
    return saved if asked is None else going_on(run, saved, asked)


def as_begun(asked: RunConfig, saved: RunConfig) -> RunConfig:
    """Settings that are ``asked`` for, resolved; 'auto' is what the labels have made of it in a run
    that was begun with the ``saved`` ones."""
    became = saved.method.name == SELF_TRAINING.name and labels_decide(asked)
    return resolved(self_training(asked) if became else asked)


def going_on(run: Path, saved: RunConfig, asked: RunConfig) -> RunConfig:
    """The ``saved`` settings of a run, which must be those it is ``asked`` to go on with; those
    that change nothing of what is computed are as asked.

    Raises:
        ConfigError: they are not; or far too many workers are asked for.
    """
    asked = as_begun(asked, saved)
    check_workers(asked.training.workers)
    different = saved.differences(asked)
    if different:
        lines = "\n".join(f"  {line}" for line in different)
        raise ConfigError(
            f"{run} was begun with other settings (begun with → asked for):\n{lines}\n"
            "Leave these options out, or start a new run in another folder."
        )
    return saved.with_unimportant(asked)


def head_method(settings: RunConfig) -> MethodConfig:
    """The method of the head's phase of linear-init: with the settings given if it is the same."""
    name = settings.training.head_method or settings.method.name
    method = settings.method if name == settings.method.name else MethodConfig(name=name)
    if not _counts_epochs(settings_of(name) | method.given()):
        return method
    return method.model_copy(update={"num_epochs": settings.training.head_epochs})


def _counts_epochs(own: Mapping[str, Any]) -> bool:
    """Whether a method with the settings ``own`` does what it does by the number of epochs."""
    return "num_epochs" in own and own.get("delta_rel", "auto") == "auto"


def _definite(model: ModelConfig) -> dict[str, Any]:
    """The values of a network's settings that others decide where the user does not."""
    weights, mean, std = _absolute(model.weights), model.mean, model.std
    if mean is None or std is None:
        noted = None if weights is None else noted_statistics(weights)
        decided = noted or usual_statistics(model.backbone)
        mean, std = mean or list(decided.mean), std or list(decided.std)
    return {"weights": weights, "mean": mean, "std": std}


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.expanduser().resolve()
