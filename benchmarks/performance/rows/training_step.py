"""A training step of a ResNet: bf16 and channels_last against eager fp32."""

from collections.abc import Iterator

import torch
from measure import Line, interleaved, seconds
from torch.nn import functional as F

from largeloss.models import build_classifier

BACKBONE, SIZE, BATCH = "resnet18", 224, 16


def lines() -> Iterator[Line]:
    """One step, forward, backward, update."""
    torch.manual_seed(0)
    pictures = torch.randint(0, 256, (BATCH, 3, SIZE, SIZE), dtype=torch.uint8)
    targets = (torch.rand(BATCH, 20) < 0.1).float()
    model = build_classifier(BACKBONE, 20, (3, SIZE, SIZE))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    plain = build_classifier(BACKBONE, 20, (3, SIZE, SIZE))
    plain.memory_format = torch.contiguous_format
    plain.to(memory_format=torch.contiguous_format)
    other = torch.optim.Adam(plain.parameters(), lr=1e-4)

    def step(half: bool) -> None:
        network, update = (model, optimizer) if half else (plain, other)
        update.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            logits = network(pictures).logits
        F.binary_cross_entropy_with_logits(logits, targets).backward()
        update.step()

    ways = {"fp32": lambda: step(False), "bf16, channels_last": lambda: step(True)}
    sampled = interleaved(ways, rounds=5)
    ratio = sampled["fp32"].median / sampled["bf16, channels_last"].median
    yield Line(
        "training step, bf16",
        f"{BACKBONE}, {BATCH} pictures of {SIZE} px",
        f"{ratio:.2f}× as fast",
        "≥ 2× where the CPU has bf16",
        ratio >= 2,
        seconds(sampled),
    )
