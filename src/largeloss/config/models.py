"""All settings of a run, each written once: type, default, limits, meaning.

Options of the command line and keyword arguments of :func:`largeloss.train` are made of these; a
setting marked ``flag`` is also an option.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from largeloss.config.section import Section, setting
from largeloss.config.training import TrainingConfig

UNIMPORTANT = {
    "data": ("cache",),
    "training": ("workers", "checkpoint_every", "track"),
}
"""Settings that do not change what a run computes, by section: a resumed run may have others."""
PRECISION = "training.precision"

Three = Annotated[list[float], Field(min_length=3, max_length=3)]
Percent = Annotated[float, Field(ge=0, le=100)]
ThreePositive = Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=3, max_length=3)]


class DataConfig(Section):
    """What is trained on."""

    path: Path | None = setting(
        None,
        "A folder with labels.csv (or .parquet) and images or features; None for digit scenes.",
    )
    labels: Path | None = setting(
        None, "A label file in place of DATA's own, such as a corrected copy.", flag=True
    )
    classes: list[str] | None = setting(
        None,
        "Only these classes: names separated by commas, a .txt file with one name per line, or the "
        "option repeated for each name.",
        flag=True,
    )
    unlisted: str | None = setting(
        None,
        "For tag lists: tags not listed are 'unknown' or 'absent'; by split: "
        "train=unknown,test=absent.",
        flag=True,
    )
    observe: str | None = setting(
        None,
        "Hide labels of train and val of a complete table: single-positive, "
        "positives=n,negatives=m, per-class-positives=n,per-class-negatives=m or fraction=f. The "
        "truth is kept for reporting.",
        flag=True,
    )
    observe_seed: int = setting(
        1200, "Decides which labels --observe and which images train_share keeps.", ge=0, lt=2**32
    )
    train_share: float = setting(
        1.0,
        "Share of the training images that are trained on, drawn at random; those of a smaller "
        "share are among those of a larger one. Val and test stay.",
        gt=0,
        le=1,
    )
    bad_images: Literal["error", "skip"] = setting(
        "error", "What to do with unreadable images: error or skip.", flag=True
    )
    max_value: int | None = setting(
        None,
        "The largest whole number that a pixel can have, such as 4095 for 12 bits in files of 16. "
        "Default: that of its type.",
        ge=1,
        lt=2**31,
    )
    follow_symlinks: bool = setting(False, "Images may be links out of DATA.", flag=True)
    cache: Path | None = setting(
        None,
        "Folder that keeps extracted features (default: the user's cache folder) or, end to end, "
        "decoded images (default: none are kept).",
        flag=True,
    )


class MethodConfig(Section):
    """The loss. A method's own settings are checked by its constructor; None is its default."""

    model_config = ConfigDict(extra="allow", validate_default=True)

    name: str = setting("ll-r", "See 'largeloss methods'.", flag=True)
    delta_rel: Literal["auto"] | Percent | None = setting(
        None,
        "Δ of ll-r, ll-ct, ll-cp: percent of a batch's entries; auto: by how many tags are "
        "estimated to be missing.",
        flag=True,
        union_mode="left_to_right",
    )
    missing: Percent | Path | None = setting(
        None,
        "Of Δ auto: percent of the unobserved entries that are present, or the audit.json of a "
        "review that says so. Default: a rough estimate.",
        flag=True,
        union_mode="left_to_right",
    )
    expected_positives: Annotated[float, Field(gt=0)] | None = setting(
        None, "Of epr and role: tags of an image on average. Default: estimated.", flag=True
    )

    def given(self) -> dict[str, Any]:
        """The settings that are not None, beside the name."""
        return {k: v for k, v in self.model_dump().items() if k != "name" and v is not None}


