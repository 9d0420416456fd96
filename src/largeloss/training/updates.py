"""What happens between a batch's loss and new weights: accumulation, learning rate, averaging."""

import math
from typing import Any, Literal

import torch
from torch import Tensor, nn


class Updates:
    """The updates of a run.

    Args:
        optimizer: Its groups have the learning rates that ``schedule`` scales.
        epochs: Of the run.
        batches: Of an epoch.
        accumulate: Batches whose gradients are averaged for one update; the last update of an
            epoch may have fewer. A method decides batch by batch all the same.
        schedule: ``constant``; or ``cosine``, down to 0 at the end of the last epoch. Each update
            has the rate of its middle.
        lr_warmup: Share of all updates in which a cosine schedule first rises from 0.
        model: Whose weights are averaged; None: of none.
        ema: Decay of the average an update; smaller in the first ones, 1 - t ** (-2/3) at update t.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        *,
        epochs: int = 1,
        batches: int = 1,
        accumulate: int = 1,
        schedule: Literal["constant", "cosine"] = "constant",
        lr_warmup: float = 0.0,
        model: nn.Module | None = None,
        ema: float | None = None,
    ) -> None:
        self.optimizer, self.accumulate, self.schedule = optimizer, accumulate, schedule
        self.lr_warmup, self.epochs, self.batches = lr_warmup, epochs, batches
        self._base = [group["lr"] for group in optimizer.param_groups]
        self._model = model
        self._average = None if ema is None else _average_of(model, ema)
        self._averaged = 0
        self.begin(0)

    def begin(self, epoch: int, skipped: int = 0) -> None:
        """An epoch begins, or goes on after ``skipped`` batches, at the end of an update."""
        self._epoch, self._done = epoch, skipped
        self._waiting = 0

    @property
    def whole(self) -> bool:
        """Whether no batch waits for an update: a checkpoint holds no gradients."""
        return self._waiting == 0

    @property
    def taken(self) -> int:
        """Updates in this epoch."""
        return -(-(self._done - self._waiting) // self.accumulate)

    @property
    def model(self) -> nn.Module | None:
        """With averaged weights; None where none are averaged."""
        return None if self._average is None else self._average.module

    def before(self) -> None:
        """Call it before the forward pass of a batch."""
        if self.whole:
            for group in self.optimizer.param_groups:  # zero_grad() takes as long as a small loss
                for parameter in group["params"]:
                    parameter.grad = None

    def learn(self, loss: Tensor) -> None:
        """Goes back from the batch's loss; updates the weights where their turn has come."""
        first = self._done - self._waiting
        together = max(1, min(self.accumulate, self.batches - first))
        torch.autograd.backward(loss if together == 1 else loss / together)
        self._done, self._waiting = self._done + 1, self._waiting + 1
        if self._waiting < together:
            return
        self._waiting = 0
        if self.schedule != "constant":
            middle = (first + self._done) / 2  # of the update: neither the first nor the last is 0
            share = (self._epoch + middle / self.batches) / self.epochs
            scale = cosine(share, self.lr_warmup)
            for group, lr in zip(self.optimizer.param_groups, self._base, strict=True):
                group["lr"] = lr * scale
        self.optimizer.step()
        if self._average is not None:
            self._averaged += 1
            self._average.update(self._model, self._averaged)

    def state(self) -> dict[str, Any]:
        """For a checkpoint, beside the optimiser's own; only where :attr:`whole`."""
        if self._average is None:
            return {}
        return {"updates": self._averaged, "average": self._average.module.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Restores what :meth:`state` gave."""
        if self._average is not None:
            self._averaged = state["updates"]
            self._average.module.load_state_dict(state["average"])


def _average_of(model: nn.Module | None, decay: float) -> Any:
    from timm.utils import ModelEmaV3  # slow to import: it brings torchvision

    return ModelEmaV3(model, decay=decay, use_warmup=True)


def cosine(done: float, warmup: float) -> float:
    """The learning rate in shares of the highest, after a share ``done`` of all updates.

    It rises from 0 for the first ``warmup`` of them, then falls to 0 along half a cosine.
    """
    if done < warmup:
        return done / warmup
    return (1 + math.cos(math.pi * (done - warmup) / (1 - warmup))) / 2
