"""A full GPU, in words."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from largeloss.errors import RunError

SCORING = (
    "The memory of the GPU is full, and images were only being scored. End what else uses the GPU "
    "(nvidia-smi lists it), or train with a smaller --batch-size or --image-size: no more images "
    "are scored at a time than a batch has in training."
)
TRAINING = "The memory of the GPU is full. Lower --batch-size or --image-size."


@contextmanager
def full_memory_told(text: str = SCORING) -> Iterator[None]:
    """Within it, running out of the GPU's memory is told as ``text``.

    Raises:
        RunError: so it is.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise RunError(text) from None
