"""Networks: backbone, global pooling, linear head; class activation maps from the same module."""

from largeloss.autocast import half_precision
from largeloss.models.backbones import FeatureInput, load_backbone, weights_id
from largeloss.models.build import build_classifier, parameter_groups
from largeloss.models.classifier import Classifier, Output

__all__ = [
    "Classifier",
    "FeatureInput",
    "Output",
    "build_classifier",
    "half_precision",
    "load_backbone",
    "parameter_groups",
    "weights_id",
]
