"""Class imbalance: the tags of rare classes weigh more, those of frequent ones less."""

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from largeloss.errors import ConfigError
from largeloss.losses.functional import present
from largeloss.losses.host_copy import DeferredCheck, sent


def class_weights(tags: Tensor | ArrayLike) -> Tensor:
    """What an observed tag of each class weighs: ``w_c = k / sqrt(tags_c)``.

    k makes the mean weight of a tag 1, so that the loss stays of the size that it has. Nothing is
    counted of unobserved entries, and nothing of them is weighed: they are no absences.

    Example:
        >>> loss.class_weights = class_weights([400, 100, 25])
        >>> loss.class_weights
        tensor([0.7500, 1.5000, 3.0000])

    Args:
        tags: (C,) how often each class is present among the observed training entries:
            ``(labels == 1).sum(0)``. A class that never is cannot be learnt, and has weight 1.

    Raises:
        ConfigError: tags that are no counts of (C,) classes, or none at all.
    Source: the smoothed inverse frequency that Cui et al., CVPR 2019, section 2, name
        (https://arxiv.org/abs/1901.05555). Ours: of tags alone, and the mean over tags.
    """
    counts = torch.as_tensor(tags).detach().cpu().double()
    if counts.ndim != 1 or not bool((counts.isfinite() & (counts >= 0)).all()):
        raise ConfigError(
            "Weights of classes are made of the number of tags of each class, shape (C,), such as "
            f"(labels == 1).sum(0); got {tags!r}."
        )
    if not bool(counts.any()):
        raise ConfigError("Not one class has an observed tag: there is nothing to balance.")
    root = counts.sqrt()
    scale = counts.sum() / root.sum()
    return torch.where(counts > 0, scale / root, 1).to(torch.get_default_dtype())


def weighed(weights: Tensor | None, labels: Tensor, of_classes: Tensor | None) -> Tensor | None:
    """``weights`` of entries times those of their classes where ``labels`` are present.

    Shapes: weights (B, C) or repeated so, None is 1; labels (B, C); of_classes (C,), None is 1.
    """
    if of_classes is None:
        return weights
    factors = torch.where(present(labels), sent(of_classes, labels.device), 1)
    return factors if weights is None else factors * weights


def check_class_weights(of_classes: Tensor, num_classes: int, deferred: DeferredCheck) -> None:
    """Refuses weights that are not positive numbers, one per class.

    Raises:
        ConfigError: so they are; for values on a GPU, when ``deferred`` is flushed.
    """
    if of_classes.shape != (num_classes,):
        raise ConfigError(
            f"class_weights has shape {tuple(of_classes.shape)}, and the batch has {num_classes} "
            f"classes. Give one weight per class, shape ({num_classes},)."
        )
    deferred.refuse_if(
        ~(of_classes.isfinite() & (of_classes > 0)).all(),
        lambda: ConfigError(
            f"class_weights must be positive numbers, got {of_classes.tolist()}. "
            "largeloss.losses.class_weights makes them of the number of tags of each class."
        ),
    )
