import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from metric_oracles import ANYTHING, average_precision_loop, make_data
from sklearn.metrics import average_precision_score

from largeloss.errors import InputError, LabelError
from largeloss.metrics import average_precision, average_precision_entries

EXACT: dict[str, Any] = {"rtol": 0, "atol": 1e-12}


def entries(scores, labels) -> tuple[Any, Any, Any]:
    rows, columns = np.nonzero(labels >= 0)
    return scores[rows, columns], labels[rows, columns], columns


def test_worked_example():
    scores = np.array([[0.9], [0.8], [0.7], [0.6]])
    labels = np.array([[1], [0], [1], [-1]])
    assert average_precision(scores, labels) == pytest.approx([(1 / 1 + 2 / 3) / 2])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("levels", [None, 1, 3, 20])
@pytest.mark.parametrize("observed", [1.0, 0.5, 0.05])
def test_equals_the_loop(dtype, levels, observed):
    scores, labels = make_data(1, observed=observed, levels=levels, dtype=dtype)
    expected = average_precision_loop(scores, labels)
    np.testing.assert_allclose(average_precision(scores, labels), expected, **EXACT)
    listed = average_precision_entries(*entries(scores, labels), labels.shape[1])
    np.testing.assert_allclose(listed, expected, **EXACT)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("levels", [None, 2, 50])
@pytest.mark.parametrize("observed", [1.0, 0.3])
def test_equals_scikit_learn_over_many_blocks(dtype, levels, observed):
    scores, labels = make_data(2, rows=2500, classes=70, observed=observed, levels=levels)
    scores = scores.astype(dtype)
    result = average_precision(scores, labels)
    for column in range(70):
        kept = labels[:, column] >= 0
        expected = average_precision_score(labels[kept, column], scores[kept, column])
        assert result[column] == pytest.approx(expected, rel=0, abs=1e-12)


@settings(max_examples=200)
@given(*ANYTHING)
def test_equals_scikit_learn_on_anything(scores, labels):
    result = average_precision(scores, labels)
    for column in range(2):
        kept = labels[:, column] >= 0
        if (labels[:, column] == 1).any():
            expected = average_precision_score(labels[kept, column], scores[kept, column])
        else:
            expected = 0.0
        assert result[column] == pytest.approx(expected, rel=0, abs=1e-12)
    listed = average_precision_entries(*entries(scores, labels), 2)
    np.testing.assert_array_equal(listed, result)


def test_neighbouring_floats_are_no_ties():
    for dtype in (np.float32, np.float64):
        low = dtype(1.0)
        high = np.nextafter(low, dtype(2))
        assert average_precision(np.array([[low], [high]]), [[0], [1]]) == 1.0
        assert average_precision(np.array([[low], [high]]), [[1], [0]]) == 0.5


def test_signed_zeros_tie():
    for positive in (0.0, -0.0):
        scores = np.array([[positive], [-positive]], dtype=np.float32)
        assert average_precision(scores, [[1], [0]]) == 0.5


def test_all_tied_gives_the_share_of_positives():
    assert average_precision(np.zeros((4, 1)), [[1], [0], [0], [0]]) == 0.25


def test_infinite_scores_rank():
    scores = np.array([[np.inf], [-np.inf], [0.0], [np.inf]])
    assert average_precision(scores, [[1], [0], [1], [0]]) == pytest.approx([(1 / 2 + 2 / 3) / 2])


@pytest.mark.parametrize("levels", [None, 3])
def test_row_order_changes_no_bit(levels):
    scores, labels = make_data(3, rows=200, observed=0.7, levels=levels)
    order = np.random.default_rng(0).permutation(len(scores))
    np.testing.assert_array_equal(
        average_precision(scores[order], labels[order]), average_precision(scores, labels)
    )
    flat = entries(scores, labels)
    order = np.random.default_rng(0).permutation(len(flat[0]))
    np.testing.assert_array_equal(
        average_precision_entries(flat[0][order], flat[1][order], flat[2][order], 7),
        average_precision(scores, labels),
    )


def test_a_monotone_transform_changes_nothing():
    scores, labels = make_data(4, levels=20, dtype=np.float64)
    np.testing.assert_array_equal(
        average_precision(np.exp(3 * scores) - 5, labels), average_precision(scores, labels)
    )


def test_single_row_and_classes_without_positives():
    np.testing.assert_array_equal(
        average_precision([[0.3, 0.3, 0.3]], [[1, 0, -1]]), [1.0, 0.0, 0.0]
    )
    np.testing.assert_array_equal(average_precision(np.zeros((0, 2)), np.zeros((0, 2))), [0, 0])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_tensors_that_require_grad(dtype):
    scores, labels = make_data(5, observed=0.8)
    tensor = torch.from_numpy(scores).to(getattr(torch, dtype)).requires_grad_()
    expected = average_precision_loop(tensor.detach().double().numpy(), labels)
    result = average_precision(tensor, torch.from_numpy(labels))
    np.testing.assert_allclose(result, expected, **EXACT)
    assert isinstance(result, np.ndarray)
    assert result.dtype == np.float64


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint8, np.float32, np.float64, bool])
def test_labels_of_any_numeric_type(dtype):
    scores, labels = make_data(6)
    np.testing.assert_array_equal(
        average_precision(scores, labels.astype(dtype)), average_precision(scores, labels)
    )


