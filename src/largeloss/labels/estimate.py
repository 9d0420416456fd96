"""How many tags there are: estimated from the observed labels, and from predictions."""

import numpy as np
from numpy.typing import NDArray

from largeloss.labels.table import LabelTable

_DRAWN = 20  # positives
_CONFIDENCE = 0.01  # delta and gamma of the bound


def expected_positives(table: LabelTable, rows: NDArray[np.int64]) -> tuple[float, str]:
    """An estimate of kappa, and in words how it was made.

    Where more absences than presences were observed: the share of presences among the observed
    entries, times the number of classes, which supposes that entries were observed at random. Else:
    the mean number of observed tags, which is a lower bound. A few absences among many tags, such
    as a reviewer's answers, are no random sample, and would let every class seem present.

    Args:
        table: (N, C) labels.
        rows: The images to estimate from.
    """
    chosen = table.select(rows)
    positives, observed = int((chosen.states == 1).sum()), chosen.num_observed
    if observed > 2 * positives:
        share = positives / observed
        return share * table.num_classes, "share of presences among observed entries × classes"
    return positives / max(1, len(rows)), "mean number of observed tags: a lower bound"


def best_bin_priors(images: NDArray[np.int64], positives: NDArray[np.int64]) -> NDArray[np.float64]:
    """(C,): each class's estimated share of images in which it is present.

    Above a threshold z of its scores lie a share q of all images and a share q_p of its observed
    positives. If these are a random sample of its positives, its prior is at most q / q_p; taken is
    the z with the lowest upper confidence bound of that. Classes with few observed positives are
    drawn towards the mean ratio of estimated and observed positives, which counts as much as twenty
    of them; a class without any has prior 0.

    Args:
        images: (C, Z): how many images have a score in each bin, in rising order.
        positives: (C, Z): the same of the class's observed positives, which are among them.

    Source: Garg et al., NeurIPS 2021 (best bin estimation), as CRISP uses it, with the shrinkage of
        :func:`~largeloss.metrics.shrunk_thresholds`.
    """
    num_images = np.maximum(images.sum(axis=1), 1)
    counted = positives.sum(axis=1)
    some = np.maximum(counted, 1)
    above = images[:, ::-1].cumsum(axis=1)[:, ::-1] / num_images[:, None]
    above_positive = positives[:, ::-1].cumsum(axis=1)[:, ::-1] / some[:, None]
    noise = np.log(4 / _CONFIDENCE) / 2
    width = (1 + _CONFIDENCE) * (np.sqrt(noise / num_images) + np.sqrt(noise / some))[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = np.where(above_positive > 0, (above + width) / above_positive, np.inf)
        best = np.arange(len(bound)), bound.argmin(axis=1)
        prior = np.where(counted > 0, above[best] / above_positive[best], 0)
    seen = counted / num_images
    ratio = prior.sum() / seen.sum() if seen.any() else 0
    drawn = (counted * prior + _DRAWN * ratio * seen) / (counted + _DRAWN)
    estimated: NDArray[np.float64] = np.clip(drawn, seen, 1)
    return estimated


def missing_share(images: NDArray[np.int64], positives: NDArray[np.int64]) -> float:
    """The share of the unobserved entries that are present, at most, by :func:`best_bin_priors`.

    The less a model tells the classes apart, the further above the true share it lies.

    Args:
        images: (C, Z): how many entries of each class that are not observed absences have a score
            in each bin, in rising order.
        positives: (C, Z): the same of the class's observed positives.
    """
    candidates, tagged = images.sum(axis=1), positives.sum(axis=1)
    missing = best_bin_priors(images, positives) * candidates - tagged
    return float(missing.sum() / max(1, (candidates - tagged).sum()))


def unobserved_shares(val: LabelTable, train: LabelTable) -> NDArray[np.float64]:
    """(2, C): which share of train's present entries of each class is unobserved, and of its absent
    ones, if the class is as frequent there as among its labelled entries of val. A class whose
    entries of val are all present or unobserved says nothing of that, and has the share of all.

    The share of a class with few present entries in val is drawn to that of all classes, which
    counts as much as twenty of them. An absent entry counts at least as much as a present one: both
    shares are estimates, and where hardly any entry is unobserved, chance would decide which is the
    larger.
    """
    present, absent, _ = val.counts()
    labelled = np.where(absent > 0, present + absent, 0)
    frequency = np.divide(present, labelled, out=np.zeros(len(present)), where=labelled > 0)
    expected = train.num_images * np.stack([frequency, (labelled > 0) - frequency])
    left = expected - np.where(labelled > 0, np.stack(train.counts()[:2]), 0)
    own, pooled = _share(left, expected), _share(left.sum(axis=1), expected.sum(axis=1))
    shares: NDArray[np.float64] = (present * own + _DRAWN * pooled[:, None]) / (present + _DRAWN)
    shares[1] = np.maximum(shares[0], shares[1])
    return shares


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(np.maximum(part, 0), whole, out=np.zeros(part.shape), where=whole > 0)
