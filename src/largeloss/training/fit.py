"""The loop of a run, from the first epoch to the last: the published end-to-end protocol.

After each epoch the model is measured on val; training stops when val mAP has fallen more than
three points below its best; the weights of the best val epoch are kept. As published the learning
rate is constant.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import torch

from largeloss import distributed
from largeloss.data.dataset import Dataset
from largeloss.data.inputs.loader import Loader
from largeloss.losses import PartialLabelLoss
from largeloss.models import Classifier
from largeloss.objective import Objective
from largeloss.training.engine import naming_images, relabel, train_epoch
from largeloss.training.evaluation import Evaluators, evaluation_loader
from largeloss.training.fingerprints import fingerprints
from largeloss.training.listener import Listener
from largeloss.training.recipe import Recipe, make_optimizer, make_updates, seed_of
from largeloss.training.recording import Recorder
from largeloss.training.resume_state import Checkpoint, EpochProgress, History
from largeloss.training.run_folder import RunFolder
from largeloss.training.signals import CheckpointSchedule, StopRequests
from largeloss.training.start import synchronised
from largeloss.training.wall_time import WallTime
from largeloss.training.weights import save_weights
from largeloss.watch import watched


@dataclass(frozen=True)
class Phase:
    """What is trained, on what, how, and where it is kept. Most runs have one phase."""

    model: Classifier
    """Trained in place."""
    criterion: PartialLabelLoss
    data: Dataset
    """Its labels are those trained on."""
    evaluators: Evaluators
    recipe: Recipe
    run: RunFolder
    """For checkpoints and metrics; its ``best/`` has the weights to use."""
    model_config: dict[str, Any]
    """Saved beside the weights, so that they can be loaded."""
    publish: Callable[[Classifier], Classifier] = lambda model: model
    """Makes of the trained model the one that ``best/`` is to hold."""
    recording: bool = False
    """Whether every entry's loss is written, see :mod:`largeloss.training.recording`."""
    content: Mapping[str, str] = field(default_factory=dict)
    """Of :func:`~largeloss.training.fingerprints.fingerprints`; where it is empty it is made."""


@dataclass(frozen=True)
class Outcome:
    """The result of a phase."""

    best_epoch: int
    best_val_map: float | None
    """None where val has no labels."""
    best_val_log_rank: float | None
    """None where mAP decides which epoch is best."""
    history: tuple[dict[str, Any], ...]
    stop_reason: str
    """Why the last epoch was the last, in a sentence."""
    resumed: tuple[str, ...] = ()
    """What had changed where the run was resumed."""

    @property
    def seconds(self) -> float:
        """Spent in training and measuring val."""
        return float(sum(record["seconds"] for record in self.history))


