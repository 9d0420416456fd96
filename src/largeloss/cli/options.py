"""The options that commands share, and the settings that they make."""

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from largeloss.config import RunConfig, make_config, merged, read_yaml
from largeloss.presets import find_preset

_LABELS, _MODEL, _LOOP = "Labels", "Model", "Training"


def _option(flag: str, text: str, panel: str, **more: Any) -> Any:
    return typer.Option(flag, help=text, rich_help_panel=panel, show_default=False, **more)


class Settings(NamedTuple):
    """What the command line says of a run's settings, weakest first."""

    preset: str | None
    file: Path | None
    options: dict[str, dict[str, Any]]
    sets: tuple[str, ...]

    def made(self, *under: Mapping[str, Any], over: Mapping[str, Any] | None = None) -> RunConfig:
        """The settings, over ``under`` and below ``over``."""
        file = [read_yaml(self.file)] if self.file else []
        layers = [*under, *file, self.options, over or {}]
        if self.preset is not None:
            given = merged(layers, self.sets).get("method", {})
            method = given.get("name") if isinstance(given, Mapping) else None
            layers = [find_preset(self.preset, method).settings, *layers]
        return make_config(layers, self.sets)


Data = Annotated[
    Path | None,
    typer.Argument(help="A folder with labels.csv (or .parquet) and images or features."),
]
Classes = Annotated[str | None, _option("--classes", "Only these, separated by commas.", _LABELS)]
Unlisted = Annotated[
    str | None,
    _option("--unlisted", "For tag lists: tags not listed are 'unknown' or 'absent'.", _LABELS),
]
Observe = Annotated[
    str | None,
    _option(
        "--observe",
        "Hide training labels of a complete table: single-positive, positives=n,negatives=m or "
        "fraction=f. The truth is kept for reporting.",
        _LABELS,
    ),
]
BadImages = Annotated[
    str | None,
    _option("--bad-images", "What to do with unreadable images: error (default) or skip.", _LABELS),
]
FollowSymlinks = Annotated[
    bool | None, _option("--follow-symlinks", "Images may be links out of DATA.", _LABELS)
]
ExpectedPositives = Annotated[
    float | None,
    _option("--expected-positives", "Of epr and role: tags of an image on average.", _LOOP),
]
Epochs = Annotated[int | None, _option("--epochs", "Default: 10.", _LOOP)]
BatchSize = Annotated[
    int | None, _option("--batch-size", "Over all processes. Default: 16.", _LOOP)
]
Lr = Annotated[
    float | None,
    _option(
        "--lr",
        "Of the backbone; the head has 10 ×. Default: adam 1e-4, sgd 5e-3, rmsprop 1e-3.",
        _LOOP,
    ),
]
Optimizer = Annotated[
    str | None, _option("--optimizer", "adam, sgd or rmsprop. Default: adam.", _LOOP)
]
Seed = Annotated[int | None, _option("--seed", "Default: 0.", _LOOP)]
Select = Annotated[
    str | None,
    _option(
        "--select",
        "Labels of val by which the best epoch is chosen: auto, full, observed, assume-absent; "
        "last takes the last epoch. Default: auto.",
        _LOOP,
    ),
]
Precision = Annotated[
    str | None,
    _option(
        "--precision",
        "fp32, bf16, or auto: what a second's measurement finds faster. Default: auto.",
        _LOOP,
    ),
]
Workers = Annotated[
    int | None, _option("--workers", "Processes that decode images. Default: 2.", _LOOP)
]
Record = Annotated[
    str | None,
    _option("--record", "losses: writes every entry's loss, for 'largeloss analyze'.", _LOOP),
]
CheckpointEvery = Annotated[
    int | None,
    _option(
        "--checkpoint-every",
        "Steps between checkpoints within an epoch. Default: one every ten minutes.",
        _LOOP,
    ),
]
Backbone = Annotated[
    str | None,
    _option("--backbone", "Any name of timm's; 'none' for features. Default: resnet50.", _MODEL),
]
Weights = Annotated[
    Path | None, _option("--weights", "Safetensors file of the backbone's weights.", _MODEL)
]
Pretrained = Annotated[
    bool | None, _option("--pretrained", "Let timm fetch weights from its hub.", _MODEL)
]
ImageSize = Annotated[int | None, _option("--image-size", "In pixels. Default: 448.", _MODEL)]
Protocol = Annotated[
    str | None,
    _option(
        "--protocol",
        "end-to-end; linear: a head on features of a fixed backbone; linear-init: that first, then "
        "everything. Default: end-to-end.",
        _LOOP,
    ),
]
Cache = Annotated[
    Path | None,
    _option(
        "--cache",
        "Folder that keeps extracted features (default: the user's cache folder) or, end to end, "
        "decoded images (default: none are kept).",
        _LOOP,
    ),
]
PresetName = Annotated[
    str | None,
    typer.Option("--preset", help="Published settings, see 'largeloss presets': voc2012/ll-r."),
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Settings in YAML; options go before it.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", help="Any setting, as section.name=value; may be repeated."),
]


def _layer(
    classes: Classes = None,
    unlisted: Unlisted = None,
    observe: Observe = None,
    bad_images: BadImages = None,
    follow_symlinks: FollowSymlinks = None,
    backbone: Backbone = None,
    weights: Weights = None,
    pretrained: Pretrained = None,
    image_size: ImageSize = None,
    protocol: Protocol = None,
    cache: Cache = None,
    expected_positives: ExpectedPositives = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    lr: Lr = None,
    optimizer: Optimizer = None,
    seed: Seed = None,
    select: Select = None,
    precision: Precision = None,
    workers: Workers = None,
    record: Record = None,
    checkpoint_every: CheckpointEvery = None,
    preset: PresetName = None,
    config: ConfigFile = None,
    sets: Sets = None,
) -> Settings:
    """The shared options as settings."""
    names = [name.strip() for name in classes.split(",") if name.strip()] if classes else None
    sections: dict[str, dict[str, Any]] = {
        "data": {
            "classes": names,
            "unlisted": unlisted,
            "observe": observe,
            "bad_images": bad_images,
            "follow_symlinks": follow_symlinks,
            "cache": None if cache is None else str(cache),
        },
        "method": {"expected_positives": expected_positives},
        "model": {
            "backbone": backbone,
            "weights": None if weights is None else str(weights),
            "pretrained": pretrained,
            "image_size": image_size,
        },
        "training": {
            "protocol": protocol,
            "epochs": epochs,
            "batch_size": batch_size,
            "lr": lr,
            "optimizer": optimizer,
            "seed": seed,
            "select": select,
            "precision": precision,
            "workers": workers,
            "record": record,
            "checkpoint_every": checkpoint_every,
        },
    }
    given = {name: _given(values) for name, values in sections.items()}
    return Settings(preset, config, given, tuple(sets or ()))


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def takes_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the shared options; they arrive as its argument ``settings``."""
    shared = inspect.signature(_layer).parameters
    own = [p for p in inspect.signature(command).parameters.values() if p.name != "settings"]

    @functools.wraps(command)
    def wrapper(**arguments: Any) -> None:
        settings = _layer(**{name: arguments.pop(name) for name in shared})
        command(settings=settings, **arguments)

    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *shared.values())]
    # typer reads the signature from here, which the type of a function does not know
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return wrapper
