"""A frozen backbone: features are extracted once, and a linear head is trained on them.

The features are standardised with the training split's statistics; afterwards the standardisation
is folded into the head, so that what is saved is an ordinary classifier of images.
"""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from largeloss import distributed
from largeloss.data.dataset import Dataset
from largeloss.data.folder.read import Extraction, extraction, read_features, write_features
from largeloss.data.inputs.image_files import RULE
from largeloss.data.inputs.loader import Loader
from largeloss.data.inputs.source import FeatureArray
from largeloss.errors import DataError
from largeloss.forward import Forward, choose_for, full_memory_told
from largeloss.models import Classifier, FeatureInput
from largeloss.watch import watched

_ROWS = 4096  # of features, looked at in one go


def with_features(
    data: Dataset,
    model: Classifier,
    identity: Sequence[object],
    cache: Path,
    loader: Loader,
    backend: str = "auto",
) -> tuple[Dataset, str, str]:
    """``data`` with the backbone's pooled features in place of images; collective.

    Args:
        data: Images.
        model: Its backbone is used as in :meth:`Classifier.scoring`, without mirroring.
        identity: What the features depend on: content of the images, weights, network, transform.
        cache: A folder; features found there under the same key are read, not extracted.
        loader: Batches of every used row, in order.
        backend: What computes them, see :func:`.choose`. A cache that another one has filled is
            filled again, unless this is ``"auto"``.

    Returns:
        The data set of features, float32; where they came from, and how long that took; which
        backend computed them.

    Raises:
        ConfigError, RunError: as :func:`.choose`; also, the memory of the GPU is full.
    """
    path = cache / f"{_key(data, [*identity, *['bf16'] * model.scored_in_bf16])}.safetensors"
    started = time.perf_counter()
    found = distributed.from_main(
        _is_readable(path, data) and backend in ("auto", extraction(path).backend)
    )
    chosen = ""
    if not found:
        forward = choose_for(model, loader, backend)
        chosen = f" {forward.remark}".rstrip()
        with full_memory_told():
            values = _extract(forward, loader, len(data.source))
        if distributed.rank() == 0:
            seconds = time.perf_counter() - started
            made = Extraction(seconds, forward.backend, forward.difference)
            write_features(path, values, data.labels.images, made)
        distributed.barrier()
    features = FeatureArray(read_features(path, data.labels))
    elapsed = time.perf_counter() - started
    made = extraction(path)
    note = f"Features were extracted in {elapsed:.1f} s and are kept in {path}.{chosen}"
    if found:
        first = made.seconds
        note = (
            f"Features were read from {path} in {elapsed:.2f} s; extracting them by {made.backend} "
            f"took {first:.1f} s, {first / elapsed:.0f} times as long."
        )
    return replace(data, source=features), note, made.backend


def feature_classifier(data: Dataset, num_classes: int, dropout: float = 0.0) -> Classifier:
    """A linear model over standardised features; statistics of the training split.

    Its weights are zeros: what is learnt is a convex function of them, and of random ones the noise
    of a thousand features would still be there when the best epoch is over.

    A feature that hardly varies there (by less than a thousandth of what features vary by on
    average) is only centred: dividing by its deviation would magnify it without bound elsewhere.
    """
    mean, std = _mean_and_std(data)
    std = torch.where(std > 1e-3 * std.mean(), std, torch.ones_like(std))
    inputs = FeatureInput(len(mean))
    linear = Classifier(inputs, num_classes, mean, std, pixels=False, dropout=dropout)
    with torch.no_grad():
        for weights in linear.head.parameters():
            weights.zero_()
    return linear


def _mean_and_std(data: Dataset) -> tuple[Tensor, Tensor]:
    """(D,) float64 each, over the training split; a few rows are in memory at a time."""
    rows = data.rows("train").tolist()
    parts = [rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS)]
    mean, squares = torch.zeros(2, *data.source.sample_shape, dtype=torch.float64)
    for part in parts:
        mean += data.source.read(part, []).double().sum(0) / len(rows)
    for part in parts:
        squares += (data.source.read(part, []).double() - mean).square().sum(0)
    return mean, (squares / (len(rows) - 1)).sqrt()


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


def _extract(forward: Forward, loader: Loader, num_inputs: int) -> Tensor:
    features: Tensor | None = None
    for batch in watched(loader, "Features of images, by batch", len(loader)):
        values = distributed.gather(forward(batch.inputs).features).cpu()
        rows = distributed.gather(batch.rows.to(distributed.device())).cpu()
        if features is None:
            features = torch.zeros(num_inputs, values.shape[1])
        features[rows] = values
    assert features is not None
    return features


def _is_readable(path: Path, data: Dataset) -> bool:
    """Whether the cache has the features; a damaged file counts as none, too."""
    try:
        read_features(path, data.labels)
    except DataError:
        return False
    return True


def _key(data: Dataset, identity: Sequence[object]) -> str:
    used = np.sort(np.concatenate(list(data.splits.values())))
    names = [data.labels.images[row] for row in used]
    parts = [*map(str, identity), str(data.source.sample_shape), RULE, *names]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]
