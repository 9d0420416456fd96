"""Scores and tags from features without labels, for a model of features."""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from largeloss.data.folder.place import FEATURES
from largeloss.data.folder.read import read_features
from largeloss.data.inputs.source import FeatureArray
from largeloss.errors import DataError
from largeloss.files import loaded_json
from largeloss.labels import LabelTable
from largeloss.models import Classifier
from largeloss.runs.predict.predictions import Predictions, Readable


@dataclass(frozen=True, repr=False)
class FeaturePredictions(Predictions):
    """Predictions for features."""

    # only source() and digest() need paths, and both are overridden
    images: Sequence[str]  # type: ignore[assignment]
    """Names of the rows, which need not be paths."""
    features: Tensor = field(kw_only=True)
    """(N, D)."""

    def source(self) -> Readable:
        return _Rows(self.features)

    def digest(self) -> str:
        rows = np.arange(len(self), dtype=np.int64)
        names = b"".join(os.fsencode(name) + b"\0" for name in self.images)
        named = hashlib.blake2b(names, digest_size=32).hexdigest()
        return f"{named} {FeatureArray(self.features).fingerprint(rows)}"


@dataclass(frozen=True)
class _Rows:
    """Features (N, D), all of which can be read."""

    features: Tensor

    def read_readable(self, rows: Sequence[int]) -> tuple[Tensor, dict[int, str]]:
        return self.features[list(rows)], {}


def predict_features(
    network: Classifier,
    classes: tuple[str, ...],
    logit_thresholds: NDArray[np.float64],
    paths: Sequence[Path],
    batch_size: int,
    probabilities: Callable[[Tensor], Tensor],
    model_digest: str,
    backend: str,
    precision: str | None,
) -> FeaturePredictions:
    """Scores and tags for the rows of a feature file, labelled or not.

    ``paths`` is one ``features.safetensors`` as in a data folder, or a folder that holds it. Rows
    that the file does not name are called by their number, from 0.

    Raises:
        DataError: no such file, several, or features that the model does not take.
        LabelError: two rows of one name.
    """
    wanted = (
        f"This model was trained on features: give one {FEATURES}, or a folder that holds it. "
        "Images are not what it takes."
    )
    if len(paths) != 1:
        raise DataError(f"{wanted} Got {len(paths)} paths.")
    path = paths[0] / FEATURES if paths[0].is_dir() else paths[0]
    if not path.is_file() or path.suffix != ".safetensors":
        raise DataError(f"{wanted} {path} is no such file.")
    names = _names(path)
    table = LabelTable.from_dense(np.full((len(names), 1), -1, np.int8), names, classes[:1])
    features = read_features(path, table)
    needed = len(network.mean)
    if features.shape[1] != needed:
        raise DataError(
            f"{path} has {features.shape[1]} features per image; this model takes {needed}. Give "
            "features of the network that it was trained on."
        )
    return FeaturePredictions(
        network,
        classes,
        logit_thresholds,
        probabilities,
        tuple(names),
        image_size=0,
        model_digest=model_digest,
        batch_size=batch_size,
        workers=0,
        backend=backend,
        precision=precision,
        features=features,
    )


def _names(path: Path) -> list[str]:
    """Of the rows, as :func:`.read_features` has them."""
    try:
        with safe_open(path, framework="pt") as file:
            names = loaded_json((file.metadata() or {}).get("images", "null"))
            number = file.get_slice("features").get_shape()[0]
    except (SafetensorError, OSError, ValueError, IndexError) as error:
        raise DataError(
            f"{path}: no features can be read ({error}). Needed: a safetensors file with one "
            "tensor 'features' of shape (images, dimensions)."
        ) from None
    if names is None:
        return [str(row) for row in range(number)]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(f"{path}: 'images' in its metadata must be a JSON list of names.")
    if len(names) != number:
        raise DataError(f"{path} has {number} rows, but names {len(names)} images. Name each row.")
    return names
