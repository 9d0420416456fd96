"""Whether an exported model gives the scores of ``predict``, on real inputs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from largeloss.data.inputs.image_files import ImageFiles
from largeloss.errors import DataError, InputError, RunError
from largeloss.runs.data import readable_data
from largeloss.runs.load import TrainedClassifier
from largeloss.runs.predict.sources import find_images
from largeloss.runs.settings import saved_settings
from largeloss.training.run_folder import RunFolder

TOLERANCE = 1e-4
"""Of a score, absolute."""
NUM_INPUTS = 64
"""So many inputs are compared at most."""
Floats = NDArray[np.floating[Any]]


def real_inputs(
    run: Path, model: TrainedClassifier, images: Sequence[Path] | None = None
) -> Tensor:
    """Up to 64 inputs (B, …) as the model takes them: val of the run, or the files named.

    Raises:
        DataError, LabelError: they cannot be read, or there is none.
    """
    if images:
        model.check_takes_images()
        found = find_images(images).paths[:NUM_INPUTS]
        source = ImageFiles(found, model.sample_shape[1], model.max_value)
        return source.read(range(len(found)), [False] * len(found))
    if not RunFolder(run).config_file.is_file():
        raise DataError(
            f"{run} is a model without its data. Name real images that the exported model is "
            "compared on: --images FOLDER."
        )
    try:
        data = readable_data(saved_settings(run)).reference
        rows = data.rows("val")[:NUM_INPUTS].tolist()
        inputs = data.source.read(rows, [False] * len(rows))
    except InputError as error:
        raise DataError(
            f"The run's val, which the exported model is compared on, cannot be read: {error} "
            "Name other images: --images FOLDER."
        ) from None
    if tuple(inputs.shape[1:]) != model.sample_shape:
        raise DataError(
            f"The run's data has inputs of another shape than the model takes "
            f"({list(inputs.shape[1:])} and {list(model.sample_shape)}). Restore the data, or name "
            "images: --images FOLDER."
        )
    return inputs


@torch.no_grad()
def expected_scores(model: TrainedClassifier, inputs: Tensor) -> Floats:
    """(B, C) float64, as ``predict`` computes them on the CPU."""
    network = model.network.cpu()
    with network.scoring():
        logits = torch.cat([network(part).logits.float() for part in torch.split(inputs, 16)])
    return model.scores(logits).numpy()


def check_parity(
    scores: Callable[[NDArray[Any]], Floats], inputs: Tensor, expected: Floats, what: str
) -> float:
    """The greatest difference of a score, for batches of several sizes.

    Args:
        scores: (B, C) of a batch, by the exported model.
        inputs: Of any number.
        expected: Their scores.
        what: The exported model, for the message.

    Raises:
        RunError: it is more than 1e-4, or the exported model takes other batches only.
    """
    arrays, worst, first = inputs.numpy(), 0.0, 0
    for size in (1, 3, 16, 16, 16, 16):
        part = slice(first, first + size)
        if first < len(arrays):
            difference = np.abs(scores(arrays[part]) - expected[part])
            # NaN is no small difference.
            worst = max(worst, float(np.nan_to_num(difference, nan=np.inf).max()))
        first += size
    if worst > TOLERANCE:
        raise RunError(
            f"{what} gives other scores than predict: they differ by up to {worst:.2g} on "
            f"{len(arrays)} inputs, and at most {TOLERANCE:g} is allowed. Nothing was written. "
            "Models whose features were computed in bf16 cannot be exported: train with "
            "--precision fp32."
        )
    return worst
