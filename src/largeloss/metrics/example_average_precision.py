"""Average precision by image: whether the tags of an image rank above its other classes."""

import numpy as np

from largeloss.errors import LabelError
from largeloss.metrics.arrays import ArrayOrTensor, checked_pair


def example_average_precision(scores: ArrayOrTensor, labels: ArrayOrTensor) -> float:
    """Mean over images of the average precision of an image's classes, ranked by score.

    Images without a tag do not count; NaN if no image has a tag. Equal scores count as errors of
    the model.

    Args:
        scores: (N, C) real numbers; use logits. Infinite scores are allowed.
        labels: (N, C), complete: 1 present, 0 absent.

    Raises:
        LabelError: an entry is unobserved; ranks are defined for complete labels only.

    Source: Schapire and Singer, 2000; "average precision" in Zhang and Zhou, TKDE 2014.
    """
    values, states = checked_pair(scores, labels)
    if (states < 0).any():
        raise LabelError(
            "Average precision by image needs complete labels, but "
            f"{int((states < 0).sum())} of {states.size} entries are unobserved."
        )
    tagged = (states == 1).any(axis=1)
    if not tagged.any():
        return float("nan")
    values = values[tagged]
    if not np.isfinite(values).all():  # scikit-learn refuses them; only the order counts
        values = np.unique(values, return_inverse=True)[1].reshape(values.shape)
    from sklearn.metrics import label_ranking_average_precision_score  # slow to import

    return float(label_ranking_average_precision_score(states[tagged] == 1, values))
