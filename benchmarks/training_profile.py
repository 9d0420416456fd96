"""Which operators a training step on the CPU spends its time in, network by network.

    python benchmarks/training_profile.py [--backbones mobilenetv2_100,resnet50]

Prints a table for docs/reference/performance.md: shares of an fp32 and of a bf16 step, forward and
backward of 8 images of 224 px on one thread, and how many times as fast bf16 is, as
``--precision auto`` measures it.
"""

import argparse
from collections import Counter

import torch
from torch.nn import functional as F

from largeloss.models import Classifier, build_classifier, half_precision
from largeloss.training.precision import gain

SHAPE, BATCH = (3, 224, 224), 8
GROUPS = {
    "convolution, backward": ("convolution_backward", "conv_depthwise2d_backward"),
    "convolution, forward": ("mkldnn_convolution", "thnn_conv", "_conv_depthwise", "slow_conv"),
    "batch normalisation": ("batch_norm",),
    "activations": ("relu", "hardtanh", "clamp", "threshold", "silu", "sigmoid"),
    "copies between layouts and precisions": ("copy_", "contiguous", "_to_copy", "fill_", "zero_"),
    "additions": ("add", "mul", "sum", "mean", "sub", "div"),
}
"""What the table calls it → parts of the names of torch's operators; the first that fits counts."""


def main() -> None:
    """Measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbones", default="mobilenetv2_100,resnet50")
    names = parser.parse_args().backbones.split(",")
    torch.set_num_threads(1)
    columns, gains = {}, {}
    for name in names:
        model = build_classifier(name, 20, SHAPE)
        gains[name] = gain(model, SHAPE, BATCH)
        for half in (False, True):
            columns[f"{name}, {'bf16' if half else 'fp32'}"] = shares(model, half)
    print("| Operators | " + " | ".join(columns) + " |")
    print("| :-- |" + " --: |" * len(columns))
    for group in (*GROUPS, "other"):
        row = [f"{found[group]:.0%}" for found in columns.values()]
        print(f"| {group} | " + " | ".join(row) + " |")
    print()
    for name, ratio in gains.items():
        print(f"{name}: bf16 is {ratio:.2f} times as fast as fp32")


def shares(model: Classifier, half: bool) -> Counter[str]:
    """Group of operators → its share of a step's own CPU time."""
    images = torch.randint(0, 256, (BATCH, *SHAPE), dtype=torch.uint8)
    model.train()
    step(model, images, half)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiled:
        step(model, images, half)
    found: Counter[str] = Counter()
    for event in profiled.key_averages():
        found[group_of(event.key)] += event.self_cpu_time_total
    total = sum(found.values())
    return Counter({group: time / total for group, time in found.items()})


def step(model: Classifier, images: torch.Tensor, half: bool) -> None:
    """Forward and backward."""
    with half_precision(images.device, half):
        logits = model(images).logits
    torch.autograd.backward(F.softplus(logits).mean())


def group_of(operator: str) -> str:
    """Of :data:`GROUPS`."""
    for group, parts in GROUPS.items():
        if any(part in operator for part in parts):
            return group
    return "other"


if __name__ == "__main__":
    main()
