"""A training step of a ResNet: bf16 and channels_last against eager fp32; what compiling adds."""

from collections.abc import Callable, Iterator

import torch
from measure import Line, interleaved, seconds
from torch.nn import functional as F

from largeloss.models import Classifier, build_classifier

BACKBONE, SIZE, BATCH = "resnet18", 224, 16
WAY = "bf16, channels_last"


def lines() -> Iterator[Line]:
    """One step, forward, backward, update."""
    torch.manual_seed(0)
    plain = _model()
    plain.memory_format = torch.contiguous_format
    plain.to(memory_format=torch.contiguous_format)
    compiled = _model()
    compiled.compile()
    ways = {
        "fp32": _step(plain, half=False),
        WAY: _step(_model(), half=True),
        "the same, compiled": _step(compiled, half=True),
    }
    sampled = interleaved(ways, rounds=5)
    size = f"{BACKBONE}, {BATCH} images of {SIZE} px"
    ratio = sampled["fp32"].median / sampled[WAY].median
    reach = "≥ 2× where the CPU has bf16"
    yield Line(
        "training step, bf16", size, f"{ratio:.2f}× as fast", reach, ratio >= 2, seconds(sampled)
    )
    gain = sampled[WAY].median / sampled["the same, compiled"].median
    yield Line(
        "training step, torch.compile",
        size,
        f"{gain:.2f}× as fast as without",
        "an option only if it pays",
        True,
        {},
        "there is no such option" if gain < 1.1 else "pays here",
    )


def _model() -> Classifier:
    return build_classifier(BACKBONE, 20, (3, SIZE, SIZE))


def _step(model: Classifier, *, half: bool) -> Callable[[], None]:
    images = torch.randint(0, 256, (BATCH, 3, SIZE, SIZE), dtype=torch.uint8)
    targets = (torch.rand(BATCH, 20) < 0.1).float()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            logits = model(images).logits
        F.binary_cross_entropy_with_logits(logits, targets).backward()
        optimizer.step()

    return step
