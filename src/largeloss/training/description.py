"""``config.json`` beside the weights of a model: what it may say, and what fits what."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from largeloss.training.evaluation import RULES

FORMAT = 2
"""Of ``config.json`` and of the weights' metadata; another one is refused."""

Plain = bool | int | float | str | None
Size = Annotated[int, Field(ge=1, le=1_000_000)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Architecture(_Part):
    """The arguments of :func:`~largeloss.models.build_classifier` that are not about loading."""

    backbone: str = Field(pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)?$")
    backbone_args: dict[str, Plain | list[Plain]]
    hidden: Annotated[int, Field(ge=0, le=1_000_000)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    alpha: Positive | None = None
    """Of a boosted head; None is a linear one."""
    sample_shape: Annotated[list[Size], Field(min_length=1, max_length=3)]
    """[D], or [3, H, W]."""
    mean: list[float]
    std: list[Positive]

    @model_validator(mode="after")
    def _fit(self) -> Self:
        shape = self.sample_shape
        if len(shape) != 1 and (shape[0] != 3 or len(shape) != 3 or max(shape) > 8192):
            raise ValueError(f"sample_shape must be [D] or [3, H, W] up to 8192, but is {shape}")
        if not len(self.mean) == len(self.std) == shape[0]:
            raise ValueError(
                f"mean and std must have {shape[0]} numbers each, but have {len(self.mean)} and "
                f"{len(self.std)}"
            )
        return self


class TagRule(_Part):
    """From which probability on a class is tagged. Precision and recall are fractions, on the val
    images that also chose the threshold; on other images they are lower."""

    probability: Annotated[float, Field(gt=0, lt=1)] | None
    """The class is tagged where its probability lies above; None: never, for want of a positive
    training label."""
    precision: Share | None
    """Share of its tags that are right; None where no val image gets the tag."""
    recall: Share | None
    """Share of the val images with the class that get the tag; None where there is none."""
    positives: Annotated[int, Field(ge=0)]
    """Val images with the class, which the threshold rests on."""


class TagShares(_Part):
    """How far tags can be trusted on a split: precision and recall are fractions."""

    precision: Share | None
    """None where no image gets the tag."""
    recall: Share | None
    """None where no image has the class."""
    positives: Annotated[int, Field(ge=0)]


class ChosenFor(_Part):
    """What thresholds were chosen for after training, and what that came to."""

    aim: Annotated[str, Field(pattern=r"^(f1|(precision|recall)=[0-9.e-]+)$")]
    unreachable: list[str]
    """Classes that are never tagged, since no threshold reaches the aim on val."""
    val: TagShares
    """Of all classes together, as ``test``."""
    test: TagShares
    test_classes: dict[str, TagShares]
    test_rule: str


class Line(_Part):
    """Calibrated logits of a class: ``slope * logit + offset``."""

    slope: Positive
    offset: float


class Bin(_Part):
    """Entries of test whose probabilities lie in one tenth of [0, 1]."""

    probability: Share
    """Their mean."""
    present: Share
    """Share of the entries that are."""
    entries: Annotated[int, Field(ge=1)]


class Calibrated(_Part):
    """How probabilities are calibrated, and what that came to on test."""

    lines: dict[str, Line]
    """Of each class, in their order."""
    before: list[Bin]
    """Of the network's own probabilities; empty where test cannot tell."""
    after: list[Bin]


class Description(_Part):
    """The content of ``config.json``; nothing else may be in it."""

    format: Literal[2]
    architecture: Architecture
    classes: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
    """In the order of the head's rows."""
    preprocessing: str
    method: dict[str, Any]
    """``name``, and the settings that were given."""
    start_weights: str
    epoch: Annotated[int, Field(ge=0)]
    val_map: float | None
    """None where val has no labels."""
    weights_sha256: Annotated[
        list[Annotated[str, Field(pattern="^[0-9a-f]{64}$")]], Field(min_length=1, max_length=2)
    ]
    """Of ``model.safetensors``; two while one takes the place of the other."""
    scoring_precision: Literal["fp32", "bf16"]
    """That its figures were measured in."""
    max_value: Annotated[int, Field(ge=1)] | None = None
    """The largest whole number of a pixel; None for that of its type."""
    thresholds: dict[str, TagRule] | None = None
    """Of each class, in their order; of a finished run."""
    val_rule: str | None = None
    """By which val was measured; of a finished run."""
    chosen_for: ChosenFor | None = None
    """None for the thresholds of the greatest F1 that training ends with."""
    calibration: Calibrated | None = None
    """None where probabilities are the network's own."""

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("a class is named twice")
        if self.thresholds is not None and list(self.thresholds) != self.classes:
            raise ValueError(
                f"thresholds must name the {len(self.classes)} classes in their order, but name "
                f"{len(self.thresholds)}"
            )
        lines = None if self.calibration is None else list(self.calibration.lines)
        if lines is not None and lines != self.classes:
            raise ValueError("calibration must name the classes in their order")
        if self.val_rule is not None and self.val_rule not in RULES:
            raise ValueError(f"there is no val_rule {self.val_rule!r}")
        if not isinstance(self.method.get("name"), str):
            raise ValueError("method has no name")
        return self

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Self:
        """Checks what a file holds.

        Raises:
            ValueError: the first thing that is wrong, in words.
        """
        if content.get("format") != FORMAT:
            raise ValueError(
                f"its format is {content.get('format')!r}; this version of largeloss reads "
                f"{FORMAT}: train the model again, or use the version that wrote it"
            )
        try:
            return cls.model_validate(dict(content))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise ValueError(f"{place}: {first['msg']}" if place else first["msg"]) from None
