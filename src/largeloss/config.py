"""The settings of a run: YAML files, ``--set a.b=c`` and the options of the command line."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from largeloss.errors import ConfigError

DEFAULT_DELTA_REL = {"ll-r": 0.2, "ll-ct": 0.2, "ll-cp": 0.1}
"""In percent: the published settings of VOC 2012."""

UNIMPORTANT = {"data.cache", "training.checkpoint_every"}
"""Settings that make no other run."""
PRECISION = "training.precision"

Three = Annotated[list[float], Field(min_length=3, max_length=3)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_default=True)


class DataConfig(_Section):
    """What is trained on."""

    path: Path | None = None
    """A data folder; None for the embedded digit scenes."""
    classes: list[str] | None = None
    unlisted: Literal["unknown", "absent"] | None = None
    observe: str | None = None
    """Hides training labels of a complete table, for experiments."""
    observe_seed: Annotated[int, Field(ge=0, lt=2**32)] = 1200
    bad_images: Literal["error", "skip"] = "error"
    follow_symlinks: bool = False
    cache: Path | None = None
    """Folder of extracted features, None being the user's cache folder; end to end, of decoded
    images, None keeping none."""


class MethodConfig(_Section):
    """The loss; None is the method's own default, for ``graph`` co-occurrence."""

    name: str = "ll-r"
    delta_rel: Annotated[float, Field(ge=0, le=100)] | None = None
    """Percent of the batch's entries."""
    rate_base: Literal["all", "unobserved"] | None = None
    ties: Literal["include", "stable"] | None = None
    warmup_epochs: Annotated[int, Field(ge=0)] | None = None
    smoothing: Annotated[float, Field(ge=0, le=0.5)] | None = None
    expected_positives: Annotated[float, Field(gt=0)] | None = None
    denominator: Literal["all", "observed"] | None = None
    lr_factor: Annotated[float, Field(gt=0)] | None = None
    rule: str | None = None
    limit: Annotated[float, Field(gt=0)] | None = None
    num_passes: Annotated[int, Field(ge=2)] | None = None
    dictionary_size: Annotated[int, Field(ge=1)] | None = None
    graph: Literal["identity", "co-occurrence"] | None = None

    @model_validator(mode="after")
    def _published_delta(self) -> Self:
        if self.delta_rel is None:
            self.delta_rel = DEFAULT_DELTA_REL.get(self.name)
        return self

    def given(self) -> dict[str, Any]:
        """The settings that are not None, beside the name."""
        return {k: v for k, v in self.model_dump().items() if k != "name" and v is not None}