class ModelConfig(Section):
    """The network."""

    backbone: str = setting("resnet50", "Any name of timm's; 'none' for features.", flag=True)
    args: dict[str, Any] = setting(dict, "Passed to timm.")
    weights: Path | None = setting(None, "Safetensors file of the backbone's weights.", flag=True)
    pretrained: bool = setting(False, "Let timm fetch weights from its hub.", flag=True)
    image_size: int = setting(448, "In pixels.", flag=True, ge=1, le=8192)
    mean: Three | None = setting(
        None,
        "Of the images' channels, from 0 to 1. Default: what the weights file notes, else timm's "
        "for the backbone.",
    )
    std: ThreePositive | None = setting(
        None, "Of the images' channels, from 0 to 1. Default: as of mean."
    )
    hidden: int = setting(0, "Units of a hidden layer over features; 0 is a linear model.", ge=0)
    dropout: float = setting(0.0, "Before the head: share of the features left out.", ge=0, lt=1)
    head: Literal["linear", "boost"] = setting(
        "linear",
        "linear; boost: the mean over places of what a linear layer gives there, positive values "
        "times alpha (BoostLU). End to end.",
        flag=True,
    )
    alpha: Annotated[float, Field(gt=0)] | None = setting(
        None, "Of the head boost; 1 boosts nothing. Default: 5, as published.", flag=True
    )

    @model_validator(mode="after")
    def _alpha_of_boost(self) -> Self:
        if self.head == "boost":
            self.alpha = 5.0 if self.alpha is None else self.alpha
        elif self.alpha is not None:
            raise ValueError("alpha is of the head 'boost': add --head boost, or leave it out")
        return self


class RunConfig(Section):
    """All settings of a run, as saved in its ``config.yaml``."""

    data: DataConfig = Field(default_factory=DataConfig)
    method: MethodConfig = Field(default_factory=MethodConfig)
    model: ModelConfig = Field(default_factory=ModelConfig)
    training: TrainingConfig = Field(default_factory=TrainingConfig)

    @property
    def needs_data(self) -> bool:
        """Whether no data was named, and the settings are not those of the digit scenes."""
        return self.data.path is None and self.model.backbone != "digits"

    @property
    def work(self) -> float:
        """Epochs, those of teachers, too, each counted as the share of the training images that it
        has. Those of LinearInit's head are not counted: they take far less time."""
        epochs = self.training.epochs * (1 + (self.training.teachers or 0))
        return epochs * self.data.train_share

    def plain(self) -> dict[str, Any]:
        """As YAML holds it."""
        return self.model_dump(mode="json")

    def flat(self) -> dict[str, Any]:
        """``section.name`` → value, as YAML holds it."""
        return _flat(self.plain())

    def with_values(self, **sections: Mapping[str, Any]) -> Self:
        """The same settings but for some values of sections, which are not validated again."""
        changed = {
            name: getattr(self, name).model_copy(update=dict(values))
            for name, values in sections.items()
        }
        return self.model_copy(update=changed)

    def with_unimportant(self, other: "RunConfig") -> Self:
        """The same settings but for :data:`UNIMPORTANT` ones, which are those of ``other``."""
        return self.with_values(
            **{
                section: {name: getattr(getattr(other, section), name) for name in names}
                for section, names in UNIMPORTANT.items()
            }
        )

    def differences(self, other: "RunConfig") -> list[str]:
        """``section.name: here → there``, for every setting in which the two differ.

        Settings that do not change what is computed are left out. The precision 'auto' equals
        whatever the other has.
        """
        mine, theirs = self.flat(), other.with_unimportant(self).flat()
        if "auto" in (mine[PRECISION], theirs[PRECISION]):
            del mine[PRECISION], theirs[PRECISION]
        return [
            f"{name}: {mine.get(name)} → {theirs.get(name)}"
            for name in sorted(mine.keys() | theirs.keys())
            if mine.get(name) != theirs.get(name)
        ]


SECTIONS: dict[str, type[BaseModel]] = {
    "data": DataConfig,
    "method": MethodConfig,
    "model": ModelConfig,
    "training": TrainingConfig,
}


def _flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in nested.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{name}."))
        else:
            flat[prefix + name] = value
    return flat
