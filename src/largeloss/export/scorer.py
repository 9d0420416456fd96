"""A model as one module from inputs to the scores that ``predict`` gives, and what describes it."""

import json
from typing import Any

import torch
from torch import Tensor, nn

from largeloss.data.inputs.image_files import RULE
from largeloss.runs.load import TrainedClassifier
from largeloss.version import __version__


class Scorer(nn.Module):
    """Normalisation, network, calibration and sigmoid, in float32.

    Takes images (B, 3, H, W) uint8, or features (B, D) float32; gives scores (B, C).
    """

    slopes: Tensor
    offsets: Tensor

    def __init__(self, model: TrainedClassifier) -> None:
        super().__init__()
        self.network = model.network.cpu().requires_grad_(False)
        num_classes, calibration = len(model.classes), model.calibration
        slopes, offsets = torch.ones(num_classes), torch.zeros(num_classes)
        if calibration is not None:
            slopes = torch.from_numpy(calibration.slopes).float()
            offsets = torch.from_numpy(calibration.offsets).float()
        self.register_buffer("slopes", slopes)
        self.register_buffer("offsets", offsets)
        self.eval()

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.sigmoid(self.network(inputs).logits * self.slopes + self.offsets)


def input_name(model: TrainedClassifier) -> str:
    """``images`` or ``features``."""
    return "images" if len(model.sample_shape) == 3 else "features"


def example(model: TrainedClassifier) -> Tensor:
    """Two inputs of the model's type, all zero."""
    dtype = torch.uint8 if len(model.sample_shape) == 3 else torch.float32
    return torch.zeros(2, *model.sample_shape, dtype=dtype)


def description(model: TrainedClassifier) -> dict[str, Any]:
    """What a program must know to use an exported model; plain values."""
    images = len(model.sample_shape) == 3
    inputs: dict[str, Any] = {
        "name": input_name(model),
        "shape": ["batch", *model.sample_shape],
        "type": "uint8" if images else "float32",
    }
    if images:
        inputs["preprocessing"] = {
            "channels": "RGB, EXIF orientation applied, transparency on white",
            "size": list(model.sample_shape[1:]),
            "resize": "to that height and width, without keeping the aspect; bilinear, antialiased "
            "where it shrinks, rounded to whole numbers",
            "rule": RULE,
            "max_value": model.max_value,
            "normalisation": "within the model",
        }
    return {
        "input": inputs,
        "output": {
            "name": "scores",
            "shape": ["batch", len(model.classes)],
            "meaning": "calibrated probabilities"
            if model.calibration is not None
            else "probabilities, as the network gives them",
        },
        "classes": list(model.classes),
        "thresholds": model.thresholds,
        "largeloss": __version__,
    }


def metadata(model: TrainedClassifier) -> dict[str, str]:
    """:func:`description` as texts by name, for the metadata of a file."""
    about = description(model)
    return {
        "classes": json.dumps(about["classes"], ensure_ascii=False),
        "thresholds": json.dumps(about["thresholds"], ensure_ascii=False),
        "input": json.dumps(about["input"]),
        "largeloss": about["largeloss"],
    }
