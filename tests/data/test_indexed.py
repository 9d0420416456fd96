"""The number of each image beside it."""

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset, random_split

import largeloss
from largeloss.errors import DataError


def test_batches_have_the_numbers_of_their_images():
    images, labels = torch.arange(10.0)[:, None], torch.zeros(10, 3, dtype=torch.int8)
    indexed = largeloss.IndexedDataset(TensorDataset(images, labels))
    assert len(indexed) == 10
    train, _ = random_split(indexed, [7, 3], torch.Generator().manual_seed(0))
    for inputs, states, rows in DataLoader(train, batch_size=3, shuffle=True):
        assert torch.equal(inputs[:, 0], rows.float())
        assert states.dtype == torch.int8


def test_samples_of_any_kind():
    assert largeloss.IndexedDataset([["a", 1], ["b", 0]])[1] == ("b", 0, 1)
    assert largeloss.IndexedDataset(["a", "b"])[0] == ("a", 0)
    sample = {"labels": 3}
    assert largeloss.IndexedDataset([sample])[0] == {"labels": 3, "rows": 0}
    assert sample == {"labels": 3}
    with pytest.raises(DataError, match="'rows' already"):
        largeloss.IndexedDataset([{"rows": 3}])[0]
    with pytest.raises(DataError, match="numbered from 0"):
        largeloss.IndexedDataset(["a"])[-1]
