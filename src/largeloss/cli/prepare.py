"""Settings become data, a loss and a model; what cannot work is refused before any training."""

import inspect
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from platformdirs import user_cache_path

from largeloss import distributed
from largeloss.config import MethodConfig, RunConfig
from largeloss.data import Dataset, digits, read_folder
from largeloss.data.folder.read import without_broken_images
from largeloss.data.inputs.decoded_cache import DecodedCache
from largeloss.data.inputs.image_files import ImageFiles
from largeloss.errors import ConfigError, LabelError
from largeloss.labels.cooccurrence import co_occurrence
from largeloss.labels.estimate import expected_positives
from largeloss.losses import LOSSES, PartialLabelLoss
from largeloss.losses.online_label_estimation import check_table_fits
from largeloss.models import Classifier, build_classifier, weights_id
from largeloss.training import precision
from largeloss.training.evaluation import Evaluator
from largeloss.training.protocols import Evaluators, Recipe


@dataclass(frozen=True)
class RunData:
    """The data sets of a run: the labels that the method sees, and the truth that reports use."""

    training: Dataset
    reference: Dataset


def load_data(config: RunConfig, split: str = "all") -> RunData:
    """Reads the data folder, decodes every image (of a split) once, hides labels if asked."""
    checked = without_broken_images(read_data(config), config.data.bad_images, split=split)
    data = hidden(config, checked)
    if config.data.cache is None or config.training.protocol != "end-to-end":
        return data
    given = data.reference
    if not isinstance(given.source, ImageFiles):
        return data
    used = np.sort(np.concatenate(list(given.splits.values())))
    source = DecodedCache.of(given.source, used, config.data.cache)
    return RunData(replace(data.training, source=source), replace(given, source=source))


def read_data(config: RunConfig) -> Dataset:
    """Reads the data folder as it is given; no image is decoded."""
    settings = config.data
    if settings.path is None:
        return digits.read()
    return read_folder(
        settings.path,
        image_size=config.model.image_size,
        classes=settings.classes,
        unlisted=settings.unlisted,
        follow_symlinks=settings.follow_symlinks,
    )


def hidden(config: RunConfig, given: Dataset) -> RunData:
    """``given`` beside what ``--observe`` leaves of its training labels."""
    settings = config.data
    if settings.observe is None:
        return RunData(given, given)
    return RunData(given.observed(settings.observe, settings.observe_seed), given)


def training_labels(data: RunData, method: str) -> Dataset:
    """What the method is trained on: complete labels for ``full``, what is known for the rest.

    Raises:
        LabelError: unobserved labels under ``full``, or nothing to learn from.
    """
    dataset = data.reference if method == "full" else data.training
    train = dataset.labels.select(dataset.rows("train"))
    num_entries = train.num_images * train.num_classes
    blank = num_entries - train.num_observed
    if method == "full" and blank:
        raise LabelError(
            f"Method 'full' needs complete labels, but {blank} of {num_entries} training entries "
            "are blank. Choose a method for partial labels, for example ll-r."
        )
    if not (train.states == 1).any():
        share = "all" if blank == num_entries else f"{blank} of the"
        raise LabelError(
            f"Not one tag is present (1) in the {train.num_images} training images of "
            f"{dataset.name}: {share} {num_entries} entries are blank. There is nothing to learn. "
            "Look at the label file and its splits."
        )
    return dataset


def training_counts(data: RunData, dataset: Dataset) -> dict[str, tuple[int, int, int, int | None]]:
    """Class → training images in which it is present, absent, unobserved, missing.

    Missing are unobserved ones that are present by what is given; None where no label was hidden.
    """
    known, given = (
        table.labels.select(table.rows("train")).counts() for table in (dataset, data.reference)
    )
    columns = (known.present, known.absent, known.unobserved, given.present - known.present)
    hidden_any = data.training is not data.reference
    return {
        name: (int(present), int(absent), int(unobserved), int(missing) if hidden_any else None)
        for name, present, absent, unobserved, missing in zip(
            dataset.labels.classes, *columns, strict=True
        )
    }


