"""Whether this machine trains faster in bfloat16: measured for about a second, never guessed.

Matrix products and convolutions are then done in bfloat16 by autocast; weights, head, loss and
everything that is scored stay in float32.
"""

import statistics
import time
from collections.abc import Sequence

import torch
from torch.nn import functional as F

from largeloss.forward.memory import TRAINING, full_memory_told
from largeloss.models import Classifier, half_precision

SMALLEST = 96
"""Pixels: networks for smaller images have too little to gain, and are not measured."""
GAIN = 1.3
"""So many times as fast must bfloat16 be to be chosen."""
_SECONDS = 1.0
_IMAGES = 16


def gain(model: Classifier, sample_shape: Sequence[int], batch_size: int) -> float:
    """How many times as fast training steps of ``model`` are in bfloat16 as in float32.

    Both are taken in turn, after one of each that is not counted, for a second or three times each,
    whichever is longer, over at most 16 images of noise. Random streams stay as they are; the
    model's statistics and gradients do not: give one that is not needed.

    Args:
        model: On the device to measure; any weights.
        sample_shape: Of one image, (3, H, W).
        batch_size: Of training.

    Raises:
        RunError: the memory of the GPU is full.
    """
    device = next(model.parameters()).device
    forked = torch.random.fork_rng(devices=[] if device.type == "cpu" else [device])
    with full_memory_told(TRAINING), forked:
        size = (min(batch_size, _IMAGES), *sample_shape)
        images = torch.randint(0, 256, size, dtype=torch.uint8).to(device)
        taken: dict[bool, list[float]] = {False: [], True: []}
        model.train()
        begun = time.perf_counter()
        while len(taken[True]) < 4 or time.perf_counter() - begun < _SECONDS:
            for half, seconds in taken.items():
                seconds.append(_step(model, images, half))
    return statistics.median(taken[False][1:]) / statistics.median(taken[True][1:])


def _step(model: Classifier, images: torch.Tensor, half: bool) -> float:
    device = images.device
    started = time.perf_counter()
    with half_precision(device, half):
        logits = model(images).logits
    F.softplus(logits).mean().backward()  # type: ignore[no-untyped-call]  # torch has no types
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started
