import numpy as np
import pytest
from metric_oracles import average_precision_loop, make_data

from largeloss.errors import ConfigError, InputError, LabelError
from largeloss.metrics import map_interval, mean_average_precision


def bootstrap_loop(scores, labels, draws, seed):
    """Percentiles of mAP over resampled rows, each draw measured as if it were the data."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        rows = rng.integers(len(scores), size=len(scores))
        drawn = labels[rows]
        values = average_precision_loop(scores[rows], drawn)
        measurable = [c for c in range(labels.shape[1]) if (drawn[:, c] == 1).any()]
        if measurable:
            found.append(100 * float(np.mean([values[c] for c in measurable])))
    return np.percentile(found, [2.5, 97.5])


def interval(*arguments, **named):
    found = map_interval(*arguments, **named)
    assert found is not None
    return found


@pytest.mark.parametrize("levels", [None, 2])
@pytest.mark.parametrize("observed", [1.0, 0.5])
def test_equals_the_loop_over_resampled_rows(levels, observed):
    scores, labels = make_data(3, rows=40, classes=4, observed=observed, levels=levels)
    labels[labels[:, 0] == 1, 0] = 0
    labels[3, 0] = 1  # a class that loses its only positive in a third of the draws
    labels[:, 1] = np.minimum(labels[:, 1], 0)  # and one that has none
    present = sum((labels == 1).any(axis=0))
    expected = bootstrap_loop(scores, labels, 60, 5)
    found = interval(scores, labels, "skip", draws=60, seed=5)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    found = interval(scores, labels, draws=60, seed=5)
    np.testing.assert_allclose(found, expected * present / 4, rtol=0, atol=1e-9)


def test_it_holds_the_figure_and_narrows_with_more_rows():
    widths = []
    for rows in (50, 800):
        scores, labels = make_data(4, rows=rows)
        low, high = interval(scores, labels)
        assert low < mean_average_precision(scores, labels).value < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_no_draw_with_a_positive_has_no_interval():
    labels = np.zeros((40, 1), np.int8)
    labels[0] = 1
    scores = np.random.default_rng(0).random((40, 1))
    found = [map_interval(scores, labels, draws=1, seed=seed) for seed in range(20)]
    assert None in found
    assert any(found)


def test_the_seed_decides():
    scores, labels = make_data(6)
    assert map_interval(scores, labels) == map_interval(scores, labels, seed=0)
    assert map_interval(scores, labels) != map_interval(scores, labels, seed=1)


def test_equal_scores_of_perfect_and_infinite_kind():
    labels = np.array([[1], [0], [1], [0]] * 5)
    assert map_interval(np.where(labels == 1, np.inf, -np.inf), labels) == (100, 100)


@pytest.mark.parametrize("rows", [0, 3])
def test_without_a_positive_there_is_none(rows):
    assert map_interval(np.zeros((rows, 2)), np.zeros((rows, 2))) is None


def test_refusals():
    scores, labels = make_data(1)
    with pytest.raises(ConfigError, match="draws must be at least 1, but is 0"):
        map_interval(scores, labels, draws=0)
    with pytest.raises(ConfigError, match='"zero"'):
        map_interval(scores, labels, "nan")  # type: ignore[arg-type]
    with pytest.raises(LabelError):
        map_interval(scores, labels + 2)
    with pytest.raises(InputError, match="NaN"):
        map_interval(scores * np.nan, labels)
