"""Area under the ROC curve of each class."""

import numpy as np
import numpy.typing as npt

from largeloss.metrics.arrays import ArrayOrTensor, checked_pair
from largeloss.metrics.ranking import Ranking, ranked_classes


def roc_auc(scores: ArrayOrTensor, labels: ArrayOrTensor) -> npt.NDArray[np.float64]:
    """How often a present entry of a class scores above an absent one; equal scores count half.

    Where only some presences are known and blanks count as absent, each class's area is a linear
    function of that by complete labels, if the known presences are a random share of all: it ranks
    models as complete labels do, but for chance.

    Args:
        scores: Higher means more likely present.
        labels: 1 present, 0 absent, -1 unobserved; only observed entries count.
    Shapes: scores (N, C); labels (N, C); returns (C,) float64.
    Units: fractions in [0, 1]; NaN for a class without a present or without an absent entry.
    Raises: InputError, LabelError as ``average_precision``.
    Source: scikit-learn, ``sklearn.metrics.roc_auc_score``; Menon et al., ICML 2015 (blanks as
        absent).
    """
    checked, states = checked_pair(scores, labels)
    found = map(_area, ranked_classes(checked, states))
    return np.fromiter(found, dtype=np.float64, count=checked.shape[1])


def _area(ranking: Ranking) -> float:
    hits, scores = ranking.hits, ranking.scores
    absent = scores.size - hits.size
    if not hits.size or not absent:
        return np.nan
    # Of each present entry: absent ones that score at least as much, and those that score more.
    at_least = ranking.all_above - ranking.hits_above
    more = absent - scores.searchsorted(hits, "right") + hits.searchsorted(hits, "right")
    return 1 - float((at_least + more).sum()) / (2 * hits.size * absent)
