import numpy as np

from largeloss.labels import LabelTable, cooccurrence
from largeloss.labels.cooccurrence import co_occurrence

LABELS = [[1, 1, -1], [1, 0, -1], [1, -1, 1], [0, 1, 1], [1, 1, 1]]


def by_loops(labels):
    """The share of images with j among those with i in which j was observed; columns sum to 1."""
    size = len(labels[0])
    shares = np.eye(size)
    for i in range(size):
        for j in range(size):
            observed = [row[j] for row in labels if row[i] == 1 and row[j] >= 0]
            if i != j and observed:
                shares[i, j] = sum(observed) / len(observed)
    return shares / shares.sum(axis=0)


def test_shares_are_those_of_the_loop():
    rows = np.array([0, 1, 2, 3])  # the last image is not counted
    found = co_occurrence(LabelTable.from_dense(LABELS), rows)
    np.testing.assert_allclose(found, by_loops(LABELS[:4]))
    assert not np.allclose(found, by_loops(LABELS))


def test_images_are_counted_in_chunks(monkeypatch):
    table, rows = LabelTable.from_dense(LABELS), np.arange(5)
    expected = co_occurrence(table, rows)
    monkeypatch.setattr(cooccurrence, "_CHUNK", 6)  # two images at once
    np.testing.assert_array_equal(co_occurrence(table, rows), expected)


def test_one_positive_an_image_is_the_identity():
    table = LabelTable.from_dense([[1, -1], [-1, 1], [1, -1]])
    np.testing.assert_array_equal(co_occurrence(table, np.arange(3)), np.eye(2))
