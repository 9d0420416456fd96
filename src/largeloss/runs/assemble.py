"""Settings become data, a model, a loss and a recipe; what cannot work is refused first."""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import torch

from largeloss import distributed
from largeloss.config import MethodConfig, RunConfig
from largeloss.data import Dataset
from largeloss.data.inputs.loader import check_last_batch
from largeloss.errors import ConfigError
from largeloss.losses import PartialLabelLoss, build_loss, class_weights
from largeloss.models import Classifier, normalisation_remarks
from largeloss.runs.choice import choice_remarks
from largeloss.runs.data import RunData, decoded, read_data, with_hidden_labels
from largeloss.runs.fitting_labels import fitting_labels
from largeloss.runs.lone_images import check_lone_images
from largeloss.runs.missing import own_settings
from largeloss.runs.network import make_network, start_weights
from largeloss.runs.settings import head_method, resolved
from largeloss.runs.settings_checks import (
    check_before_data,
    check_teachers,
    hiding_remarks,
    make_feature_folder,
    setting_remarks,
)
from largeloss.runs.training_labels import balance_remark, label_remarks, training_labels
from largeloss.training import precision
from largeloss.training.description import FORMAT
from largeloss.training.evaluation import Evaluator, Evaluators
from largeloss.training.fingerprints import check_same_everywhere
from largeloss.training.recipe import Recipe


@dataclass(frozen=True)
class Assembled:
    """All that a run is made of."""

    settings: RunConfig
    """Resolved; the precision is never 'auto'."""
    data: RunData
    dataset: Dataset
    """What the method is trained on: of ``data``, the labels that it needs."""
    model: Classifier
    model_config: dict[str, Any]
    """Saved beside the weights."""
    criterion: PartialLabelLoss
    evaluators: Evaluators
    recipe: Recipe
    remarks: tuple[str, ...]
    """For the user: on labels, estimates, weights and precision."""


def assemble(
    settings: RunConfig, data: RunData | None = None, *, begins: bool = False
) -> Assembled:
    """Makes all that a run needs, of settings as the user gave them; collective, and seeds torch.

    Args:
        settings: All settings.
        data: Where it was read already.
        begins: Whether the labels may decide what the method 'auto' is, where they are read here;
            where a run goes on, or several belong together, that is decided.

    Raises:
        ConfigError: settings that do not go together or with the data.
        DataError, LabelError: data that cannot be read or differ between the processes, or labels
            that the method cannot use.
    """
    asked, settings = settings, resolved(settings)
    fitted: list[str] = []
    if data is None:
        check_before_data([settings])
        given = read_data(settings)
        if distributed.world_size() > 1:  # else one would refuse what is right for another
            check_same_everywhere({"labels or splits": given.fingerprint})
        shown = with_hidden_labels(settings, given)
        if begins:
            val = make_evaluators(settings, shown).val
            asked, fitted = fitting_labels(asked, shown.training, val)
            settings = resolved(asked)
        check(settings, shown)  # decoding images may take hours
        data = decoded(settings, given)
    evaluators = make_evaluators(settings, data)
    dataset = check(settings, data)
    check_lone_images(settings, dataset)
    settings, measured = with_precision(settings, dataset)
    recipe = make_recipe(settings, evaluators.val)
    torch.manual_seed(recipe.seed)
    model, model_config, started = make_model(settings, dataset)
    criterion, estimated = make_loss(settings.method, dataset, settings.training.balance)
    remarks = (
        *label_remarks(dataset, settings.method.name),
        *hiding_remarks(settings, data),
        *setting_remarks(settings, dataset),
        *fitted,
        *choice_remarks(evaluators.val, settings.training.select),
        *estimated,
        *started,
        *measured,
    )
    return Assembled(
        settings, data, dataset, model, model_config, criterion, evaluators, recipe, remarks
    )


def check(settings: RunConfig, data: RunData) -> Dataset:
    """Refuses resolved settings that do not go together with the data, before any work.

    It looks at no image: whether they were decoded does not matter.

    Returns:
        What the method is trained on.

    Raises:
        ConfigError: so they do; also a folder for features that cannot be written.
        LabelError: labels that the method cannot be trained on.
    """
    protocol, images = settings.training.protocol, len(data.reference.source.sample_shape) == 3
    if protocol != "end-to-end" and not images:
        raise ConfigError(
            f"--protocol {protocol} is for images; these inputs are features already. Leave it out."
        )
    if settings.training.augment != "none" and not images:
        raise ConfigError(
            f"--augment {settings.training.augment} is for images; these inputs are features. "
            "Leave it out."
        )
    dataset = training_labels(data, settings.method.name)
    phases = [(settings.method, dataset)]
    if settings.training.head_method is not None:
        head = head_method(settings)
        phases.append((head, training_labels(data, head.name)))
    for method, labelled in phases:
        criterion, _ = make_loss(method, labelled, settings.training.balance)
        if criterion.stochastic and not settings.model.dropout:
            raise ConfigError(
                f"{method.name} with these settings compares scoring passes that differ by "
                "dropout, and needs dropout before the head: --set model.dropout=0.5."
            )
    check_last_batch(len(dataset.rows("train")), settings.training.batch_size)
    if settings.data.bad_images != "skip":  # else the count may change when images are decoded
        check_lone_images(settings, dataset)
    check_teachers(settings, data, dataset)
    make_feature_folder(settings)
    return dataset


