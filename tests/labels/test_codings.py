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
