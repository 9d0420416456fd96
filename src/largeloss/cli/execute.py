"""One run, from settings to a finished run folder."""

import dataclasses
import platform
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch

import largeloss
from largeloss import distributed
from largeloss.cli import prepare
from largeloss.cli.prepare import RunData
from largeloss.cli.trainee import Trainee, Training, linear_init
from largeloss.config import RunConfig, make_config, read_yaml
from largeloss.data import Dataset
from largeloss.errors import CheckpointError, ConfigError
from largeloss.experiments.results import RunResult
from largeloss.files import verify_yaml
from largeloss.labels import LabelEdits, write_edits
from largeloss.losses import CurriculumLabeling, LargeLossPermanentCorrection, PartialLabelLoss
from largeloss.losses.memory import Edits
from largeloss.training.determinism import repeatable
from largeloss.training.protocols import Evaluators, Listener, join, start
from largeloss.training.run_folder import RunFolder
from largeloss.training.signals import Requests
from largeloss.training.weights import load_config, save_config


@dataclasses.dataclass(frozen=True)
class Finished:
    """What a run came to."""

    result: dict[str, Any]
    """As in ``result.json``."""
    notes: tuple[str, ...]
    """For the user."""

    @property
    def summary(self) -> RunResult:
        """As in ``results.json`` of a comparison."""
        names = [field.name for field in dataclasses.fields(RunResult)]
        return RunResult(**{name: self.result[name] for name in names})


def saved_config(out: Path, given: RunConfig | None = None) -> RunConfig:
    """The settings that a run was begun with.

    Raises:
        ConfigError: no run there, or ``given`` settings differ.
        CheckpointError: the file has changed since the run was begun.
    """
    path = RunFolder(out).config_file
    if not path.is_file():
        raise ConfigError(f"There is no run in {out}: {path.name} is missing.")
    content = read_yaml(path)
    try:
        verify_yaml(path.read_text(encoding="utf-8"), content)
    except ValueError as error:
        raise CheckpointError(
            f"{path} cannot be trusted ({error}). Restore it; to train with other settings, name a "
            "copy of it as --config of a new run."
        ) from None
    saved = make_config([content], source=str(path))
    different = [] if given is None else saved.differences(given)
    if different:
        lines = "\n".join(f"  {line}" for line in different)
        raise ConfigError(
            f"{out} was begun with other settings (begun with → asked for):\n{lines}\n"
            "Leave these options out, or start a new run in another folder."
        )
    return saved