def remarks(dataset: Dataset, method: str) -> list[str]:
    """What the user should know of the training labels."""
    train = dataset.labels.select(dataset.rows("train"))
    found = list(dataset.notes)
    if method != "full" and train.is_complete:
        found.append(
            f"No training entry is blank, so {method} takes every 0 for a known absence. Where 0 "
            "means 'nobody annotated it', leave these cells blank."
        )
    blank_rows = np.flatnonzero(np.diff(train.offsets) == 0)
    if len(blank_rows):
        found.append(
            f"{len(blank_rows)} of {train.num_images} training images have no label at all, for "
            f"example {train.images[blank_rows[0]]}; methods that assume absence still learn from "
            "them."
        )
    counts = train.counts()
    if method in ("iu", "curriculum", "imcl") and not counts.absent.any():
        found.append(
            f"Not one absence was observed in training: {method} learns from presences alone, and "
            "may well take everything for present."
        )
    empty = [name for name, n in zip(train.classes, counts.present, strict=True) if not n]
    if empty:
        found.append(
            f"No training image is tagged {', '.join(empty[:8])}: nothing is learnt of it."
        )
    return found


def check(config: RunConfig, data: RunData) -> None:
    """Refuses settings that do not go together or with the data, before any work.

    Raises:
        ConfigError: so they do; also a folder for features that cannot be written.
        LabelError: labels that the method cannot be trained on.
    """
    protocol, images = config.training.protocol, len(data.reference.source.sample_shape) == 3
    if protocol != "end-to-end" and not images:
        raise ConfigError(
            f"--protocol {protocol} is for images; these inputs are features already. Leave it out."
        )
    phases = [config.method]
    if config.training.head_method is not None:
        phases.append(head_method(config))
    for settings in phases:
        make_loss(settings, training_labels(data, settings.name))
        if settings.rule in ("ensemble", "uncertainty") and not config.model.dropout:
            raise ConfigError(
                f"The rule {settings.rule!r} compares scorings that differ by dropout, and needs "
                "dropout before the head: --set model.dropout=0.5."
            )
    if protocol != "end-to-end":
        cache = with_absolute_paths(config).data.cache
        assert cache is not None
        try:
            (cache / "features").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"Features cannot be kept in {cache} ({error}). Choose another --cache."
            ) from None


def make_loss(settings: MethodConfig, dataset: Dataset) -> tuple[PartialLabelLoss, list[str]]:
    """The loss, and remarks on settings that were estimated.

    Raises:
        ConfigError: no such method, or a setting that it does not have or that does not fit.
    """
    known = method_settings(settings.name)
    given = settings.given()
    foreign = [name for name in given if name not in known]
    if foreign:
        raise ConfigError(
            f"{', '.join(foreign)} is no setting of {settings.name}, which has "
            f"{', '.join(known) or 'none'}."
        )
    rows, num_classes, notes = dataset.rows("train"), dataset.labels.num_classes, []
    if "expected_positives" in known:
        if "expected_positives" not in given:
            value, how = expected_positives(dataset.labels, rows)
            given["expected_positives"] = value
            notes.append(f"expected_positives was not given and is taken as {value:.3g} ({how}).")
        if given["expected_positives"] > num_classes:
            raise ConfigError(
                f"expected_positives is {given['expected_positives']}, more than the {num_classes} "
                "classes."
            )
    if "dictionary_size" in known:
        if given.setdefault("dictionary_size", min(4096, len(rows))) > len(rows):
            raise ConfigError(
                f"dictionary_size is {given['dictionary_size']}, but there are only {len(rows)} "
                "training images to remember. Leave it out, or choose at most that."
            )
        if given.pop("graph", "co-occurrence") == "co-occurrence":
            influence = co_occurrence(dataset.labels, rows)
            given["graph"] = torch.from_numpy(influence).to(torch.get_default_dtype())
    if settings.name == "role":
        check_table_fits(*dataset.labels.shape)
        given["labels"] = torch.from_numpy(dataset.labels.to_dense())
    return LOSSES[settings.name](**given), notes


def method_settings(name: str) -> list[str]:
    """The names of a method's settings.

    Raises:
        ConfigError: no such method.
    """
    if name not in LOSSES:
        raise ConfigError(f"There is no method {name!r}; there are {', '.join(LOSSES)}.")
    return [
        setting for setting in inspect.signature(LOSSES[name]).parameters if setting != "labels"
    ]


