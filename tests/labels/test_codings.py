import numpy as np
import pytest
import torch

from largeloss.errors import LabelError
from largeloss.labels import CODINGS, convert

EXAMPLES = {
    "zero-unobserved": ([1, -1, 0], [1, 0, -1]),
    "positives-only": ([1, 0, 0], [1, -1, -1]),
    "complete": ([1, 0, 1], [1, 0, 1]),
    "nan-unobserved": ([1.0, 0.0, np.nan], [1, 0, -1]),
}


@pytest.mark.parametrize("coding", CODINGS)
def test_arrays_and_tensors_become_int8_states(coding):
    foreign, states = EXAMPLES[coding]
    array = convert(np.array([foreign]), coding)
    assert array.dtype == np.int8
    assert array.tolist() == [states]
    tensor = convert(torch.tensor([foreign]), coding)
    assert tensor.dtype == torch.int8
    assert tensor.tolist() == [states]


def test_foreign_values_and_unknown_codings_are_refused():
    with pytest.raises(LabelError, match="'positives-only' has no value -1; it has 1, 0"):
        convert(np.array([1, -1]), "positives-only")
    with pytest.raises(LabelError, match="no value nan"):
        convert(np.array([1.0, np.nan]), "complete")
    with pytest.raises(LabelError, match="no coding 'spml'; there are zero-unobserved"):
        convert(np.array([1]), "spml")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[1, 0]], r"a NumPy array or a tensor, got list\. Write numpy\.asarray"),
        (1, "got int"),
        (np.array([["1", "0"]]), r"an array of numbers, got one of type <U1\. .*astype\(float\)"),
        (np.array([[1, None]], dtype=object), r"got one of type object\. .* NaN of None"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(labels, message):
    with pytest.raises(LabelError, match=message):
        convert(labels, "complete")


def test_the_advice_makes_numbers_of_text_and_none():
    labels = np.array([["1", "0", None]], dtype=object).astype(float)
    assert convert(labels, "nan-unobserved").tolist() == [[1, 0, -1]]


def test_unsigned_tensors_are_converted():
    for dtype in (torch.uint8, torch.uint16, torch.uint32, torch.uint64):
        assert convert(torch.tensor([1, 0], dtype=dtype), "positives-only").tolist() == [1, -1]
