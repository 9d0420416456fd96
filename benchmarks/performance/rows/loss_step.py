"""The large-loss step, forward and backward, in multiples of plain binary cross-entropy."""

import math
from collections.abc import Iterator

import torch
from measure import Line, interleaved, peak_bytes, seconds
from torch import Tensor
from torch.nn import functional as F

from largeloss.losses import (
    LargeLossPermanentCorrection,
    LargeLossRejection,
    LargeLossTemporaryCorrection,
    PartialLabelLoss,
)

SIZES = ((16, 20), (64, 80), (512, 5000), (1024, 9605))
EPOCH, DELTA = 5, 0.2


def lines() -> Iterator[Line]:
    """One line per method and size."""
    for batch, num_classes in SIZES:
        for name, loss in methods().items():
            yield _line(name, loss, batch, num_classes)


def methods() -> dict[str, PartialLabelLoss]:
    """The three, in a regular epoch."""
    made: dict[str, PartialLabelLoss] = {
        "ll-r": LargeLossRejection(DELTA),
        "ll-ct": LargeLossTemporaryCorrection(DELTA),
        "ll-cp": LargeLossPermanentCorrection(DELTA),
    }
    for loss in made.values():
        loss.set_epoch(EPOCH)
    return made


def _line(name: str, loss: PartialLabelLoss, batch: int, num_classes: int) -> Line:
    torch.manual_seed(0)
    logits = torch.randn(batch, num_classes, requires_grad=True)
    labels = torch.full((batch, num_classes), -1, dtype=torch.int8)
    labels[torch.arange(batch), torch.randint(num_classes, (batch,))] = 1
    targets = (labels == 1).float()
    rows = torch.arange(batch)

    def step(value: Tensor) -> None:
        logits.grad = None
        value.backward()

    def ours() -> None:
        step(loss(logits, labels, rows) if "rows" in loss.needs else loss(logits, labels))

    def plain() -> None:
        step(F.binary_cross_entropy_with_logits(logits, targets))

    def published() -> None:
        step(as_published(name, logits, labels))

    small = batch * num_classes <= 6000
    ways = {"plain BCE": plain, "published": published, "ours": ours}
    sampled = interleaved(ways, rounds=15 if small else 7)
    times = {way: found.median for way, found in sampled.items()}
    ratio = times["ours"] / times["plain BCE"]
    matrix = 4 * batch * num_classes
    memory = (peak_bytes(ours) - peak_bytes(plain)) / matrix if not small else math.nan
    fits = small or memory <= 3
    extra = "" if small else f", {memory:.1f} B×C matrices more memory"
    return Line(
        "loss step",
        f"{name}, {batch}×{num_classes}",
        f"{ratio:.2f}× BCE{extra}",
        "≤ 2× BCE" + ("" if small else ", ≤ 3 matrices"),
        ratio <= 2 and fits,
        seconds(sampled),
        f"published: {times['published'] / times['plain BCE']:.2f}× BCE",
    )


def as_published(name: str, logits: Tensor, labels: Tensor) -> Tensor:
    """What the published code computes, written plainly: probabilities, epsilon in the logs."""
    targets = (labels == 1).float()
    unobserved = (labels != 1).float()
    p = torch.sigmoid(logits)
    losses = -targets * torch.log(p + 1e-5) - (1 - targets) * torch.log(1 - p + 1e-5)
    rate = DELTA / 100 * (1 if name == "ll-cp" else EPOCH)
    k = math.ceil(logits.numel() * rate)
    candidates = losses.detach() * unobserved
    threshold = torch.topk(candidates.flatten(), k).values[-1]
    if name == "ll-r":
        return torch.where(candidates < threshold, losses, torch.zeros_like(losses)).mean()
    corrected = -torch.log(p + 1e-5)
    chosen = torch.where(candidates < threshold, losses, corrected)
    if name == "ll-cp":  # the entries, to be corrected for good
        torch.where(candidates > threshold)
    return chosen.mean()
