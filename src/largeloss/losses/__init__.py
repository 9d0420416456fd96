"""Losses for partial labels: one interface, one method per file, all methods by name.

``LOSSES`` has them by the names of the papers and of the command line; the functions below answer
what others ask of a method by its name.
"""

from collections import UserDict
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

from largeloss.errors import ConfigError, meant
from largeloss.lazy import imported_when_used
from largeloss.losses.recipes import RECIPES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from largeloss.labels.table import LabelTable
    from largeloss.losses.assume_negative import AssumeNegative
    from largeloss.losses.asymmetric import Asymmetric
    from largeloss.losses.asymmetric_pseudo_labels import AsymmetricPseudoLabels
    from largeloss.losses.auto_delta import Finding
    from largeloss.losses.balance import class_weights
    from largeloss.losses.base import Action, Context, Decision, PartialLabelLoss
    from largeloss.losses.class_prior_risk import ClassPriorRisk
    from largeloss.losses.curriculum import CurriculumLabeling
    from largeloss.losses.entropy_maximization import EntropyMaximization
    from largeloss.losses.expected_positive import ExpectedPositive
    from largeloss.losses.full_label import FullLabel
    from largeloss.losses.generalized_robust import GeneralizedRobust
    from largeloss.losses.hill import Hill
    from largeloss.losses.ignore_unobserved import IgnoreUnobserved
    from largeloss.losses.imcl import InteractiveMultiLabelLearning
    from largeloss.losses.label_smoothing import LabelSmoothingAssumeNegative
    from largeloss.losses.online_label_estimation import RegularizedOnlineLabelEstimation
    from largeloss.losses.partial_asymmetric import PartialAsymmetric
    from largeloss.losses.permanent_correction import LargeLossPermanentCorrection
    from largeloss.losses.rejection import LargeLossRejection
    from largeloss.losses.self_paced_correction import SelfPacedLossCorrection
    from largeloss.losses.temporary_correction import LargeLossTemporaryCorrection
    from largeloss.losses.weighted_assume_negative import WeightedAssumeNegative

__all__ = [
    "LOSSES",
    "RECIPES",
    "Action",
    "AssumeNegative",
    "Asymmetric",
    "AsymmetricPseudoLabels",
    "ClassPriorRisk",
    "Context",
    "CurriculumLabeling",
    "Decision",
    "EntropyMaximization",
    "ExpectedPositive",
    "Finding",
    "FullLabel",
    "GeneralizedRobust",
    "Hill",
    "IgnoreUnobserved",
    "InteractiveMultiLabelLearning",
    "LabelSmoothingAssumeNegative",
    "LargeLossPermanentCorrection",
    "LargeLossRejection",
    "LargeLossTemporaryCorrection",
    "PartialAsymmetric",
    "PartialLabelLoss",
    "RegularizedOnlineLabelEstimation",
    "SelfPacedLossCorrection",
    "WeightedAssumeNegative",
    "action_of",
    "build_loss",
    "check_method",
    "check_name",
    "check_some_method_has",
    "class_weights",
    "find_method",
    "searched_of",
    "settings_of",
    "title_of",
    "training_of",
]


class Methods(UserDict[str, "type[PartialLabelLoss]"]):
    """Method by name; its module, and torch with it, is imported when the method is asked for.

    Args:
        places: Name → ``module.Class``.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        super().__init__()
        self.places = dict(places)
        self.data: dict[str, Any] = dict.fromkeys(places)

    def __getitem__(self, name: str) -> "type[PartialLabelLoss]":
        if self.data[name] is None:
            module, _, of_class = self.places[name].rpartition(".")
            self.data[name] = getattr(import_module(f"{__name__}.{module}"), of_class)
        method: type[PartialLabelLoss] = self.data[name]
        return method


LOSSES = Methods(
    {
        "full": "full_label.FullLabel",
        "an": "assume_negative.AssumeNegative",
        "iu": "ignore_unobserved.IgnoreUnobserved",
        "wan": "weighted_assume_negative.WeightedAssumeNegative",
        "lsan": "label_smoothing.LabelSmoothingAssumeNegative",
        "epr": "expected_positive.ExpectedPositive",
        "role": "online_label_estimation.RegularizedOnlineLabelEstimation",
        "ll-r": "rejection.LargeLossRejection",
        "ll-ct": "temporary_correction.LargeLossTemporaryCorrection",
        "ll-cp": "permanent_correction.LargeLossPermanentCorrection",
        "curriculum": "curriculum.CurriculumLabeling",
        "imcl": "imcl.InteractiveMultiLabelLearning",
        "em": "entropy_maximization.EntropyMaximization",
        "em-apl": "asymmetric_pseudo_labels.AsymmetricPseudoLabels",
        "asl": "asymmetric.Asymmetric",
        "p-asl": "partial_asymmetric.PartialAsymmetric",
        "hill": "hill.Hill",
        "splc": "self_paced_correction.SelfPacedLossCorrection",
        "gr": "generalized_robust.GeneralizedRobust",
        "crisp": "class_prior_risk.ClassPriorRisk",
    }
)
"""Method by name: first those of the paper's tables, in their order, then later ones."""

