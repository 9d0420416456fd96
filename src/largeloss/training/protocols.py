"""How a model is trained from beginning to end: the published end-to-end protocol.

Constant learning rate; after each epoch the model is scored on val; training stops when val mAP
has fallen more than three points below its best; the weights of the best val epoch are kept.
"""

import atexit
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch
from accelerate.accelerator import Accelerator
from accelerate.state import AcceleratorState, PartialState

from largeloss import distributed
from largeloss.data.dataset import Dataset
from largeloss.data.inputs.loader import Loader
from largeloss.errors import CheckpointError, ConfigError, NonFiniteError
from largeloss.losses import PartialLabelLoss
from largeloss.models import Classifier, parameter_groups
from largeloss.objective import Objective
from largeloss.training.checkpoint_file import load_state, save_state
from largeloss.training.determinism import prepare_gpu
from largeloss.training.engine import Step, relabel, train_epoch
from largeloss.training.evaluation import Evaluator
from largeloss.training.recording import Recorder
from largeloss.training.resume_state import History, Running
from largeloss.training.run_folder import RunFolder
from largeloss.training.signals import Requests, Schedule
from largeloss.training.weights import save_weights


@dataclass(frozen=True)
class Recipe:
    """How to train; the defaults are published where there are published values."""

    epochs: int = 10
    batch_size: int = 16
    optimizer: Literal["adam", "sgd", "rmsprop"] = "adam"
    lr: float = 1e-4
    """Of the backbone."""
    head_lr_factor: float = 10.0
    weight_decay: float = 0.0
    momentum: float = 0.9
    """Of SGD and RMSProp."""
    seed: int = 0
    stop_below: float | None = 3.0
    """Stops when val mAP fell this many points below its best; None: never."""
    mirror: bool = True
    """Whether half of the training images are mirrored."""
    precision: Literal["fp32", "bf16"] = "fp32"
    workers: int = 2
    checkpoint_every: int | None = None
    """Steps between checkpoints in mid-epoch; None saves every ten minutes."""
    keep_last: bool = False
    """Whether the last epoch counts as the best, whatever val says."""


class Listener(Protocol):
    """Is told how training goes on."""

    def batches(
        self, epoch: int, epochs: int, batches: Iterable[Step], total: int
    ) -> Iterable[Step]:
        """Passes an epoch's steps on while they are taken."""

    def epoch(self, record: dict[str, Any]) -> None:
        """An epoch is over."""

    def remark(self, text: str) -> None:
        """Something that the user should know."""


class Silence:
    """A listener that says nothing."""

    def batches(
        self, epoch: int, epochs: int, batches: Iterable[Step], total: int
    ) -> Iterable[Step]:
        return batches

    def epoch(self, record: dict[str, Any]) -> None:
        return

    def remark(self, text: str) -> None:
        return


@dataclass(frozen=True)
class Evaluators:
    """Which splits are scored, and how."""

    val: Evaluator
    test: Evaluator
    track_test: bool = False
    """Whether test is scored after every epoch too; for curves, never for selection."""


@dataclass(frozen=True)
class Outcome:
    """What training came to."""

    best_epoch: int
    best_val_map: float
    history: tuple[dict[str, Any], ...]
    resumed: tuple[str, ...] = ()
    """What had changed where the run was taken up again."""

    @property
    def seconds(self) -> float:
        """Spent in training and scoring val."""
        return float(sum(record["seconds"] for record in self.history))


def join() -> None:
    """Joins the group of processes where ``torchrun`` started several; at once where it has been.

    Call it, or :func:`start`, before anything asks for the rank.
    """
    prepare_gpu()
    atexit.register(distributed.leave)
    PartialState(cpu=not torch.cuda.is_available())


def start(precision: Literal["auto", "fp32", "bf16"] = "fp32") -> Accelerator:
    """Device, precision, and the group of processes, as :func:`join`."""
    join()
    AcceleratorState._reset_state()  # or a second run could not have another precision
    mixed = "bf16" if precision == "bf16" else "no"
    return Accelerator(mixed_precision=mixed, cpu=not torch.cuda.is_available())