def make_loss(
    method: MethodConfig, dataset: Dataset, balance: bool
) -> tuple[PartialLabelLoss, list[str]]:
    """The loss, and remarks on settings that were estimated.

    Args:
        method: Its name and settings.
        dataset: What it is trained on.
        balance: Whether tags of rare classes weigh more.

    Raises:
        ConfigError: no such method, or a setting that it does not have or that does not fit.
    """
    own, rows = own_settings(method, dataset), dataset.rows("train")
    loss, remarks = build_loss(method.name, dataset.labels, rows, own.values)
    if balance:
        tags = dataset.labels.select(rows).counts().present
        loss.class_weights = class_weights(tags)
        remarks = [*remarks, balance_remark(dataset.labels.classes, tags, loss.class_weights)]
    return loss, [*own.remarks, *remarks]


def with_precision(settings: RunConfig, data: Dataset) -> tuple[RunConfig, list[str]]:
    """``settings`` with a precision that is not 'auto', and how it was found; collective."""
    if settings.training.precision != "auto":
        return settings, []
    shape = data.source.sample_shape
    small = len(shape) != 3 or max(shape[1:]) < precision.SMALLEST
    if small or settings.training.protocol == "linear":  # a head on features trains in seconds
        return settings.with_values(training={"precision": "fp32"}), []
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        plain = settings.with_values(model={"weights": None, "pretrained": False})
        model, *_ = make_model(plain, data)
        ratio = distributed.from_main(
            precision.gain(model.to(device), shape, settings.training.batch_size)
        )
    chosen: Literal["fp32", "bf16"] = "bf16" if ratio >= precision.GAIN else "fp32"
    return settings.with_values(training={"precision": chosen}), [
        f"Training steps in bf16 take {1 / ratio:.2f} times as long as in fp32 on this machine: "
        f"{chosen} is used. Say --precision fp32 or bf16 to choose."
    ]


def make_model(
    settings: RunConfig, dataset: Dataset
) -> tuple[Classifier, dict[str, Any], list[str]]:
    """The network, what is saved beside its weights, and remarks.

    Raises:
        ConfigError: network, weights and inputs do not go together.
    """
    network, notes = settings.model, []
    shape = dataset.source.sample_shape
    model, architecture = make_network(settings, shape, dataset.labels.num_classes)
    backbone = architecture["backbone"]
    if backbone not in ("none", "digits") and network.weights is not None:
        notes += normalisation_remarks(backbone, network.weights, network.mean, network.std)
    if network.weights is not None and network.pretrained:
        notes.append(
            f"The weights are those of {network.weights}, and --pretrained fetches nothing. For "
            "timm's, leave the file out, or a config file's: --set model.weights=null."
        )
    if backbone not in ("none", "digits") and network.weights is None and not network.pretrained:
        notes.append(
            f"{backbone} starts from random weights, which needs very many images. Give "
            "--weights FILE, or --pretrained to fetch weights."
        )
    # Features for a linear head are computed once: what it is trained on, it is scored on.
    linear = settings.training.protocol == "linear"
    model.scored_in_bf16 = linear and settings.training.precision == "bf16"
    saved = {
        "format": FORMAT,
        "architecture": architecture,
        "scoring_precision": "bf16" if model.scored_in_bf16 else "fp32",
        "classes": list(dataset.labels.classes),
        "max_value": settings.data.max_value,
        "preprocessing": "RGB, resized without keeping the aspect (bilinear), (x/255 - mean)/std"
        if len(shape) == 3
        else "features as they are",
        "method": settings.method.model_dump(mode="json", exclude_none=True),
        "start_weights": start_weights(settings, shape),
    }
    return model, saved, notes


def make_evaluators(settings: RunConfig, data: RunData) -> Evaluators:
    """How val and test are measured: by the reference; val by the training labels if asked."""
    select = settings.training.select
    observed_only = select in ("observed", "assume-absent")
    table = data.training.labels if observed_only else data.reference.labels
    rule = "auto" if select == "last" else select
    return Evaluators(
        Evaluator.of(table, data.reference.rows("val"), rule),
        Evaluator.of(data.reference.labels, data.reference.rows("test")),
        settings.training.track_test,
    )


def make_recipe(settings: RunConfig, val: Evaluator) -> Recipe:
    """The loop's settings; where ``val`` cannot tell two models apart, the last epoch counts."""
    training = settings.training.model_dump()
    names = [field.name for field in fields(Recipe) if field.name != "keep_last"]
    keep_last = training["select"] == "last" or not val.deciding.any()
    return Recipe(**{k: training[k] for k in names}, keep_last=keep_last)


def head_recipe(settings: RunConfig, val: Evaluator) -> Recipe:
    """The loop's settings in the head's phase of linear-init."""
    training = settings.training
    return replace(
        make_recipe(settings, val),
        epochs=training.head_epochs,
        optimizer="adam",
        lr=training.head_lr,
        head_lr_factor=1.0,
        weight_decay=0.0,
        stop_below=None,
        mirror=False,
        augment="none",
        accumulate=1,
        schedule="constant",
        ema=None,
    )
