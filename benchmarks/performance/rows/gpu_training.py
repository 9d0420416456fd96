"""Training ResNet-50 on a GPU in bf16: images per second, and what the loss and the input take."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from measure import Line, interleaved, seconds
from torch import Tensor
from torch.nn import functional as F

from largeloss.data.inputs.image_files import ImageFiles
from largeloss.data.inputs.loader import Batch, Loader
from largeloss.labels import LabelTable
from largeloss.losses import LargeLossRejection
from largeloss.models import Classifier, build_classifier
from largeloss.training.determinism import prepare_gpu, repeatable

CLASSES = 80
Loss = Callable[[Tensor, Tensor], Tensor]


def lines(
    device: str = "cuda",
    backbone: str = "resnet50",
    sizes: Sequence[int] = (224, 448),
    batch: int = 64,
    steps: int = 20,
) -> Iterator[Line]:
    """A line a size; where there is no such device, it is said."""
    for size in sizes:
        title = f"{backbone}, {batch} images of {size} px, {CLASSES} classes"
        if device == "cuda" and not torch.cuda.is_available():
            why = "there is no CUDA device here"
            yield Line("training on a GPU", title, "not measured", "", False, {}, why)
        else:
            yield _line(torch.device(device), backbone, size, batch, steps, title)


def _line(
    device: torch.device, backbone: str, size: int, batch: int, steps: int, title: str
) -> Line:
    torch.manual_seed(0)
    model = build_classifier(backbone, CLASSES, (3, size, size)).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-5, fused=True)
    loader = _loader(size, batch, steps, device)
    loss = LargeLossRejection(delta_rel=0.2)
    loss.set_epoch(5)
    first = next(iter(loader))
    targets = (first.labels == 1).float()

    def plain(logits: Tensor, labels: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(logits, targets)

    def resident(criterion: Loss) -> Callable[[], None]:
        return lambda: _train(model, optimizer, criterion, [first] * steps)

    prepare_gpu()
    ways = {
        "plain BCE": resident(plain),
        "ll-r": resident(loss),
        "ll-r, from JPEG": lambda: _train(model, optimizer, loss, loader),
    }
    with repeatable():  # as ``largeloss train`` does
        sampled = interleaved(ways, rounds=3)
    bare, ours, whole = (found.median for found in sampled.values())
    return Line(
        "training on a GPU",
        title,
        f"{batch * steps / whole:,.0f} images per second from JPEG with {loader_workers()} "
        f"workers, {batch * steps / ours:,.0f} without input; the loss takes "
        f"{max(0.0, 1 - bare / ours):.1%} of a step, waiting for input {1 - ours / whole:.0%}",
        "",
        True,
        seconds(sampled),
        _name(device),
    )


def _train(
    model: Classifier,
    optimizer: torch.optim.Optimizer,
    criterion: Loss,
    batches: Sequence[Batch] | Loader,
) -> None:
    """One step per batch, and waits for the last."""
    for batch in batches:
        optimizer.zero_grad()
        with torch.autocast(batch.inputs.device.type, dtype=torch.bfloat16):
            logits = model(batch.inputs).logits
        criterion(logits.float(), batch.labels).backward()
        optimizer.step()
    if batch.inputs.is_cuda:
        torch.cuda.synchronize()


def loader_workers() -> int:
    """Processes that decode."""
    return os.cpu_count() or 1


def _loader(size: int, batch: int, steps: int, device: torch.device) -> Loader:
    """The photographs, again and again; a tag each."""
    root = os.environ.get("LARGELOSS_DATA")
    if not root:
        raise SystemExit("Set LARGELOSS_DATA to the folder that holds photos/.")
    photographs = sorted((Path(root) / "photos").glob("**/*.jpg"))
    number = batch * steps
    paths = tuple(photographs[place % len(photographs)] for place in range(number))
    states = np.full((number, CLASSES), -1, dtype=np.int8)
    states[np.arange(number), np.arange(number) % CLASSES] = 1
    return Loader(
        ImageFiles(paths, size), LabelTable.from_dense(states), np.arange(number), batch,
        seed=0, mirror=True, workers=loader_workers(), device=device,
    )  # fmt: skip


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