class ModelConfig(_Section):
    """The network."""

    backbone: str = "resnet50"
    args: dict[str, Any] = Field(default_factory=dict)
    """Passed to timm."""
    weights: Path | None = None
    pretrained: bool = False
    image_size: Annotated[int, Field(ge=1, le=8192)] = 448
    mean: Three = Field(default_factory=lambda: [0.485, 0.456, 0.406])
    std: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=3, max_length=3)] = Field(
        default_factory=lambda: [0.229, 0.224, 0.225]
    )
    hidden: Annotated[int, Field(ge=0)] = 0
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Before the head."""


class TrainingConfig(_Section):
    """The loop."""

    protocol: Literal["end-to-end", "linear", "linear-init"] = "end-to-end"
    head_epochs: Annotated[int, Field(ge=1)] = 25
    """Of linear-init: how long the head is trained alone, with Adam."""
    head_lr: Annotated[float, Field(gt=0)] = 1e-3
    """Of linear-init: in that phase."""
    head_method: str | None = None
    """Of linear-init: the method in that phase; None is 'an' for ll-*, else the method itself."""
    epochs: Annotated[int, Field(ge=1)] = 10
    batch_size: Annotated[int, Field(ge=1)] = 16
    optimizer: Literal["adam", "sgd", "rmsprop"] = "adam"
    lr: Annotated[float, Field(gt=0)] | None = None
    """Of the backbone; what is usual for the optimiser unless given."""
    head_lr_factor: Annotated[float, Field(gt=0)] = 10.0
    weight_decay: Annotated[float, Field(ge=0)] | None = None
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    select: Literal["auto", "full", "observed", "assume-absent", "last"] = "auto"
    """By which labels of val the best epoch is chosen."""
    stop_below: Annotated[float, Field(gt=0)] | None = 3.0
    mirror: bool = True
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """'auto' is settled when a run begins; its config.yaml has the precision it was trained in."""
    workers: Annotated[int, Field(ge=0)] = 2
    checkpoint_every: Annotated[int, Field(ge=1)] | None = None
    """Steps between checkpoints within an epoch; None saves every ten minutes."""
    track_test: bool = False
    record: Literal["nothing", "losses"] = "nothing"
    """What is written of every step, for 'largeloss analyze'."""

    @model_validator(mode="after")
    def _usual_values(self) -> Self:
        usual = {"adam": (1e-4, 0.0), "sgd": (5e-3, 1e-3), "rmsprop": (1e-3, 0.0)}
        preset = usual[self.optimizer]
        if self.lr is None:
            self.lr = preset[0]
        if self.weight_decay is None:
            self.weight_decay = preset[1]
        return self


class RunConfig(_Section):
    """All settings of a run, as saved in its ``config.yaml``."""

    data: DataConfig = Field(default_factory=DataConfig)
    method: MethodConfig = Field(default_factory=MethodConfig)
    model: ModelConfig = Field(default_factory=ModelConfig)
    training: TrainingConfig = Field(default_factory=TrainingConfig)

    @model_validator(mode="after")
    def _head_method(self) -> Self:
        if self.training.protocol == "linear-init" and self.training.head_method is None:
            name = self.method.name
            self.training.head_method = "an" if name in DEFAULT_DELTA_REL else name
        return self

    @property
    def needs_data(self) -> bool:
        """Whether no data was named, and the settings are not those of the digit scenes."""
        return self.data.path is None and self.model.backbone != "digits"

    @property
    def num_epochs(self) -> int:
        """Of all phases."""
        training = self.training
        return training.epochs + training.head_epochs * (training.protocol == "linear-init")

    def plain(self) -> dict[str, Any]:
        """As YAML holds it."""
        return self.model_dump(mode="json")

    def in_precision(self, precision: Literal["fp32", "bf16"]) -> Self:
        """The same settings in another precision."""
        training = self.training.model_copy(update={"precision": precision})
        return self.model_copy(update={"training": training})

    def differences(self, other: "RunConfig") -> list[str]:
        """``section.name: here → there``, for every setting in which the two differ.

        Where features are kept is none, nor how often is saved: the run is the same. 'auto' is
        whatever precision the other has.
        """
        mine, theirs = _flat(self.plain()), _flat(other.plain())
        if "auto" in (mine[PRECISION], theirs[PRECISION]):
            del mine[PRECISION], theirs[PRECISION]
        return [
            f"{name}: {mine.get(name)} → {theirs.get(name)}"
            for name in sorted((mine.keys() | theirs.keys()) - UNIMPORTANT)
            if mine.get(name) != theirs.get(name)
        ]


def make_config(
    layers: Sequence[Mapping[str, Any]], sets: Sequence[str] = (), source: str = "The settings"
) -> RunConfig:
    """Merges nested settings, later ones over earlier ones, then ``a.b=c`` assignments.

    Raises:
        ConfigError: an unknown name (with what may have been meant) or a wrong value.
    """
    try:
        return RunConfig.model_validate(merged(layers, sets))
    except ValidationError as error:
        problems = "\n".join(f"  {_explained(dict(e))}" for e in error.errors())
        raise ConfigError(f"{source} cannot be used:\n{problems}") from None


def read_yaml(path: Path) -> dict[str, Any]:
    """Reads a settings file.

    Raises:
        ConfigError: missing, not YAML, or not a mapping.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"There is no settings file {path}.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read as YAML: {error}") from None
    if not isinstance(content, dict):
        raise ConfigError(
            f"{path} must hold sections (data, method, model, training), got "
            f"{type(content).__name__}."
        )
    return content


def _assignment(text: str) -> dict[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ConfigError(f"--set needs section.name=value, got {text!r}.")
    try:
        nested: Any = yaml.safe_load(value) if value else None
    except yaml.YAMLError:
        raise ConfigError(f"--set {text!r}: the value cannot be read as YAML.") from None
    for part in reversed(name.strip().split(".")):
        nested = {part: nested}
    return dict(nested)


def merged(layers: Sequence[Mapping[str, Any]], sets: Sequence[str] = ()) -> dict[str, Any]:
    """Nested settings and ``a.b=c`` assignments, later ones over earlier ones."""
    return deep_merged(*layers, *(_assignment(text) for text in sets))


def deep_merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Nested settings, later ones over earlier ones, as a new mapping."""
    result: dict[str, Any] = {}
    for layer in layers:
        _merge(result, layer)
    return result


def _merge(into: dict[str, Any], layer: Mapping[str, Any]) -> None:
    for name, value in layer.items():
        if isinstance(value, Mapping) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = deep_merged(value) if isinstance(value, Mapping) else value


def _flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in nested.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{name}."))
        else:
            flat[prefix + name] = value
    return flat


def _explained(error: dict[str, Any]) -> str:
    location = ".".join(str(part) for part in error["loc"])
    if error["type"] != "extra_forbidden":
        return f"{location}: {error['msg']}, got {error['input']!r}"
    section: type[BaseModel] = RunConfig
    for part in error["loc"][:-1]:
        # a section's annotation is its class, which pydantic types as any annotation
        section = section.model_fields[str(part)].annotation  # type: ignore[assignment]
    near = difflib.get_close_matches(str(error["loc"][-1]), section.model_fields, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(section.model_fields)}"
    return f"{location}: there is no such setting; {hint}"
