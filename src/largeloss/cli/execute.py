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
from torch import Tensor

import largeloss
from largeloss import distributed
from largeloss.cli import prepare
from largeloss.cli.prepare import TrainingData
from largeloss.config import RunConfig, make_config, read_yaml
from largeloss.data import Dataset, Loader
from largeloss.errors import ConfigError
from largeloss.experiments.results import RunResult
from largeloss.labels import LabelEdits, write_edits
from largeloss.losses import LargeLossPermanentCorrection, PartialLabelLoss
from largeloss.losses.memory import Edits
from largeloss.metrics import best_thresholds
from largeloss.models import Classifier, weights_id
from largeloss.training import frozen
from largeloss.training.checkpoint import load_config, load_weights, save_config
from largeloss.training.engine import score
from largeloss.training.protocols import (
    Listener,
    Measures,
    Recipe,
    end_to_end,
    scoring_loader,
    start,
)
from largeloss.training.run import RunFolder


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
    """
    path = RunFolder(out).config_file
    if not path.is_file():
        raise ConfigError(f"There is no run in {out}: {path.name} is missing.")
    saved = make_config([read_yaml(path)], source=str(path))
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
    data: TrainingData | None = None,
    features: Path | None = None,
    listener: Listener | None = None,
    announce: Callable[[Dataset, Measures, Sequence[str]], None] | None = None,
) -> Finished:
    """Trains, scores test with the best and with the last weights, writes the run folder.

    Args:
        config: All settings.
        out: The run folder.
        resume: Continue what is there; a finished run is only read.
        data: Where it was loaded already.
        features: Folder of the frozen-feature cache; inside ``out`` unless told.
        listener: Is shown every step and epoch.
        announce: Is told data, measures and remarks before training begins.
    """
    folder = RunFolder(out)
    if resume and folder.finished:
        return Finished(folder.result(), (f"{out} is finished; nothing is left to do.",))
    config = prepare.with_absolute_paths(config)
    accelerator = start(config.training.precision)
    main = distributed.rank() == 0
    if main and not resume:
        folder.check_free()
    continuing = resume and distributed.from_main(folder.state_file.is_file())
    data = data or prepare.load_data(config)
    dataset = prepare.training_labels(data, config.method.name)
    criterion, notes = prepare.make_loss(config.method, dataset)
    measures = prepare.make_measures(config, data)
    recipe = prepare.make_recipe(config)
    torch.manual_seed(recipe.seed)
    model, model_config, remarks = prepare.make_model(config, dataset)
    notes = [*prepare.remarks(dataset, config.method.name), *notes, *remarks]
    with folder if main else nullcontext():
        if main and not resume:
            folder.begin(config.plain())
        distributed.barrier()
        if main and announce is not None:
            announce(dataset, measures, notes)
        trainee = Trainee(model.to(accelerator.device), dataset, recipe)
        if config.model.frozen:
            trainee = trainee.frozen(config, features or out / "features")
        outcome = end_to_end(
            trainee.model,
            criterion,
            trainee.dataset,
            measures,
            trainee.recipe,
            folder,
            model_config,
            accelerator,
            resume=continuing,
            listener=listener if main else None,
            publish=trainee.publish,
        )
        started = time.perf_counter()
        last = measures.test.measure(trainee.scores(trainee.model, "test"))
        best_model = trainee.best(folder)
        best = measures.test.measure(trainee.scores(best_model, "test"))
        thresholds = best_thresholds(trainee.scores(best_model, "val"), measures.val.labels)
        result = {
            "method": config.method.name,
            "delta_rel": config.method.delta_rel,
            "seed": recipe.seed,
            "test_map": best.value,
            "last_test_map": last.value,
            "best_epoch": outcome.best_epoch,
            "seconds": sum(record["seconds"] for record in outcome.history)
            + time.perf_counter()
            - started,
            "val_map": outcome.best_val_map,
            "val_rule": measures.val.rule,
            "test_rule": measures.test.rule,
            "test_classes_without_positives": best.num_absent,
            "test_ap": dict(zip(dataset.labels.classes, best.per_class.tolist(), strict=True)),
            "test_counts": measures.test.counts(dataset.labels.classes),
            "num_corrections": len(_corrections(criterion)),
            "start_weights": model_config["start_weights"],
            "environment": environment(),
        }
        if main:
            _write_corrections(criterion, dataset, folder)
            more = {"thresholds": thresholds.tolist(), "val_rule": measures.val.rule}
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


@dataclasses.dataclass(frozen=True)
class Trainee:
    """What is trained, on what, and how that becomes a classifier of the inputs as given."""

    model: Classifier
    dataset: Dataset
    recipe: Recipe
    whole: Classifier | None = None
    """The classifier of pictures, where ``model`` is a linear head over its features."""

    def frozen(self, config: RunConfig, cache: Path) -> "Trainee":
        """A linear head over the features of this model's backbone."""
        used = np.sort(np.concatenate([self.dataset.rows(name) for name in self.dataset.splits]))
        loader = Loader(
            self.dataset.source,
            self.dataset.labels,
            used,
            64,
            workers=self.recipe.workers,
            device=next(self.model.parameters()).device,
        )
        identity = (
            config.model.backbone,
            sorted(config.model.args.items()),
            weights_id(config.model.weights, config.model.pretrained, config.model.backbone),
            config.model.mean,
            config.model.std,
            # random weights are another backbone with every seed
            None if config.model.weights or config.model.pretrained else config.training.seed,
        )
        dataset = frozen.with_features(self.dataset, self.model, identity, cache, loader)
        torch.manual_seed(self.recipe.seed)  # the same head whether features were cached or not
        linear = frozen.feature_classifier(dataset, dataset.labels.num_classes)
        recipe = dataclasses.replace(self.recipe, mirror=False)
        return Trainee(linear, dataset, recipe, whole=self.model)

    def publish(self, model: Classifier) -> Classifier:
        """The trained model as a classifier of the inputs as given."""
        return model if self.whole is None else frozen.folded(self.whole, model)

    def best(self, folder: RunFolder) -> Classifier:
        """A model over this trainee's inputs with the weights of the best epoch."""
        weights = load_weights(folder.best)
        if self.whole is not None:
            return frozen.head_alone(weights)
        self.model.load_state_dict(weights)
        return self.model

    def scores(self, model: Classifier, split: str) -> Tensor:
        """(M, C): logits of a split."""
        device = next(model.parameters()).device
        return score(model, scoring_loader(self.dataset, split, self.recipe, device)).logits


def _corrections(criterion: PartialLabelLoss) -> Edits:
    """The label edits of methods that make them."""
    if isinstance(criterion, LargeLossPermanentCorrection):
        return criterion.edits.committed
    return Edits.none()


def _write_corrections(criterion: PartialLabelLoss, dataset: Dataset, folder: RunFolder) -> None:
    if not isinstance(criterion, LargeLossPermanentCorrection):
        return
    edits = _corrections(criterion)
    records = LabelEdits.of(
        rows=edits.rows.numpy(),
        columns=edits.columns.numpy(),
        before=-1,
        after=1,
        epoch=edits.epochs.numpy(),
        loss=edits.losses.numpy(),
        author="ll-cp",
        reason="large loss",
    )
    write_edits(folder.corrections_file, records, dataset.labels)
