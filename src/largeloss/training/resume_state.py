"""Where a run is: what a checkpoint holds beside the weights."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from largeloss import distributed
from largeloss.errors import CheckpointError
from largeloss.losses import PartialLabelLoss
from largeloss.training.engine import Step
from largeloss.training.recording import Recorder


@dataclass
class History:
    """What has happened in the epochs that are over."""

    epochs: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int = -1
    best_val_map: float = -1.0


@dataclass
class Running:
    """The epoch that is under way."""

    steps: int = 0
    """Taken."""
    images: int = 0
    """Of this process."""
    losses: list[Tensor] = field(default_factory=list)
    """() each: a step's loss times its images."""
    seconds: float = 0.0
    """Spent before the run was interrupted."""

    def passing(self, steps: Iterator[Step]) -> Iterator[Step]:
        """Passes steps on, and counts them."""
        for step in steps:
            self.losses.append(step.loss * len(step.batch.rows))
            self.images += len(step.batch.rows)
            self.steps += 1
            yield step

    def mean_loss(self) -> float:
        """Over the images of all processes."""
        total = distributed.global_sum(torch.stack(self.losses).sum())
        return float(total) / distributed.global_count(self.images, total.device)

    def state(self, criterion: PartialLabelLoss, recorder: Recorder | None) -> dict[str, Any]:
        """Of this and all other processes, for a checkpoint; collective."""
        own = {
            "images": self.images,
            "losses": torch.stack(self.losses).cpu(),
            "criterion": criterion.get_extra_state(),
            "streams": _streams(),
        }
        return {
            "steps": self.steps,
            "seconds": self.seconds,
            "processes": distributed.gather_objects(own),
            "recorder": None if recorder is None else recorder.state(),
        }

    @classmethod
    def restored(
        cls, state: dict[str, Any], criterion: PartialLabelLoss, device: torch.device
    ) -> "Running":
        """Takes up what :meth:`state` gave; the recorder has its part to itself.

        Raises:
            CheckpointError: another number of processes.
        """
        if len(state["processes"]) != distributed.world_size():
            raise CheckpointError(
                f"The run was stopped within an epoch of {len(state['processes'])} processes, each "
                f"with a part of it; it cannot go on with {distributed.world_size()}. Start as "
                "many processes as before."
            )
        own = state["processes"][distributed.rank()]
        criterion.set_extra_state(own["criterion"])
        _set_streams(own["streams"])
        losses = list(own["losses"].to(device))
        return cls(state["steps"], own["images"], losses, state["seconds"])


def _streams() -> dict[str, Tensor]:
    found = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        found["cuda"] = torch.cuda.get_rng_state()
    return found


def _set_streams(state: dict[str, Tensor]) -> None:
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
