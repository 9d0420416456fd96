"""Scores of a trained classifier for images, or features, of the user's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from largeloss.data.inputs.image_files import SUFFIXES, ImageFiles, broken_images
from largeloss.data.inputs.loader import Loader
from largeloss.errors import CheckpointError, DataError
from largeloss.labels import LabelTable
from largeloss.models import Classifier, build_classifier
from largeloss.training.engine import score
from largeloss.training.weights import load_config, load_weights


@dataclass(frozen=True)
class Predictions:
    """Probabilities and tags."""

    images: tuple[str, ...]
    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]
    """(N, C)."""
    tagged: NDArray[np.bool_]
    """(N, C): the score lies above the class's threshold, which was chosen on val."""

    def tags(self, row: int) -> list[str]:
        """The tags of an image, most probable first."""
        order = np.argsort(-self.probabilities[row], kind="stable")
        return [self.classes[column] for column in order if self.tagged[row, column]]


def load_classifier(folder: Path) -> tuple[Classifier, dict[str, Any]]:
    """The best weights of a run as a model, and their ``config.json``.

    Args:
        folder: A run folder, or its ``best/``.

    Raises:
        CheckpointError: nothing there, or damaged.
    """
    best = folder / "best" if (folder / "best").is_dir() else folder
    config = load_config(best)
    try:
        model = build_classifier(num_classes=len(config["classes"]), **config["architecture"])
        model.load_state_dict(load_weights(best))
    except (KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(
            f"{best}: weights and config.json do not fit each other ({error})."
        ) from None
    return model.eval(), config


def find_images(paths: Sequence[Path]) -> list[Path]:
    """The images among files and, by suffix, in folders and all that is below them; sorted.

    Raises:
        DataError: a path does not exist, or there is no image at all.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            below = (file for file in path.rglob("*") if file.is_file())
            found += sorted(file for file in below if file.suffix.lower() in SUFFIXES)
        elif path.exists():
            found.append(path)
        else:
            raise DataError(f"{path} does not exist. Give images, or folders of images.")
    if not found:
        raise DataError(
            f"There are no images in {', '.join(map(str, paths))} "
            f"(looked for {', '.join(sorted(SUFFIXES))})."
        )
    return list(dict.fromkeys(found))


def predict(
    model: Classifier,
    config: dict[str, Any],
    images: Sequence[Path],
    *,
    batch_size: int = 64,
    workers: int = 2,
    bad_images: str = "error",
) -> tuple[Predictions, dict[int, str]]:
    """Scores images.

    Returns:
        Predictions of the readable images, and what is wrong with the others by position.

    Raises:
        DataError: the model wants features, or images cannot be read and ``bad_images`` is not
            ``"skip"``.
    """
    shape = config["architecture"]["sample_shape"]
    if len(shape) != 3:
        raise DataError("This model was trained on features, not on images: use evaluate.")
    broken = broken_images(images, workers)
    if broken and (bad_images != "skip" or len(broken) == len(images)):
        listed = "\n".join(f"  {text}" for text in list(broken.values())[:10])
        raise DataError(f"{len(broken)} of {len(images)} images cannot be read:\n{listed}")
    kept = [path for position, path in enumerate(images) if position not in broken]
    source = ImageFiles(tuple(kept), shape[1])
    classes = tuple(config["classes"])
    names = [str(path) for path in kept]
    blank = LabelTable.from_dense(
        np.full((len(kept), len(classes)), -1, dtype=np.int8), images=names, classes=classes
    )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows = np.arange(len(kept), dtype=np.int64)
    loader = Loader(source, blank, rows, batch_size, workers=workers, device=device)
    logits = score(model.to(device), loader).logits.double().numpy()
    thresholds = np.asarray(config.get("thresholds", [0.0] * len(classes)))
    probabilities = 1 / (1 + np.exp(-logits))
    return Predictions(tuple(names), classes, probabilities, logits > thresholds), broken
