"""The state that a run is resumed from: what a checkpoint holds, saved and restored."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from largeloss import distributed
from largeloss.errors import CheckpointError, LargelossError, RunError
from largeloss.losses import PartialLabelLoss
from largeloss.objective import Objective
from largeloss.training.checkpoint_file import load_state, save_state
from largeloss.training.engine import Step
from largeloss.training.fingerprints import compare
from largeloss.training.recipe import Recipe
from largeloss.training.recording import Recorder
from largeloss.training.run_folder import RunFolder
from largeloss.training.updates import Updates
from largeloss.training.wall_time import WallTime
from largeloss.training.weights import save_config


@dataclass
class History:
    """The epochs that are over."""

    epochs: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int = -1
    best_val_map: float | None = -1.0
    """None where val has no labels."""
    best_weights: str = ""
    """SHA-256 of ``best/model.safetensors``; of the first process."""

    @property
    def best_record(self) -> dict[str, Any]:
        """What ``best/`` says of its epoch."""
        return {"epoch": self.best_epoch, "val_map": self.best_val_map}

    def add(self, record: dict[str, Any], keep_last: bool) -> bool:
        """Adds an epoch; whether it is the best so far, or the last is to be kept."""
        self.epochs.append(record)
        best = keep_last or self.best_epoch < 0 or bool(record[self.chosen_by] > self._best_figure)
        if best:
            self.best_epoch, self.best_val_map = record["epoch"], record["val_map"]
        return best

    @property
    def chosen_by(self) -> Literal["val_log_rank", "val_map"]:
        """What decides which epoch is best: the log rank where every epoch has one, else mAP."""
        ranked = all("val_log_rank" in record for record in self.epochs)
        return "val_log_rank" if ranked else "val_map"

    @property
    def best_val_log_rank(self) -> float | None:
        """Of the best epoch; None where mAP decides."""
        return self._best_figure if self.chosen_by == "val_log_rank" else None

    @property
    def _best_figure(self) -> float:
        return float(self.epochs[self.best_epoch][self.chosen_by])

    def stops_early(self, recipe: Recipe) -> bool:
        """Whether the figure that decides has fallen too far below its best."""
        if recipe.stop_below is None or recipe.keep_last or not self.epochs:
            return False
        return bool(self.epochs[-1][self.chosen_by] < self._best_figure - recipe.stop_below)

    def stop_reason(self, recipe: Recipe) -> str:
        """Why the last epoch was the last, in a sentence."""
        last = self.epochs[-1]
        if last["epoch"] + 1 >= recipe.epochs or not self.stops_early(recipe):
            one = recipe.epochs == 1
            return f"{'The one epoch was' if one else f'All {recipe.epochs} epochs were'} trained."
        name = "log rank" if self.chosen_by == "val_log_rank" else "mAP"
        return (
            f"Stopped early after epoch {last['epoch']} of 0 to {recipe.epochs - 1}: val {name} "
            f"{last[self.chosen_by]:.1f} is more than {recipe.stop_below:g} points (--stop-below) "
            f"below its best, {self._best_figure:.1f} after epoch {self.best_epoch}."
        )


@dataclass
class EpochProgress:
    """The epoch that is under way."""

    steps: int = 0
    """Taken."""
    images: int = 0
    """Of this process."""
    losses: list[Tensor] = field(default_factory=list)
    """() each: a step's loss times its images."""
    seconds_before: float = 0.0
    """Spent before the run was interrupted."""
    started: float = field(default_factory=time.perf_counter)

    def add(self, step: Step) -> None:
        """Counts a step."""
        self.losses.append(step.loss * len(step.batch.rows))
        self.images += len(step.batch.rows)
        self.steps += 1

    @property
    def seconds(self) -> float:
        """Spent in this epoch so far."""
        return self.seconds_before + time.perf_counter() - self.started

    def mean_loss(self) -> float:
        """Over the images of all processes."""
        total = distributed.global_sum(torch.stack(self.losses).sum())
        return float(total) / distributed.global_count(self.images, total.device)

    def state(self, criterion: PartialLabelLoss) -> dict[str, Any]:
        """Of this and all other processes, for a checkpoint; collective."""
        own: dict[str, Any] = {
            "images": self.images,
            "losses": torch.stack(self.losses).cpu(),
            "criterion": criterion.get_extra_state(),
            "streams": {"cpu": torch.get_rng_state()},
        }
        if torch.cuda.is_available():
            own["streams"]["cuda"] = torch.cuda.get_rng_state()
        return {
            "steps": self.steps,
            "seconds": self.seconds,
            "processes": distributed.gather_objects(own),
        }

    @classmethod
    def restored(
        cls, state: dict[str, Any], criterion: PartialLabelLoss, device: torch.device
    ) -> "EpochProgress":
        """Restores what :meth:`state` gave.

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
        torch.set_rng_state(own["streams"]["cpu"])
        if "cuda" in own["streams"] and torch.cuda.is_available():
            torch.cuda.set_rng_state(own["streams"]["cuda"])
        return cls(state["steps"], own["images"], list(own["losses"].to(device)), state["seconds"])


@dataclass
class Checkpoint:
    """Saves and restores all that changes while a run is trained."""

    run: RunFolder
    objective: Objective
    optimizer: torch.optim.Optimizer
    updates: Updates
    content: Mapping[str, str]
    """Of :func:`~largeloss.training.fingerprints.fingerprints`."""
    recorder: Recorder | None
    model_config: Mapping[str, Any]
    """Saved beside the best weights."""
    remarks: list[str] = field(default_factory=list)
    """What had changed where the run was resumed."""
    wall: WallTime = field(default_factory=WallTime)

    def save(self, epoch: int, history: History, progress: EpochProgress | None) -> None:
        """Within an epoch with its ``progress``, or after it; collective.

        Raises:
            CheckpointError: it cannot be written; what was saved before is as it was.
            NonFiniteError: found on a GPU since the last step.
        """
        criterion = self.objective.criterion
        criterion.check()
        state = None
        if progress is not None:
            recorded = None if self.recorder is None else self.recorder.state()
            state = progress.state(criterion) | {"recorder": recorded}
        if distributed.rank() == 0:
            save_state(
                self.run.state_file,
                {
                    "model": self.objective.model.state_dict(),
                    "criterion": criterion.state_dict(),
                    "optimizer": self.optimizer.state_dict(),
                    "updates": self.updates.state(),
                    "epoch": epoch,
                    "progress": state,
                    "history": asdict(history),
                    "content": dict(self.content),
                    "machine": machine(),
                    "wall_seconds": self.wall.seconds,
                    "resumed": list(self.remarks),
                },
            )

    def restore(self) -> tuple[History, int, EpochProgress | None]:
        """Puts everything back; ``remarks`` then tells what has changed since.

        Returns:
            The epochs that are over, the one to go on with, what was done of it (None: nothing).

        Raises:
            CheckpointError: there is none, it is damaged, of other data, labels or processes, or
                the best weights are not its own.
        """
        state = load_state(self.run.state_file)
        with refusing_misfits(self.run.state_file):
            return self._restored(state)

    def _restored(self, state: dict[str, Any]) -> tuple[History, int, EpochProgress | None]:
        compare(state["content"], self.content, str(self.run.path))
        history = History(**state["history"])
        self._check_best(history)
        self.objective.model.load_state_dict(state["model"])
        self.objective.criterion.load_state_dict(state["criterion"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.updates.restore(state.get("updates", {}))
        self.wall.before = state.get("wall_seconds", 0.0)
        before, now = state["machine"], machine()
        self.remarks = state["resumed"] + [
            f"The run was begun with {before[name]} {name} and goes on with {now[name]}: its last "
            "bits may differ from those of a run that was not interrupted."
            for name in now
            if before[name] != now[name]
        ]
        if state["progress"] is None:
            return history, state["epoch"] + 1, None
        device = next(self.objective.parameters()).device
        progress = EpochProgress.restored(state["progress"], self.objective.criterion, device)
        if self.recorder is not None:
            self.recorder.restore(state["progress"]["recorder"])
        return history, state["epoch"], progress

    def _check_best(self, history: History) -> None:
        """Makes sure that ``best/`` holds the state's own best weights; collective."""
        problem = None
        if distributed.rank() == 0 and history.best_epoch >= 0:
            try:
                self.run.restore_best(history.best_weights)
                noted = {"weights_sha256": [history.best_weights]}
                save_config(self.run.best, {**self.model_config, **history.best_record, **noted})
            except RunError as error:
                problem = str(error)
        if problem := distributed.from_main(problem):
            raise CheckpointError(problem)


@contextmanager
def refusing_misfits(path: Path) -> Iterator[None]:
    """Within it the state in ``path`` is used, which may hold anything.

    Raises:
        CheckpointError: something is missing in it, or of another type or shape.
    """
    try:
        yield
    except LargelossError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} does not fit this run ({type(error).__name__}: {error}). Restore it, or start "
            "a new run."
        ) from None


def machine() -> dict[str, str]:
    """What the last bits of a run depend on beside its settings."""
    return {
        "threads": str(torch.get_num_threads()),
        "processes": str(distributed.world_size()),
        "device": "CUDA" if torch.cuda.is_available() else "CPU",
        "torch": str(torch.__version__),
    }
