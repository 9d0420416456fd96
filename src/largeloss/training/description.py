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
    val_map: float
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

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("a class is named twice")
        if self.thresholds is not None and list(self.thresholds) != self.classes:
            raise ValueError(
                f"thresholds must name the {len(self.classes)} classes in their order, but name "
                f"{len(self.thresholds)}"
            )
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
