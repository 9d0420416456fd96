"""Losses for partial labels: one interface, one method a file.

``LOSSES`` has them by the names of the papers and of the command line.
"""

from largeloss.losses.assume_negative import AssumeNegative
from largeloss.losses.base import Action, Context, Decision, PartialLabelLoss
from largeloss.losses.catalogue import (
    LOSSES,
    action_of,
    build_loss,
    check_some_method_has,
    find_method,
    settings_of,
    title_of,
)
from largeloss.losses.curriculum import CurriculumLabeling
from largeloss.losses.expected_positive import ExpectedPositive
from largeloss.losses.full_label import FullLabel
from largeloss.losses.ignore_unobserved import IgnoreUnobserved
from largeloss.losses.imcl import InteractiveMultiLabelLearning
from largeloss.losses.label_smoothing import LabelSmoothingAssumeNegative
from largeloss.losses.online_label_estimation import RegularizedOnlineLabelEstimation
from largeloss.losses.permanent_correction import LargeLossPermanentCorrection
from largeloss.losses.rejection import LargeLossRejection
from largeloss.losses.temporary_correction import LargeLossTemporaryCorrection
from largeloss.losses.weighted_assume_negative import WeightedAssumeNegative

__all__ = [
    "LOSSES",
    "Action",
    "AssumeNegative",
    "Context",
    "CurriculumLabeling",
    "Decision",
    "ExpectedPositive",
    "FullLabel",
    "IgnoreUnobserved",
    "InteractiveMultiLabelLearning",
    "LabelSmoothingAssumeNegative",
    "LargeLossPermanentCorrection",
    "LargeLossRejection",
    "LargeLossTemporaryCorrection",
    "PartialLabelLoss",
    "RegularizedOnlineLabelEstimation",
    "WeightedAssumeNegative",
    "action_of",
    "build_loss",
    "check_some_method_has",
    "find_method",
    "settings_of",
    "title_of",
]
