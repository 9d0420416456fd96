"""How a model is trained, as numbers and names; and the optimiser that they describe."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from largeloss.errors import ConfigError
from largeloss.models import parameter_groups
from largeloss.objective import Objective
from largeloss.training.updates import Updates


@dataclass(frozen=True)
class Recipe:
    """How to train; the defaults are published where there are published values."""

    epochs: int = 10
    batch_size: int = 16
    """Of the global batch, over all processes."""
    optimizer: Literal["adam", "sgd", "rmsprop", "rmsprop-tf"] = "adam"
    lr: float = 1e-4
    """Of the backbone."""
    head_lr_factor: float = 10.0
    weight_decay: float = 0.0
    momentum: float = 0.9
    """Of SGD and of RMSProp."""
    seed: int = 0
    stop_below: float | None = 3.0
    """Early stopping: when what decides on val is this many points below its best; None: never."""
    mirror: bool = True
    """Whether half of the training images are mirrored."""
    augment: Literal["none", "light", "strong"] = "none"
    """How training images are changed at random."""
    precision: Literal["fp32", "bf16"] = "fp32"
    workers: int = 2
    checkpoint_every: int | None = None
    """Steps between checkpoints within an epoch; None saves every ten minutes."""
    accumulate: int = 1
    """Batches an update."""
    schedule: Literal["constant", "cosine"] = "constant"
    """Of the learning rate."""
    lr_warmup: float = 0.05
    """Of the cosine schedule: share of all updates in which the learning rate rises."""
    ema: float | None = None
    """Decay of averaged weights, which are then measured and kept; None: none are averaged."""
    keep_last: bool = False
    """Whether the last epoch counts as the best, whatever val shows."""


def make_optimizer(objective: Objective, recipe: Recipe) -> torch.optim.Optimizer:
    """The optimiser of the model's and of the loss's own parameters.

    Raises:
        ConfigError: an unknown optimiser.
    """
    groups = parameter_groups(objective.model, recipe.lr, recipe.head_lr_factor)
    own = list(objective.criterion.parameters())
    if own:
        lr = groups[0]["lr"] * objective.criterion.lr_factor
        groups.append({"params": own, "lr": lr, "weight_decay": 0.0})
    lr, decay, momentum = recipe.lr, recipe.weight_decay, recipe.momentum
    if recipe.optimizer == "adam":
        return torch.optim.Adam(groups, lr=lr, weight_decay=decay, fused=True)
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=lr, momentum=momentum, weight_decay=decay)
    if recipe.optimizer == "rmsprop":  # smoothing and epsilon as published for IMCL
        return torch.optim.RMSprop(
            groups, lr=lr, alpha=0.9, eps=1.0, momentum=momentum, weight_decay=decay
        )
    if recipe.optimizer == "rmsprop-tf":  # epsilon inside the root, mean squares start at 1
        from timm.optim import RMSpropTF  # slow to import: it brings torchvision

        return RMSpropTF(groups, lr=lr, alpha=0.9, eps=1.0, momentum=momentum, weight_decay=decay)
    raise ConfigError(
        f"optimizer must be adam, sgd, rmsprop or rmsprop-tf, got {recipe.optimizer!r}."
    )


def make_updates(
    objective: Objective, optimizer: torch.optim.Optimizer, recipe: Recipe, batches: int
) -> Updates:
    """The updates of a run with so many ``batches`` an epoch."""
    return Updates(
        optimizer,
        epochs=recipe.epochs,
        batches=batches,
        accumulate=recipe.accumulate,
        schedule=recipe.schedule,
        lr_warmup=recipe.lr_warmup,
        model=objective.model,
        ema=recipe.ema,
    )


def seed_of(*numbers: int) -> int:
    """A seed of its own for each combination of numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
