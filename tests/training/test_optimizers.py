"""Optimisers against loops, and the learning rates of their groups."""

import math
from typing import Any

import pytest
import torch

from largeloss.config import make_config
from largeloss.losses import InteractiveMultiLabelLearning
from largeloss.models import build_classifier
from largeloss.objective import Objective
from largeloss.presets import presets
from largeloss.training.recipe import Recipe, make_optimizer


def of_imcl(recipe, lr_factor=1.0):
    """The optimiser of a small network, its head and a label graph; and the three."""
    torch.manual_seed(0)
    model = build_classifier("digits", 3, (3, 16, 16))
    graph = torch.eye(3) * 0.5 + 0.1
    loss = InteractiveMultiLabelLearning(4, graph, version="code", lr_factor=lr_factor)
    return make_optimizer(Objective(model, loss), recipe), model, loss


def by_loop(start, slopes, lr, momentum):
    """RMSProp of TensorFlow: epsilon 1 inside the root, mean squares that start at 1."""
    value, square, speed = start, 1.0, 0.0
    for slope in slopes:
        square = 0.9 * square + 0.1 * slope**2
        speed = momentum * speed + lr * slope / math.sqrt(square + 1.0)
        value -= speed
    return value


def test_finding_13_rmsprop_of_tensorflow_equals_the_loop():
    recipe = Recipe(optimizer="rmsprop-tf", lr=0.1, head_lr_factor=3.0, momentum=0.9)
    optimizer, model, loss = of_imcl(recipe, lr_factor=7.0)
    network = next(model.backbone.parameters())
    expected = []
    for parameter, factor in ((network, 1), (model.head.weight, 3), (loss.graph, 7)):
        start = parameter.flatten()[0].item()
        expected.append(by_loop(start, [0.5, -2.0, 3.0, 0.25], 0.1 * factor, 0.9))
    for slope in (0.5, -2.0, 3.0, 0.25):
        for parameter in (network, model.head.weight, loss.graph):
            parameter.grad = torch.full_like(parameter, slope)
        optimizer.step()
    found = [p.flatten()[0].item() for p in (network, model.head.weight, loss.graph)]
    assert found == pytest.approx(expected, rel=1e-5)


def test_finding_13_the_preset_has_the_authors_learning_rates():
    settings: Any = make_config([presets()["openimages-v3/imcl"].settings])
    training = settings.training
    assert settings.method.given() == {"version": "code", "lr_factor": 5e7}
    recipe = Recipe(
        optimizer=training.optimizer, lr=training.lr, head_lr_factor=training.head_lr_factor
    )
    optimizer, *_ = of_imcl(recipe, lr_factor=5e7)
    rates = [group["lr"] for group in optimizer.param_groups]
    assert rates == pytest.approx([1e-8, 1e-3, 0.5])
    assert [group["eps"] for group in optimizer.param_groups] == [1.0] * 3