def test_memory_layout_does_not_matter_and_inputs_stay():
    scores, labels = make_data(7, rows=90)
    before = scores.copy(), labels.copy()
    expected = average_precision(scores, labels)
    foreign = np.asfortranarray(scores.astype(">f4"))
    np.testing.assert_array_equal(average_precision(foreign, np.asfortranarray(labels)), expected)
    flat = entries(scores, labels)
    kept = flat[0].copy()
    average_precision_entries(*flat, 7)
    np.testing.assert_array_equal(scores, before[0])
    np.testing.assert_array_equal(labels, before[1])
    np.testing.assert_array_equal(flat[0], kept)


def test_scores_of_one_class_in_one_column_are_not_sorted_in_place():
    scores, labels = np.array([[3.0], [1.0], [2.0]]), np.array([[1], [0], [1]])
    average_precision(scores, labels)
    average_precision_entries(scores[:, 0], labels[:, 0], np.zeros(3, dtype=int), 1)
    np.testing.assert_array_equal(scores, [[3.0], [1.0], [2.0]])


def test_many_classes_of_entries():
    columns = np.array([70_000, 3, 70_000, 3])
    result = average_precision_entries([0.1, 0.2, 0.3, 0.4], [1, 1, 0, 0], columns, 70_001)
    assert result[[3, 70_000]].tolist() == [0.5, 0.5]
    assert result.sum() == 1.0


def test_no_entries():
    assert average_precision_entries([], [], [], 3).tolist() == [0, 0, 0]


def test_nan_names_row_and_class():
    scores = np.zeros((4, 3), dtype=np.float32)
    scores[2, 1] = scores[3, 0] = np.nan
    with pytest.raises(InputError, match=r"2 of 12 scores are NaN.*row 2, class 1"):
        average_precision(scores, np.full((4, 3), -1))


@pytest.mark.parametrize("shape", [(6,), (1, 2, 3), ()])
def test_only_matrices(shape):
    with pytest.raises(InputError, match=r"shape \(N, C\)"):
        average_precision(np.zeros(shape), np.zeros(shape))


def test_shapes_must_agree_and_hold_a_class():
    with pytest.raises(InputError, match=r"\(4, 3\) and \(3, 4\)"):
        average_precision(np.zeros((4, 3)), np.zeros((3, 4)))
    with pytest.raises(InputError, match="at least one class"):
        average_precision(np.zeros((4, 0)), np.zeros((4, 0)))


@pytest.mark.parametrize("value", [2, -2, 0.5, np.nan, np.inf])
def test_foreign_label_names_entry_and_count(value):
    labels = np.zeros((4, 3))
    labels[1, 2] = labels[3, 0] = value
    with pytest.raises(LabelError, match=rf"2 of 12 are not; the first is {value}.*row 1, class 2"):
        average_precision(np.zeros((4, 3)), labels)


def test_foreign_label_in_whole_numbers():
    with pytest.raises(LabelError, match="255"):
        average_precision(np.zeros((1, 2)), np.array([[0, 255]], dtype=np.uint8))


def test_types_that_are_no_numbers():
    with pytest.raises(InputError, match="real numbers"):
        average_precision(np.zeros((1, 1), dtype=complex), [[1]])
    with pytest.raises(LabelError, match="numbers"):
        average_precision([[0.5]], [["yes"]])


@pytest.mark.parametrize(
    ("scores", "labels", "columns", "error", "message"),
    [
        ([0.1, 0.2], [1, -1], [0, 1], LabelError, r"1 \(present\), 0 \(absent\), but 1 of 2.*y 1"),
        ([0.1, np.nan], [1, 0], [0, 1], InputError, "NaN; the first is entry 1, of class 1"),
        ([0.1, 0.2], [1, 0], [0, 2], InputError, r"\[0, 2\), but reach from 0 to 2"),
        ([0.1, 0.2], [1, 0], [-1, 0], InputError, "reach from -1"),
        ([0.1, 0.2], [1, 0], [0.0, 1.0], InputError, "whole numbers"),
        ([0.1, 0.2], [1, 0], [0], InputError, r"same shape \(E,\)"),
        ([[0.1]], [[1]], [[0]], InputError, r"same shape \(E,\)"),
    ],
)
def test_entries_refused(scores, labels, columns, error, message):
    with pytest.raises(error, match=message):
        average_precision_entries(scores, labels, columns, 2)


def test_entries_need_a_class():
    with pytest.raises(InputError, match="num_classes"):
        average_precision_entries([], [], [], 0)


def test_the_floor_does_not_import_torch():
    program = "import sys, largeloss.metrics; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_labels_that_are_nan_are_told_how_to_be_converted():
    with pytest.raises(LabelError, match=r"the first is nan .*convert\(labels, 'nan-unobserved'\)"):
        average_precision([[0.5, 1.0]], [[1.0, np.nan]])
