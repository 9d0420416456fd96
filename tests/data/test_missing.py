"""The estimate of missing positives: by hand, and how often its intervals hold."""

import numpy as np
import pytest

from largeloss.data.examine.missing_positives import MissingPositives, estimate_missing
from largeloss.data.examine.split_counts import count_splits
from largeloss.labels import LabelTable, fraction


def missing_of(dense: object) -> MissingPositives:
    table = LabelTable.from_dense(dense)
    return estimate_missing(count_splits(table, {"train": np.arange(table.num_images)})["train"])


def test_complete_labels_miss_nothing():
    missing = missing_of([[1, 0], [0, 1]])
    assert (missing.expected, missing.interval) == (0, (0, 0))
    assert missing.per_class == ((0, 0, 0), (0, 0, 0))
    assert "Every entry is observed" in missing.how


@pytest.mark.parametrize(
    ("dense", "words"),
    [([[1, -1], [-1, 1]], "Only presences are observed"), ([[-1, -1]], "Nothing is observed")],
)
def test_without_observed_absences_nothing_can_be_told(dense, words):
    missing = missing_of(dense)
    assert missing.expected is None
    assert missing.interval is None
    assert missing.per_class == (None, None)
    assert missing.how.startswith(words)
    assert "annotate some randomly drawn images" in missing.how


def test_a_class_by_hand():
    # Observed: 3 present and 7 absent; 20 unobserved. Wilson with 1 / (1/10 + 1/20) trials.
    dense = [[1]] * 3 + [[0]] * 7 + [[-1]] * 20
    missing = missing_of(dense)
    z, share, trials = 1.959963984540054, 0.3, 20 / 3
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * (share * 0.7 / trials + z * z / (4 * trials**2)) ** 0.5
    assert missing.expected == pytest.approx(6)
    assert missing.interval == pytest.approx((20 * (centre - half), 20 * (centre + half)))
    low, high = np.floor(20 * (centre - half)), np.ceil(20 * (centre + half))
    assert missing.per_class[0] == pytest.approx((6, low, high))
    assert "observed at random" in missing.how


def test_classes_without_observed_absences_are_left_out_and_told():
    dense = [[1, 1, 1], [0, -1, 1], [-1, -1, 0], [-1, -1, 0]]
    missing = missing_of(dense)
    assert missing.expected == pytest.approx(1)  # the first class alone: half of two
    assert missing.per_class[1] is None
    assert missing.per_class[2] == (0, 0, 0)  # complete
    assert "1 of 3 classes are left out" in missing.how


def test_the_interval_covers_the_truth():
    stream = np.random.default_rng(0)
    shares = stream.random(12) * 0.4
    inside, classes_inside = [], []
    for seed in range(100):
        truth = (stream.random((120, 12)) < shares).astype(np.int8)
        known = fraction(LabelTable.from_dense(truth), 0.3, seed)
        missing = missing_of(known.to_dense())
        wanted = truth.sum(axis=0) - known.counts().present
        assert missing.interval is not None
        inside.append(missing.interval[0] <= wanted.sum() <= missing.interval[1])
        for one, number in zip(missing.per_class, wanted, strict=True):
            if one is not None:
                classes_inside.append(one[1] <= number <= one[2])
    assert 0.88 <= np.mean(inside) <= 1
    assert 0.93 <= np.mean(classes_inside) <= 1
