"""Networks: backbone, global pooling, linear head; class activation maps from the same module."""

from largeloss.autocast import half_precision
from largeloss.models.backbones import FeatureInput, load_backbone, weights_id
from largeloss.models.build import build_classifier, parameter_groups
from largeloss.models.classifier import Classifier, Output
from largeloss.models.normalisation import (
    normalisation_remarks,
    noted_statistics,
    usual_statistics,
)

__all__ = [
    "Classifier",
    "FeatureInput",
    "Output",
    "build_classifier",
    "half_precision",
    "load_backbone",
    "normalisation_remarks",
    "noted_statistics",
    "parameter_groups",
    "usual_statistics",
    "weights_id",
]
