"""An epoch of a linear head over features in memory."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from measure import Line, interleaved, seconds
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from largeloss.data import Dataset
from largeloss.data.inputs.source import FeatureArray
from largeloss.labels import LabelTable
from largeloss.losses import AssumeNegative
from largeloss.models import Classifier
from largeloss.objective import Objective
from largeloss.training.engine import train_epoch
from largeloss.training.fit import training_loader
from largeloss.training.frozen import feature_classifier
from largeloss.training.recipe import Recipe, make_optimizer
from largeloss.training.start import start
from largeloss.training.updates import Updates

BATCH, DIMENSIONS = 16, 2_048
SIZES = ((5_717, 20), (20_000, 80))


def lines() -> Iterator[Line]:
    """VOC's size, and a quarter of COCO's."""
    for num_images, num_classes in SIZES:
        yield _epoch(num_images, num_classes)


def _epoch(num_images: int, num_classes: int) -> Line:
    torch.manual_seed(0)
    features = torch.randn(num_images, DIMENSIONS)
    states = np.full((num_images, num_classes), -1, dtype=np.int8)
    states[
        np.arange(num_images), np.random.default_rng(0).integers(num_classes, size=num_images)
    ] = 1
    targets = torch.from_numpy((states == 1).astype(np.float32))

    head = nn.Linear(DIMENSIONS, num_classes)
    optimizer = torch.optim.Adam(head.parameters(), lr=1e-3)
    loader = DataLoader(TensorDataset(features, targets), BATCH, shuffle=True)

    def published() -> None:
        for inputs, wanted in loader:
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(head(inputs), wanted).backward()
            optimizer.step()

    by_hand = nn.Linear(DIMENSIONS, num_classes)
    adam = torch.optim.Adam(by_hand.parameters(), lr=1e-3, fused=True)

    @torch.no_grad()
    def closed_form() -> None:
        for rows in torch.randperm(num_images).split(BATCH):
            inputs = features.index_select(0, rows)
            slopes = torch.sigmoid(by_hand(inputs)) - targets.index_select(0, rows)
            slopes /= slopes.numel()
            by_hand.weight.grad, by_hand.bias.grad = slopes.T @ inputs, slopes.sum(dim=0)
            adam.step()

    weight = torch.randn(num_classes, DIMENSIONS)

    def products() -> None:
        for first in range(0, num_images, BATCH):
            inputs = features[first : first + BATCH]
            (inputs @ weight.T).T @ inputs

    labels = LabelTable.from_dense(states)
    rows = np.arange(num_images, dtype=np.int64)
    splits = {"train": rows, "val": rows[:1], "test": rows[:1]}
    data = Dataset("features", FeatureArray(features), labels, splits)
    model = feature_classifier(data, num_classes)
    ours = epoch_of(model, data)
    ways = {"published": published, "ours": ours, "closed form": closed_form}
    sampled = interleaved(ways | {"products alone": products}, 3)
    ratios = {way: sampled["published"].median / sampled[way].median for way in sampled}
    return Line(
        "linear head, an epoch",
        f"{num_images}×{DIMENSIONS}, {num_classes} classes, batch {BATCH}",
        f"{ratios['ours']:.1f}× as fast",
        "",
        True,
        seconds(sampled),
        f"by the closed form, without checks, method or labels to look up: "
        f"{ratios['closed form']:.1f}×; products alone: {ratios['products alone']:.0f}×",
    )


def epoch_of(model: Classifier, data: Dataset) -> Callable[[], None]:
    """An epoch as the protocol runs it."""
    recipe, device = Recipe(batch_size=BATCH, lr=1e-3, mirror=False), start()
    loader = training_loader(data, recipe, device)
    objective = Objective(model, AssumeNegative()).to(device)
    optimizer = make_optimizer(objective, recipe)

    def epoch() -> None:
        for _ in train_epoch(objective, loader, Updates(optimizer)):
            pass

    return epoch