def settled(config: RunConfig, data: Dataset) -> tuple[RunConfig, list[str]]:
    """``config`` with a precision that is not 'auto', and how it was found; collective."""
    if config.training.precision != "auto":
        return config, []
    shape = data.source.sample_shape
    if len(shape) != 3 or max(shape[1:]) < precision.SMALLEST:
        return config.in_precision("fp32"), []
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with torch.random.fork_rng():
        plain = config.model.model_copy(update={"weights": None, "pretrained": False})
        model, *_ = make_model(config.model_copy(update={"model": plain}), data)
        ratio = distributed.from_main(
            precision.gain(model.to(device), shape, config.training.batch_size)
        )
    chosen: Literal["fp32", "bf16"] = "bf16" if ratio >= precision.GAIN else "fp32"
    return config.in_precision(chosen), [
        f"Training steps in bf16 take {1 / ratio:.2f} times as long as in fp32 on this machine: "
        f"{chosen} is used. Say --precision fp32 or bf16 to choose."
    ]


def make_model(config: RunConfig, dataset: Dataset) -> tuple[Classifier, dict[str, Any], list[str]]:
    """The network, what is saved beside its weights, and remarks.

    Raises:
        ConfigError: network, weights and inputs do not go together.
    """
    settings, notes = config.model, []
    shape = dataset.source.sample_shape
    backbone = "none" if len(shape) == 1 else settings.backbone
    if (backbone == "none" and settings.weights) or (
        backbone in ("none", "digits") and settings.pretrained
    ):
        raise ConfigError(
            f"Backbone {backbone!r} has no such weights to start from; leave out "
            "--weights and --pretrained."
        )
    architecture: dict[str, Any] = {
        "backbone": backbone,
        "backbone_args": settings.args,
        "hidden": settings.hidden,
        "dropout": settings.dropout,
        "sample_shape": list(shape),
        "mean": settings.mean if len(shape) == 3 else [0.0] * shape[0],
        "std": settings.std if len(shape) == 3 else [1.0] * shape[0],
    }
    model = build_classifier(
        num_classes=dataset.labels.num_classes,
        weights=settings.weights,
        pretrained=settings.pretrained,
        **architecture,
    )
    if backbone not in ("none", "digits") and settings.weights is None and not settings.pretrained:
        notes.append(
            f"{backbone} starts from random weights, which needs very many images. Give "
            "--weights FILE, or --pretrained to fetch weights."
        )
    saved = {
        "format": 1,
        "architecture": architecture,
        "classes": list(dataset.labels.classes),
        "preprocessing": "RGB, resized without keeping the aspect (bilinear), (x/255 - mean)/std"
        if len(shape) == 3
        else "features as they are",
        "method": config.method.model_dump(mode="json", exclude_none=True),
        "start_weights": weights_id(settings.weights, settings.pretrained, backbone),
    }
    return model, saved, notes


def make_evaluators(config: RunConfig, data: RunData) -> Evaluators:
    """How val and test are scored: by what is given, val by what is known if ``--select`` says."""
    select = config.training.select
    by_known = select in ("observed", "assume-absent")
    table = data.training.labels if by_known else data.reference.labels
    rule = "auto" if select == "last" else select
    return Evaluators(
        Evaluator.of(table, data.reference.rows("val"), rule),
        Evaluator.of(data.reference.labels, data.reference.rows("test")),
        config.training.track_test,
    )


def make_recipe(config: RunConfig) -> Recipe:
    """The loop's settings."""
    training = config.training.model_dump()
    names = [field.name for field in fields(Recipe) if field.name != "keep_last"]
    return Recipe(**{k: training[k] for k in names}, keep_last=training["select"] == "last")


def head_recipe(config: RunConfig) -> Recipe:
    """The loop's settings in the head's phase of linear-init."""
    training = config.training
    return replace(
        make_recipe(config),
        epochs=training.head_epochs,
        optimizer="adam",
        lr=training.head_lr,
        head_lr_factor=1.0,
        weight_decay=0.0,
        stop_below=None,
        mirror=False,
    )


def head_method(config: RunConfig) -> MethodConfig:
    """The method of the head's phase of linear-init: with the settings given if it is the same."""
    name = config.training.head_method or config.method.name
    if name == config.method.name:
        return config.method
    return MethodConfig(name=name)


def absolute(path: Path | None) -> Path | None:
    """``path`` from the root, so that a saved setting holds from any folder."""
    return None if path is None else path.expanduser().resolve()


def with_absolute_paths(config: RunConfig) -> RunConfig:
    """``config`` with paths that hold from any folder."""
    cache = absolute(config.data.cache)
    if cache is None and config.training.protocol != "end-to-end":
        cache = user_cache_path("largeloss")
    data = config.data.model_copy(update={"path": absolute(config.data.path), "cache": cache})
    model = config.model.model_copy(update={"weights": absolute(config.model.weights)})
    return config.model_copy(update={"data": data, "model": model})
