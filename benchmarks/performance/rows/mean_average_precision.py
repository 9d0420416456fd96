"""Average precision of every class, of complete and of partly observed labels."""

from collections.abc import Iterator

import numpy as np
from measure import Line, interleaved, seconds
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from largeloss.metrics import average_precision, average_precision_entries

SIZES = ((5_823, 20), (40_504, 80), (125_436, 601))
SPARSE = (28_000, 5_000, 0.01)


def lines() -> Iterator[Line]:
    """Complete labels at three sizes, then observed entries."""
    for size in SIZES:
        yield _complete(*size)
    yield _observed(*SPARSE)


def _complete(num_images: int, num_classes: int) -> Line:
    stream = np.random.default_rng(0)
    scores = stream.normal(size=(num_images, num_classes)).astype(np.float32)
    labels = (stream.random((num_images, num_classes)) < 0.04).astype(np.int8)
    ways = {
        "scikit-learn": lambda: by_scikit_learn(scores, labels),
        "by argsort": lambda: by_argsort(scores, labels),
        "ours": lambda: average_precision(scores, labels),
        "sort alone": lambda: np.sort(np.ascontiguousarray(scores.T), axis=1),
    }
    large = num_images * num_classes > 10**7
    sampled = interleaved(ways, rounds=3 if large else 7)
    times = {way: found.median for way, found in sampled.items()}
    ratio = times["by argsort"] / times["ours"]
    error = np.abs(average_precision(scores, labels) - by_scikit_learn(scores, labels)).max()
    return Line(
        "mAP",
        f"{num_images}×{num_classes}",
        f"{ratio:.1f}× as fast as argsort, {times['scikit-learn'] / times['ours']:.0f}× as "
        f"scikit-learn; largest difference {error:.0e}",
        "≥ 5×, agreement 1e-12",
        ratio >= 5 and error < 1e-12,
        seconds(sampled),
        f"the sort alone: {100 * times['sort alone'] / times['ours']:.0f} % of ours",
    )


def by_scikit_learn(scores: NDArray[np.float32], labels: NDArray[np.int8]) -> NDArray[np.float64]:
    """Class after class."""
    pairs = zip(labels.T, scores.T, strict=True)
    return np.array([average_precision_score(state, score) for state, score in pairs])


def by_argsort(scores: NDArray[np.float32], labels: NDArray[np.int8]) -> NDArray[np.float64]:
    """As loops over classes have it: ranks by argsort, precision at each positive."""
    found = []
    for column in range(scores.shape[1]):
        hits = labels[np.argsort(-scores[:, column], kind="stable"), column] == 1
        precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        found.append(precision[hits].mean())
    return np.array(found)


def _observed(num_images: int, num_classes: int, share: float) -> Line:
    stream = np.random.default_rng(0)
    number = int(num_images * num_classes * share)
    places = np.sort(stream.choice(num_images * num_classes, number, replace=False))
    rows, columns = np.divmod(places, num_classes)
    values = stream.normal(size=number).astype(np.float32)
    states = (stream.random(number) < 0.3).astype(np.int8)
    scores = np.zeros((num_images, num_classes), dtype=np.float32)
    scores[rows, columns] = values
    labels = np.full((num_images, num_classes), -1, dtype=np.int8)
    labels[rows, columns] = states

    def dense() -> NDArray[np.float64]:
        found = np.zeros(num_classes)
        for column in range(num_classes):
            observed = labels[:, column] >= 0
            found[column] = by_argsort(
                scores[observed, column][:, None], labels[observed, column][:, None]
            )[0]
        return found

    columns = columns.astype(np.int32)
    ways = {
        "dense": dense,
        "ours": lambda: average_precision_entries(values, states, columns, num_classes),
    }
    sampled = interleaved(ways, rounds=5)
    ratio = sampled["dense"].median / sampled["ours"].median
    return Line(
        "mAP, observed entries",
        f"{num_images}×{num_classes}, {100 * share:g} % observed",
        f"{ratio:.1f}× as fast, from {9 * number / 2**20:.0f} MiB in place of "
        f"{5 * num_images * num_classes / 2**20:.0f}",
        "≥ 12×, memory O(entries)",
        ratio >= 12,
        seconds(sampled),
        "a quarter of 112,194×5,000: the dense matrices of that need 2.8 GB",
    )
