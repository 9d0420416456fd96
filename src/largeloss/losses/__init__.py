"""Losses for partial labels: one interface, one method a file.

``LOSSES`` has them by the names of the papers and of the command line.
"""

from largeloss.losses.assume_negative import AssumeNegative
from largeloss.losses.base import Context, Decision, PartialLabelLoss
from largeloss.losses.curriculum import CurriculumLabeling
from largeloss.losses.expected_positive import ExpectedPositive
from largeloss.losses.full_label import FullLabel
from largeloss.losses.ignore_unobserved import IgnoreUnobserved
from largeloss.losses.imcl.interactive_learning import InteractiveMultiLabelLearning
from largeloss.losses.label_smoothing import LabelSmoothingAssumeNegative
from largeloss.losses.online_label_estimation import RegularizedOnlineLabelEstimation
from largeloss.losses.permanent_correction import LargeLossPermanentCorrection
from largeloss.losses.rejection import LargeLossRejection
from largeloss.losses.temporary_correction import LargeLossTemporaryCorrection
from largeloss.losses.weighted_assume_negative import WeightedAssumeNegative

LOSSES: dict[str, type[PartialLabelLoss]] = {
    "full": FullLabel,
    "an": AssumeNegative,
    "iu": IgnoreUnobserved,
    "wan": WeightedAssumeNegative,
    "lsan": LabelSmoothingAssumeNegative,
    "epr": ExpectedPositive,
    "role": RegularizedOnlineLabelEstimation,
    "ll-r": LargeLossRejection,
    "ll-ct": LargeLossTemporaryCorrection,
    "ll-cp": LargeLossPermanentCorrection,
    "curriculum": CurriculumLabeling,
    "imcl": InteractiveMultiLabelLearning,
}

__all__ = [
    "LOSSES",
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
]