def end_to_end(
    model: Classifier,
    criterion: PartialLabelLoss,
    data: Dataset,
    evaluators: Evaluators,
    recipe: Recipe,
    run: RunFolder,
    model_config: dict[str, Any],
    accelerator: Accelerator,
    *,
    resume: bool = False,
    listener: Listener | None = None,
    publish: Callable[[Classifier], Classifier] = lambda model: model,
    recording: bool = False,
    requests: Requests | None = None,
) -> Outcome:
    """Trains ``model``; leaves it with the weights of the last epoch.

    Args:
        model: Trained in place.
        criterion: Any loss of :mod:`largeloss.losses`.
        data: Its labels are those trained on.
        evaluators: How val and test are scored.
        recipe: Settings of the loop.
        run: Where checkpoints and metrics go; ``best/`` has the weights to use.
        model_config: Saved beside the weights, so that they can be loaded.
        accelerator: From :func:`start`.
        resume: Continue from ``last/``, exactly.
        listener: Is shown every step and epoch.
        publish: Makes of the trained model the one that ``best/`` is to hold.
        recording: Whether every entry's loss is written, see :mod:`largeloss.training.recording`.
        requests: Signals that ask to stop; heard between two steps.

    Raises:
        CheckpointError: ``resume`` with another data set, or without a checkpoint; a checkpoint
            that cannot be written.
        Interrupted: a signal asked to stop; the last step is saved.
        NonFiniteError: logits became NaN or infinite; names step and images.
    """
    listener = listener or Silence()
    if accelerator.is_main_process:
        run.make()
    loader, val_loader, test_loader = _loaders(data, recipe, accelerator.device)
    known_loader = scoring_loader(data, "train", recipe, accelerator.device)
    objective = Objective(model, criterion).to(accelerator.device)
    optimizer = _optimizer(objective, recipe)
    wrapped = accelerator.prepare(objective)  # type: ignore[no-untyped-call]  # it has no types
    fingerprint = data.fingerprint
    rows, num_classes = data.rows("train"), data.labels.num_classes
    recorder = Recorder(run.recorded, rows, num_classes) if recording else None
    history, first, underway = History(), 0, None
    resumed: list[str] = []
    if resume:
        history, first, underway, resumed = _restore(
            run, objective, optimizer, fingerprint, recorder
        )
        for text in resumed:
            listener.remark(text)

    def save(epoch: int, running: Running | None) -> None:
        """In mid-epoch with what is ``running``, else after the epoch; collective."""
        progress = None if running is None else running.state(criterion, recorder)
        if accelerator.is_main_process:
            save_state(
                run.state_file,
                {
                    "model": model.state_dict(),
                    "criterion": criterion.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "epoch": epoch,
                    "progress": progress,
                    "history": asdict(history),
                    "labels": fingerprint,
                    "machine": machine(),
                    "resumed": list(resumed),
                },
            )

    requests = requests or Requests()
    schedule = Schedule(recipe.checkpoint_every, requests)
    for epoch in range(first, recipe.epochs):
        if underway is None and _fallen(history, recipe):
            break
        started = time.perf_counter()
        loader.set_epoch(epoch, skipped=underway.steps if underway else 0)
        criterion.set_epoch(epoch)
        if underway is None:
            torch.manual_seed(_stream(recipe.seed, epoch, distributed.rank()))
        if recorder is not None:
            recorder.begin(epoch, again=underway is not None)
        running, underway = underway or Running(), None
        before = running.seconds
        steps = running.passing(train_epoch(wrapped, loader, optimizer))
        if recorder is not None:
            steps = _recorded(steps, recorder, criterion)
        for step in _named(listener.batches(epoch, recipe.epochs, steps, len(loader)), data):
            del step
            if running.steps < len(loader) and schedule.due(running.steps):
                criterion.check()
                running.seconds = before + time.perf_counter() - started
                save(epoch, running)
                schedule.stop()
        if recorder is not None:
            recorder.end()
        criterion.check()
        passes = criterion.passes(epoch + 1) if epoch + 1 < recipe.epochs else 0
        if passes:
            relabel(model, criterion, known_loader, passes)
        criterion.set_epoch(epoch + 1)  # commits label edits before the state is saved
        val_map = evaluators.val.measure(evaluators.val.scores(model, val_loader)).value
        record = {"epoch": epoch, "train_loss": running.mean_loss(), "val_map": val_map}
        if evaluators.track_test:
            found = evaluators.test.scores(model, test_loader)
            record["test_map"] = evaluators.test.measure(found).value
        record["seconds"] = before + time.perf_counter() - started
        history.epochs.append(record)
        if val_map > history.best_val_map or recipe.keep_last:
            history.best_epoch, history.best_val_map = epoch, val_map
            if accelerator.is_main_process:
                config = model_config | {"epoch": epoch, "val_map": val_map}
                save_weights(run.best, publish(model), config)
        if accelerator.is_main_process:
            run.write_metrics(history.epochs)
        save(epoch, None)
        listener.epoch(record)
        schedule.stop()
    distributed.barrier()
    return Outcome(history.best_epoch, history.best_val_map, tuple(history.epochs), tuple(resumed))


