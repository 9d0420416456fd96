"""A frozen backbone: features are extracted once, and a linear head is trained on them.

The features are standardised with the training split's statistics; afterwards the standardisation
is folded into the head, so that what is saved is an ordinary classifier of pictures.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from largeloss import distributed
from largeloss.data.dataset import Dataset
from largeloss.data.folder import read_features, write_features
from largeloss.data.images import ImageFiles
from largeloss.data.loading import Loader
from largeloss.data.sources import FeatureArray, ImageArray
from largeloss.models import Classifier, FeatureInput


def with_features(
    data: Dataset, model: Classifier, identity: Sequence[object], cache: Path, loader: Loader
) -> Dataset:
    """``data`` with the backbone's pooled features in place of pictures.

    Args:
        data: Pictures.
        model: Its backbone is used in evaluation mode, without mirroring.
        identity: What the features depend on beside the files: weights, network, transform.
        cache: A folder; features found there under the same key are read, not extracted.
        loader: Batches of every used row, in order.
    """
    path = cache / f"{_key(data, identity)}.safetensors"
    if not distributed.from_main(path.is_file()):
        values = _extract(model, loader, len(data.source))
        if distributed.rank() == 0:
            write_features(path, values, data.labels.images)
        distributed.barrier()
    return replace(data, source=FeatureArray(read_features(path, data.labels)))


def feature_classifier(data: Dataset, num_classes: int) -> Classifier:
    """A linear model over standardised features; statistics of the training split."""
    features = data.source.read(data.rows("train").tolist(), [])
    std, mean = torch.std_mean(features.double(), dim=0)
    std = torch.where(std > 1e-6, std, torch.ones_like(std))
    return Classifier(FeatureInput(features.shape[1]), num_classes, mean, std, pixels=False)


def folded(model: Classifier, linear: Classifier) -> Classifier:
    """``model`` with the head of ``linear``, whose standardisation is folded in."""
    weight = linear.head.weight.detach() / linear.std
    with torch.no_grad():
        model.head.weight.copy_(weight)
        model.head.bias.copy_(linear.head.bias - weight @ linear.mean)
    return model


def head_alone(weights: Mapping[str, Tensor]) -> Classifier:
    """The head of saved weights as a linear model over features as they are."""
    weight, bias = weights["head.weight"], weights["head.bias"]
    num_classes, num_features = weight.shape
    zero, one = torch.zeros(num_features), torch.ones(num_features)
    linear = Classifier(FeatureInput(num_features), num_classes, zero, one, pixels=False)
    with torch.no_grad():
        linear.head.weight.copy_(weight)
        linear.head.bias.copy_(bias)
    return linear


@torch.no_grad()
def _extract(model: Classifier, loader: Loader, num_inputs: int) -> Tensor:
    was_training = model.training
    model.eval()
    features: Tensor | None = None
    for batch in loader:
        values = distributed.gather(model.features(batch.inputs).float()).cpu()
        rows = distributed.gather(batch.rows.to(distributed.device())).cpu()
        if features is None:
            features = torch.zeros(num_inputs, values.shape[1])
        features[rows] = values
    model.train(was_training)
    assert features is not None
    return features


def _key(data: Dataset, identity: Sequence[object]) -> str:
    digest = hashlib.sha256(json.dumps([str(part) for part in identity]).encode())
    if isinstance(data.source, ImageFiles):
        digest.update(f"size {data.source.size}".encode())
        used = np.sort(np.concatenate(list(data.splits.values())))
        for row in used:
            state = data.source.paths[row].stat()
            name = data.labels.images[row]
            digest.update(f"{name}\0{state.st_size}\0{state.st_mtime_ns}\0".encode())
    elif isinstance(data.source, ImageArray):
        digest.update(data.source.pixels.tobytes())
    return digest.hexdigest()[:24]
