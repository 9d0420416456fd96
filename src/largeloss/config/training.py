"""The settings of the training loop."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from largeloss.config.section import Section, setting


class TrainingConfig(Section):
    """The loop."""

    protocol: Literal["end-to-end", "linear", "linear-init"] = setting(
        "end-to-end",
        "end-to-end; linear: a head on features of a fixed backbone; linear-init: that first, then "
        "everything.",
        flag=True,
    )
    head_epochs: int = setting(25, "Of linear-init: epochs of the head alone, with Adam.", ge=1)
    head_lr: float = setting(1e-3, "Of linear-init: learning rate of that phase.", gt=0)
    head_method: str | None = setting(
        None, "Of linear-init: method of that phase. Default: the method's own choice."
    )
    teachers: Annotated[int, Field(ge=0, le=9)] | None = setting(
        None,
        "Models of other seeds, trained first, end to end: the tags that they are sure of are "
        "added before the run's model is trained. Default: 0; of recipes 1.",
        flag=True,
    )
    epochs: int = setting(10, "Passes over the training images.", flag=True, ge=1)
    batch_size: int = setting(16, "Over all processes.", flag=True, ge=1)
    optimizer: Literal["adam", "sgd", "rmsprop", "rmsprop-tf"] = setting(
        "adam", "adam, sgd, rmsprop, or rmsprop-tf: as TensorFlow computes it.", flag=True
    )
    lr: Annotated[float, Field(gt=0)] | None = setting(
        None,
        "Of the backbone; the head has 10 ×. Default: adam 1e-4, sgd 5e-3, rmsprop 1e-3.",
        flag=True,
    )
    head_lr_factor: float = setting(10.0, "Learning rate of the head ÷ the backbone's.", gt=0)
    weight_decay: Annotated[float, Field(ge=0)] | None = setting(
        None, "Default: sgd 1e-3, otherwise 0."
    )
    momentum: float = setting(0.9, "Of sgd and rmsprop.", ge=0, lt=1)
    seed: int = setting(0, "Decides weights, order and mirroring.", flag=True, ge=0, lt=2**32)
    select: Literal["auto", "full", "observed", "assume-absent", "last"] = setting(
        "auto",
        "Labels of val by which the best epoch is chosen: auto, full, observed, assume-absent; "
        "last takes the last epoch. By mAP; by log rank where blanks count as absent.",
        flag=True,
    )
    stop_below: Annotated[float, Field(gt=0)] | None = setting(
        3.0,
        "Early stopping: train no further epoch once val mAP (or log rank, where that decides) "
        "is more than so many points below its best. Never: --set training.stop_below=null.",
        flag=True,
    )
    mirror: bool = setting(True, "Mirror half of the training images.")
    augment: Literal["none", "light", "strong"] | None = setting(
        None,
        "Training images changed at random, end to end. light: shifted by up to a twelfth of the "
        "side; strong: parts of them enlarged, other colours, a rectangle blackened. Default: "
        "none; of recipes light.",
        flag=True,
    )
    accumulate: int = setting(
        1,
        "Batches whose gradients are averaged for one update, where memory is short. A method "
        "decides batch by batch all the same.",
        flag=True,
        ge=1,
    )
    schedule: Literal["constant", "cosine"] = setting(
        "constant",
        "Of the learning rate: constant, as published; cosine: it rises for a twentieth of the "
        "training, then falls to 0.",
        flag=True,
    )
    lr_warmup: float = setting(
        0.05, "Of the cosine schedule: share of the training in which it rises.", ge=0, lt=1
    )
    ema: Annotated[float, Field(gt=0, lt=1)] | None = setting(
        None,
        "Averages the weights over updates with this decay, such as 0.999; the average is "
        "measured and kept.",
        flag=True,
    )
    balance: bool = setting(
        False,
        "Observed tags of a class weigh in proportion to 1 / √(their number); the mean "
        "over all tags is 1. Unobserved entries keep their weight.",
        flag=True,
    )
    precision: Literal["auto", "fp32", "bf16"] = setting(
        "auto", "fp32, bf16, or auto: what a second's measurement finds faster.", flag=True
    )
    backend: Literal["auto", "torch", "openvino", "onnxruntime"] = setting(
        "auto",
        "Of frozen features: torch, openvino, onnxruntime, or auto: the fastest by a short "
        "measurement, where there are many images. Features of a cache are taken from any.",
        flag=True,
    )
    workers: int = setting(2, "Processes that decode images.", flag=True, ge=0)
    checkpoint_every: Annotated[int, Field(ge=1)] | None = setting(
        None,
        "Steps between checkpoints within an epoch. Default: one every ten minutes.",
        flag=True,
    )
    track_test: bool = setting(False, "Measure test after every epoch too, for curves.")
    record: Literal["nothing", "losses"] = setting(
        "nothing", "losses: writes every entry's loss, for 'largeloss analyze'.", flag=True
    )

    track: list[Literal["tensorboard", "wandb", "mlflow"]] | None = setting(
        None,
        "Trackers that follow the run: tensorboard, wandb, mlflow; several by commas, or the "
        "option repeated.",
        flag=True,
    )

    @field_validator("track", mode="before")
    @classmethod
    def _by_commas(cls, value: Any) -> Any:
        return value.split(",") if isinstance(value, str) else value

    @model_validator(mode="after")
    def _usual_values(self) -> Self:
        usual = {"adam": (1e-4, 0.0), "sgd": (5e-3, 1e-3)}
        lr, weight_decay = usual.get(self.optimizer, (1e-3, 0.0))
        if self.lr is None:
            self.lr = lr
        if self.weight_decay is None:
            self.weight_decay = weight_decay
        return self