def execute(
    config: RunConfig,
    out: Path,
    *,
    resume: bool = False,
    data: RunData | None = None,
    listener: Listener | None = None,
    announce: Callable[[Dataset, Evaluators, Sequence[str]], None] | None = None,
) -> Finished:
    """Trains, scores test with the best and with the last weights, writes the run folder.

    Args:
        config: All settings.
        out: The run folder.
        resume: Continue what is there; a finished run is only read.
        data: Where it was loaded already.
        listener: Is shown every step and epoch.
        announce: Is told data, evaluators and remarks before training begins.
    """
    folder = RunFolder(out)
    if resume and folder.finished:
        return Finished(folder.result(), (f"{out} is finished; nothing is left to do.",))
    config = prepare.with_absolute_paths(config)
    join()
    main = distributed.rank() == 0
    if main and not resume:
        folder.check_free()
    continuing = resume and distributed.from_main(folder.state_file.is_file())
    data = data or prepare.load_data(config)
    prepare.check(config, data)
    dataset = prepare.training_labels(data, config.method.name)
    config, choices = prepare.settled(config, dataset)
    accelerator = start(config.training.precision)
    evaluators = prepare.make_evaluators(config, data)
    recipe = prepare.make_recipe(config)
    torch.manual_seed(recipe.seed)
    model, model_config, remarks = prepare.make_model(config, dataset)
    criterion, notes = prepare.make_loss(config.method, dataset)
    notes = [*prepare.remarks(dataset, config.method.name), *notes, *remarks, *choices]
    with folder if main else nullcontext(), repeatable():
        if main and not resume:
            folder.begin(config.plain())
        distributed.barrier()
        if main and announce is not None:
            announce(dataset, evaluators, notes)
        requests = Requests()
        run = Training(
            config, evaluators, model_config, accelerator, listener if main else None, requests
        )
        trainee = Trainee(model.to(accelerator.device), dataset, recipe)
        head: dict[str, Any] = {}
        if config.training.protocol == "linear":
            trainee = trainee.frozen(config)
        elif config.training.protocol == "linear-init":
            head = linear_init(trainee, criterion, run, folder, continuing)
        outcome = run(trainee, criterion, folder, resume=continuing)
        started = time.perf_counter()
        last = evaluators.test.measure(trainee.scores(trainee.model, "test", evaluators.test))
        best_model = trainee.best(folder)
        best_scores = trainee.scores(best_model, "test", evaluators.test)
        best = evaluators.test.measure(best_scores)
        thresholds = evaluators.val.thresholds(trainee.scores(best_model, "val", evaluators.val))
        scoring = time.perf_counter() - started
        result = {
            "method": config.method.name,
            "delta_rel": config.method.delta_rel,
            "seed": recipe.seed,
            "test_map": best.value,
            "last_test_map": last.value,
            "best_epoch": outcome.best_epoch,
            "seconds": head.get("seconds", 0.0) + outcome.seconds + scoring,
            "val_map": outcome.best_val_map,
            "val_rule": evaluators.val.rule,
            "test_rule": evaluators.test.rule,
            "test_example_ap": evaluators.test.by_example(best_scores),
            "test_classes_without_positives": best.num_absent,
            "test_ap": dict(zip(dataset.labels.classes, best.per_class.tolist(), strict=True)),
            "test_counts": evaluators.test.counts(dataset.labels.classes),
            "num_images": {name: len(rows) for name, rows in dataset.splits.items()},
            "train_counts": prepare.training_counts(data, dataset),
            "expected_positives": getattr(criterion, "expected_positives", None),
            "notes": [*notes, *outcome.resumed],
            "num_corrections": len(_corrections(criterion)),
            "protocol": config.training.protocol,
            "head": head,
            "start_weights": model_config["start_weights"],
            "environment": environment(),
        }
        if main:
            _write_corrections(criterion, dataset, folder, config.method.name)
            more = {"thresholds": thresholds.tolist(), "val_rule": evaluators.val.rule}
            save_config(folder.best, load_config(folder.best) | more)
            folder.finish(result)
        distributed.barrier()
    return Finished(result, ())


def environment() -> dict[str, Any]:
    """What a result depends on beside its settings."""
    return {
        "largeloss": largeloss.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "timm": timm.__version__,
        "numpy": np.__version__,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "threads": torch.get_num_threads(),
        "processes": distributed.world_size(),
    }


def _corrections(criterion: PartialLabelLoss) -> Edits:
    """The label edits of methods that make them."""
    if isinstance(criterion, LargeLossPermanentCorrection | CurriculumLabeling):
        return criterion.edits.committed
    return Edits.none()


def _write_corrections(
    criterion: PartialLabelLoss, dataset: Dataset, folder: RunFolder, method: str
) -> None:
    if not isinstance(criterion, LargeLossPermanentCorrection | CurriculumLabeling):
        return
    edits = criterion.edits.committed
    records = LabelEdits.of(
        rows=edits.rows.numpy(),
        columns=edits.columns.numpy(),
        before=-1,
        after=edits.states.numpy(),
        epoch=edits.epochs.numpy(),
        loss=edits.losses.numpy(),
        author=method,
        reason="large loss" if method == "ll-cp" else "confident prediction",
    )
    write_edits(folder.corrections_file, records, dataset.labels)