def fit(
    phase: Phase,
    device: torch.device,
    *,
    resume: bool = False,
    listener: Listener | None = None,
    requests: StopRequests | None = None,
    wall: WallTime | None = None,
) -> Outcome:
    """Trains the phase's model; leaves it with the weights of the last epoch, averaged if asked.

    Args:
        phase: What is trained.
        device: From :func:`~largeloss.training.start.start`.
        resume: Continue from ``last/``, exactly.
        listener: Is told how it goes on.
        requests: Signals that ask to stop; acted on between two steps.
        wall: How long the run has taken; None where it begins now.

    Raises:
        CheckpointError: no checkpoint, one of other data or labels, best weights that are not its
            own, or one that cannot be written.
        DataError: the processes read different data.
        Interrupted: a signal asked to stop; the last step is saved.
        NonFiniteError: logits became NaN or infinite; names step and images.
    """
    model, criterion, data, recipe = phase.model, phase.criterion, phase.data, phase.recipe
    listener = listener or Listener()
    weights = phase.model_config.get("start_weights", "none")
    content = phase.content or fingerprints(data, phase.evaluators, weights)
    if distributed.rank() == 0:
        phase.run.make()
    loader = training_loader(data, recipe, device)
    scored = {name: evaluation_loader(data, name, recipe, device) for name in data.splits}
    objective = Objective(model, criterion, recipe.precision).to(device)
    optimizer = make_optimizer(objective, recipe)
    updates = make_updates(objective, optimizer, recipe, len(loader))
    # what is measured and kept
    kept = model if updates.model is None else cast(Classifier, updates.model)
    wrapped = synchronised(objective, device)
    recorder = Recorder.of(phase.run.recorded, data) if phase.recording else None
    checkpoint = Checkpoint(
        phase.run, objective, optimizer, updates, content, recorder, phase.model_config
    )
    checkpoint.wall = wall or checkpoint.wall
    schedule = CheckpointSchedule(recipe.checkpoint_every, requests or StopRequests())
    history, first, progress = checkpoint.restore() if resume else (History(), 0, None)
    for text in checkpoint.remarks:
        listener.remark(text)
    listener.skipped(first)
    for epoch in range(first, recipe.epochs):
        # Begin an epoch, or go on where it was interrupted.
        resumed = progress is not None
        if not resumed and history.stops_early(recipe):
            listener.stopped_early(history.stop_reason(recipe), recipe.epochs - epoch)
            break
        progress = progress or EpochProgress()
        loader.set_epoch(epoch, skipped=progress.steps)
        updates.begin(epoch, skipped=progress.steps)
        criterion.set_epoch(epoch)
        if not resumed:
            torch.manual_seed(seed_of(recipe.seed, epoch, distributed.rank()))
        if recorder is not None:
            recorder.begin(epoch, again=resumed)
        listener.begin_epoch(epoch, recipe.epochs, len(loader))
        # Take one step per batch.
        with naming_images(data.labels.images):
            steps = train_epoch(wrapped, loader, updates)
            shown = f"{listener.title} epoch {epoch + 1}/{recipe.epochs}".strip()
            for step in watched(steps, shown, len(loader), progress.steps):
                progress.add(step)
                if recorder is not None:
                    recorder.add(step, criterion.flagged(step.logits, *step.batch[1:]))
                unfinished = updates.whole and progress.steps < len(loader)
                if unfinished and schedule.due(updates.taken):
                    checkpoint.save(epoch, history, progress)
                    schedule.stop_if_requested()
                listener.step()
        if recorder is not None:
            recorder.end()
        criterion.check()
        # Measure, which says whether another epoch follows.
        record: dict[str, Any] = {"epoch": epoch, "train_loss": progress.mean_loss()}
        record["lr"] = optimizer.param_groups[0]["lr"]  # of the epoch's last update
        if criterion.edits is not None:
            record["label_edits"] = 0  # counted below; columns are in this order
        record |= phase.evaluators.measured(kept, scored)
        best = history.add(record, recipe.keep_last)
        follows = epoch + 1 < recipe.epochs and not history.stops_early(recipe)
        # Let label edits take effect, before the state is saved.
        if follows and (passes := criterion.passes(epoch + 1)):
            relabel(model, criterion, scored["train"], passes)
        known = criterion.finding()
        criterion.set_epoch(epoch + 1)
        found = criterion.finding()
        if found is not None and found != known and (found.settled or epoch + 1 == recipe.epochs):
            listener.remark(found.text)
        if criterion.edits is not None:
            record["label_edits"] = len(criterion.edits.committed)
        # Keep the best weights; save.
        record["seconds"] = progress.seconds
        _keep(phase, kept, history, best)
        checkpoint.save(epoch, history, None)
        progress = None
        listener.end_epoch(record)
        schedule.stop_if_requested()
    if kept is not model:
        model.load_state_dict(kept.state_dict())
    distributed.barrier()
    return Outcome(
        history.best_epoch,
        history.best_val_map,
        history.best_val_log_rank,
        tuple(history.epochs),
        history.stop_reason(recipe),
        tuple(checkpoint.remarks),
    )


def _keep(phase: Phase, kept: Classifier, history: History, best: bool) -> None:
    """Writes ``metrics.csv``; saves the weights of the epoch just over if they are ``best``."""
    if distributed.rank() == 0:
        if best:
            phase.run.keep_best()
            history.best_weights = save_weights(
                phase.run.best,
                phase.publish(kept),
                phase.model_config | history.best_record,
            )
        phase.run.write_metrics(history.epochs)


def training_loader(data: Dataset, recipe: Recipe, device: torch.device | str = "cpu") -> Loader:
    """Shuffled batches of the training images."""
    return Loader(
        data.source,
        data.labels,
        data.rows("train"),
        recipe.batch_size,
        seed=recipe.seed,
        mirror=recipe.mirror,
        augment=recipe.augment,
        workers=recipe.workers,
        device=device,
    )
