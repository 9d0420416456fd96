"""Settings that a run does not look at: said, for who gave them expects something of them."""

import math
from collections.abc import Iterator

from largeloss.config import RunConfig
from largeloss.config.models import DataConfig, ModelConfig
from largeloss.config.training import TrainingConfig
from largeloss.data import Dataset
from largeloss.models import usual_statistics
from largeloss.runs.data import OF_FILES

_TRAINING = TrainingConfig.model_fields


def unused_settings(settings: RunConfig, dataset: Dataset) -> Iterator[str]:
    """A sentence on each: of resolved ``settings``, and what the method is trained on."""
    yield from _of_inputs(settings, dataset)
    batches = math.ceil(len(dataset.rows("train")) / settings.training.batch_size)
    yield from _of_training(settings, batches)
    data = settings.data
    usual = DataConfig.model_fields["observe_seed"].default
    if data.observe_seed != usual and data.observe is None and data.train_share == 1:
        yield (
            "data.observe_seed draws which labels --observe hides and which images "
            "data.train_share keeps; neither is given, and it decides nothing."
        )


def _of_inputs(settings: RunConfig, dataset: Dataset) -> Iterator[str]:
    """In one sentence: a preset or file that serves several data sets has many of them."""
    data, model, shape = settings.data, settings.model, dataset.source.sample_shape
    images, usual = len(shape) == 3, ModelConfig.model_fields
    cache = ["--cache"] if data.cache is not None else []
    if not images:
        found = [
            flag
            for name, flag in OF_FILES.items()
            if getattr(data, name) != DataConfig.model_fields[name].default
        ]
        if model.backbone not in ("none", usual["backbone"].default):
            found.append("--backbone")
        if model.image_size != usual["image_size"].default:
            found.append("--image-size")
        known = usual_statistics(model.backbone)
        for name, value in (("mean", known.mean), ("std", known.std)):
            if getattr(model, name) != list(value):
                found.append(f"model.{name}")
        found += [*(["model.args"] if model.args else []), *cache]
        if found:
            yield (
                f"These inputs are features, and settings of images change nothing: "
                f"{', '.join(found)}."
            )
        return
    if model.backbone == "digits" and model.args:
        yield "model.args are of timm's backbones; the backbone 'digits' takes none of them."
    if data.path is not None:
        return
    if settings.training.protocol == "end-to-end" and cache:
        yield "--cache keeps decoded images, and digit scenes are in memory: nothing is kept."
    if model.image_size not in (usual["image_size"].default, shape[1]):
        yield (
            f"--image-size {model.image_size} changes nothing: digit scenes have {shape[1]} pixels."
        )


def _of_training(settings: RunConfig, batches: int) -> Iterator[str]:
    training = settings.training
    if training.backend not in ("auto", "torch") and training.protocol == "end-to-end":
        yield (
            f"--backend {training.backend} is of frozen features (--protocol linear or "
            "linear-init); this run is computed by torch."
        )
    if training.optimizer == "adam" and training.momentum != _TRAINING["momentum"].default:
        yield "training.momentum is of sgd and rmsprop; adam does not look at it."
    if training.schedule == "constant" and training.lr_warmup != _TRAINING["lr_warmup"].default:
        yield "training.lr_warmup is of --schedule cosine; this run's learning rate is constant."
    if training.protocol != "linear-init":
        whole = settings.data.train_share == 1  # of a share, compare has more of them
        for name in ("head_lr", "head_method", *(["head_epochs"] if whole else [])):
            if getattr(training, name) != _TRAINING[name].default:
                yield (
                    f"training.{name} is of --protocol linear-init; this run's is "
                    f"{training.protocol}, which does not look at it."
                )
    stops = training.stop_below not in (None, _TRAINING["stop_below"].default)
    if stops and training.select == "last":
        yield "--stop-below ends a training by val, and with --select last val decides nothing."
    if training.accumulate > batches:
        yield (
            f"--accumulate {training.accumulate} is more than the batches of an epoch, "
            f"{batches}: there is one update per epoch, of all of them."
        )