def _recorded(
    steps: Iterable[Step], recorder: Recorder, criterion: PartialLabelLoss
) -> Iterator[Step]:
    """Passes steps on while they are recorded."""
    for step in steps:
        flagged = criterion.flagged(step.logits, step.batch.labels, step.batch.rows)
        recorder.add(step, flagged)
        yield step


def _named(steps: Iterable[Step], data: Dataset) -> Iterator[Step]:
    """Passes steps on; what is not finite is told by the names of its images."""
    try:
        yield from steps
    except NonFiniteError as error:
        names = ", ".join(data.labels.images[row] for row in error.rows[:4])
        raise NonFiniteError(f"{error} Images: {names}.", error.rows) from None


def _stream(*numbers: int) -> int:
    """A seed of its own for each combination of numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def _fallen(history: History, recipe: Recipe) -> bool:
    if recipe.stop_below is None or recipe.keep_last or not history.epochs:
        return False
    return bool(history.epochs[-1]["val_map"] < history.best_val_map - recipe.stop_below)


def _loaders(data: Dataset, recipe: Recipe, device: torch.device) -> tuple[Loader, Loader, Loader]:
    train = Loader(
        data.source,
        data.labels,
        data.rows("train"),
        recipe.batch_size,
        seed=recipe.seed,
        mirror=recipe.mirror,
        workers=recipe.workers,
        device=device,
    )
    val, test = (scoring_loader(data, split, recipe, device) for split in ("val", "test"))
    return train, val, test


def scoring_loader(
    data: Dataset, split: str, recipe: Recipe, device: torch.device | str = "cpu"
) -> Loader:
    """Batches of a split in order, for :func:`~largeloss.training.engine.score`."""
    return Loader(
        data.source,
        data.labels,
        data.rows(split),
        max(recipe.batch_size, 64),
        workers=recipe.workers,
        device=device,
    )


def _optimizer(objective: Objective, recipe: Recipe) -> torch.optim.Optimizer:
    groups = parameter_groups(objective.model, recipe.lr, recipe.head_lr_factor)
    own = list(objective.criterion.parameters())
    if own:
        lr = groups[0]["lr"] * objective.criterion.lr_factor
        groups.append({"params": own, "lr": lr, "weight_decay": 0.0})
    if recipe.optimizer == "adam":
        return torch.optim.Adam(groups, lr=recipe.lr, weight_decay=recipe.weight_decay, fused=True)
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            groups, lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay
        )
    if recipe.optimizer == "rmsprop":  # smoothing and epsilon as published for IMCL
        return torch.optim.RMSprop(
            groups,
            lr=recipe.lr,
            alpha=0.9,
            eps=1.0,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
        )
    raise ConfigError(f"optimizer must be adam, sgd or rmsprop, got {recipe.optimizer!r}.")


def machine() -> dict[str, str]:
    """What the last bits of a run depend on beside its settings."""
    return {
        "threads": str(torch.get_num_threads()),
        "processes": str(distributed.world_size()),
        "device": "CUDA" if torch.cuda.is_available() else "CPU",
        "torch": str(torch.__version__),
    }


def _restore(
    run: RunFolder,
    objective: Objective,
    optimizer: torch.optim.Optimizer,
    fingerprint: str,
    recorder: Recorder | None,
) -> tuple[History, int, Running | None, list[str]]:
    """History, the epoch to go on with, what was done of it, and what has changed since."""
    state = load_state(run.state_file)
    if state["labels"] != fingerprint:
        raise CheckpointError(
            f"The training labels are not those that {run.path} was begun with (fingerprint "
            f"{fingerprint[:12]}, was {state['labels'][:12]}). Restore the label file, or start a "
            "new run."
        )
    objective.model.load_state_dict(state["model"])
    objective.criterion.load_state_dict(state["criterion"])
    optimizer.load_state_dict(state["optimizer"])
    history, progress = History(**state["history"]), state["progress"]
    before, now = state["machine"], machine()
    remarks = state["resumed"] + [
        f"The run was begun with {before[name]} {name} and goes on with {now[name]}: its last bits "
        "may differ from those of a run that was not interrupted."
        for name in now
        if before[name] != now[name]
    ]
    if progress is None:
        return history, state["epoch"] + 1, None, remarks
    device = next(objective.parameters()).device
    running = Running.restored(progress, objective.criterion, device)
    if recorder is not None:
        recorder.restore(progress["recorder"])
    return history, state["epoch"], running, remarks