__getattr__ = imported_when_used(
    __name__,
    {
        "Action": "base",
        "Context": "base",
        "Decision": "base",
        "Finding": "auto_delta",
        "PartialLabelLoss": "base",
        "class_weights": "balance",
        **{of_class: module for module, of_class in (p.split(".") for p in LOSSES.places.values())},
    },
)


def check_name(name: str) -> None:
    """Refuses names that no method and no recipe has; imports neither.

    Raises:
        ConfigError: so it is; the message has the nearest name, or all names.
    """
    if name not in LOSSES and name not in RECIPES:
        raise ConfigError(f"There is no method {name!r}; {meant(name, [*LOSSES, *RECIPES])}")


def find_method(name: str) -> "type[PartialLabelLoss]":
    """The method called ``name``, or that of the recipe called so.

    Raises:
        ConfigError: as :func:`check_name`.
    """
    if name in RECIPES:
        return LOSSES[RECIPES[name].method]
    check_name(name)
    return LOSSES[name]


def title_of(name: str) -> str:
    """How the method or recipe is displayed, ``LL-R``; an unknown one by its name."""
    if name in RECIPES:
        return RECIPES[name].title
    return LOSSES[name].title if name in LOSSES else name


def action_of(name: str) -> "Action | None":
    """What the method does with flagged entries; None where it flags none, or is unknown."""
    return find_method(name).action if name in {*LOSSES, *RECIPES} else None


def settings_of(name: str) -> dict[str, Any]:
    """The settings of the method or recipe and their defaults; None where the data decide.

    Raises:
        ConfigError: no such method.
    """
    from largeloss.losses.settings import constructor_settings

    found = constructor_settings(find_method(name))
    own = RECIPES[name].settings if name in RECIPES else {}
    return {setting: own.get(setting, how.default) for setting, how in found.items()}


def training_of(name: str) -> dict[str, Any]:
    """The settings of the loop that a recipe has for whole networks; none of a method."""
    return dict(RECIPES[name].training) if name in RECIPES else {}


def searched_of(name: str) -> tuple[str, tuple[float, ...]] | None:
    """The setting that a method is tuned by, and its values; None where it has none.

    Raises:
        ConfigError: no such method.
    """
    return None if name in RECIPES else find_method(name).searched


def check_some_method_has(settings: Iterable[str]) -> None:
    """Refuses names of settings that no method has: for settings that several methods share.

    Raises:
        ConfigError: no method has one of them.
    """
    known = dict.fromkeys(setting for name in LOSSES for setting in settings_of(name))
    for setting in settings:
        if setting not in known:
            raise ConfigError(f"No method has a setting {setting!r}; {meant(setting, known)}")


def check_method(name: str, settings: Mapping[str, Any]) -> None:
    """Refuses settings of a method that are wrong whatever the labels are.

    Raises:
        ConfigError: no such method; a setting that it does not have, that has the wrong type or is
            out of range, or that does not go with another.
    """
    from largeloss.losses.settings import check_values, takes_labels

    method, known = find_method(name), settings_of(name)
    foreign = [setting for setting in settings if setting not in known]
    if foreign:
        near = [repr(m) for setting in foreign for m in get_close_matches(setting, known, n=1)]
        text = (
            f"{', '.join(foreign)} is no setting of {name}, which has {', '.join(known) or 'none'}."
        )
        if near:
            text += f" Did you mean {' and '.join(near)}?"
        elif owners := [one for one in (*LOSSES, *RECIPES) if foreign[0] in settings_of(one)]:
            text += f" {foreign[0]} is one of {', '.join(owners)}."
        raise ConfigError(text)
    check_values(method, settings)
    if not takes_labels(method):
        method(**settings)


def build_loss(
    name: str, table: "LabelTable", rows: "NDArray[np.int64]", settings: Mapping[str, Any]
) -> "tuple[PartialLabelLoss, list[str]]":
    """The loss for training on the images ``rows`` of ``table``, and remarks for the user.

    ``table`` has (N, C) labels as the method sees them; ``settings`` are those that the user has
    set, :func:`settings_of` tells which there are.

    Raises:
        ConfigError: no such method; a setting that it does not have, that has the wrong type or is
            out of range, or that does not fit the labels.
    """
    check_method(name, settings)
    method = find_method(name)
    own = RECIPES[name].settings if name in RECIPES else {}
    arguments, remarks = method.arguments(table, rows, {**own, **settings})
    return method(**arguments), remarks
