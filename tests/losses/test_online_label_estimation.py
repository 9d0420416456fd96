"""ROLE against loops over the equation, in value and in the gradients of logits and table."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from loss_oracles import EXACT, batches, cross_entropy, quick, sigmoid

from largeloss.errors import ConfigError
from largeloss.losses import RegularizedOnlineLabelEstimation
from largeloss.losses.functional import check_table_fits


def oracle(logits, labels, estimate, kappa):
    """The value, with q and p as the constants that the other is compared with."""
    num_images, num_classes = len(logits), len(logits[0])
    total = 0.0
    for x_row, y_row, z_row in zip(logits, labels, estimate, strict=True):
        for x, y, z in zip(x_row, y_row, z_row, strict=True):
            if y == 1:
                total += 0.5 * (cross_entropy(x, 1) + cross_entropy(z, 1))
            total += 0.5 * (cross_entropy(x, sigmoid(z)) + cross_entropy(z, sigmoid(x)))
    value = total / (num_images * num_classes)
    for table in (logits, estimate):
        count = sum(sigmoid(x) for row in table for x in row) / num_images
        value += 0.5 * ((count - kappa) / num_classes) ** 2
    return value


def slope(values, constants, labels, kappa):
    """Derivative of the value in one of the two tables; the other enters as a constant."""
    num_images, num_classes = len(values), len(values[0])
    count = sum(sigmoid(x) for row in values for x in row) / num_images
    found = np.zeros((num_images, num_classes))
    for b in range(num_images):
        for c in range(num_classes):
            p, q = sigmoid(values[b][c]), sigmoid(constants[b][c])
            found[b, c] = (p - q) / (2 * num_images * num_classes)
            if labels[b][c] == 1:
                found[b, c] += (p - 1) / (2 * num_images * num_classes)
            found[b, c] += (count - kappa) / num_classes**2 * p * (1 - p) / num_images
    return found


@quick
@given(batches())
def test_equals_the_loop(batch):
    logits, labels = batch
    num_images, num_classes = len(labels), len(labels[0])
    whole = torch.full((num_images + 3, num_classes), -1)
    whole[:num_images] = torch.tensor(labels)
    loss = RegularizedOnlineLabelEstimation(whole, 0.7).double()
    rows = torch.arange(num_images)
    leaf = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    value = loss(leaf, torch.tensor(labels), rows)
    value.backward()
    assert loss.estimate.grad is not None
    estimate = loss.estimate.detach()[:num_images].tolist()
    np.testing.assert_allclose(value.item(), oracle(logits, labels, estimate, 0.7), **EXACT)
    expected = slope(logits, estimate, labels, 0.7)
    np.testing.assert_allclose(leaf.grad.numpy(), expected, **EXACT)
    expected = slope(estimate, logits, labels, 0.7)
    np.testing.assert_allclose(loss.estimate.grad[:num_images].numpy(), expected, **EXACT)
    assert not loss.estimate.grad[num_images:].any()


def test_the_table_begins_as_published():
    labels = torch.tensor([[1, 0, -1], [-1, -1, 1]] * 50)
    loss = RegularizedOnlineLabelEstimation(labels, 1.5)
    start = torch.sigmoid(loss.estimate.detach())
    torch.testing.assert_close(start[labels == 1], torch.full((100,), 0.995))
    torch.testing.assert_close(start[labels == 0], torch.full((50,), 0.005), rtol=1e-4, atol=0)
    unknown = start[labels == -1]
    assert 0.4 <= unknown.min() < 0.42
    assert 0.58 < unknown.max() <= 0.6
    assert loss.lr_factor == 10


def test_seeded_by_the_global_stream():
    labels = -torch.ones(4, 3, dtype=torch.int8)
    tables = []
    for _ in range(2):
        torch.manual_seed(3)
        tables.append(RegularizedOnlineLabelEstimation(labels, 1.0).estimate)
    assert torch.equal(*tables)


def test_a_table_that_does_not_fit(monkeypatch):
    with pytest.raises(ConfigError, match=r"3,400,000 images × 5,000 classes, which needs 272\.0"):
        check_table_fits("ROLE trains", (3_400_000, 5_000), 16)


def test_a_table_in_the_hosts_memory_need_not_fit_into_the_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (1000, 1000))
    check_table_fits("EM+APL keeps", (100, 5), 16)
    with pytest.raises(ConfigError, match="ROLE trains a table"):
        check_table_fits("ROLE trains", (100, 5), 16, trained=True)


@pytest.mark.parametrize("kappa", [0, -1, math.nan, math.inf, 3.5])
def test_a_wrong_kappa(kappa):
    with pytest.raises(ConfigError, match="expected_positives"):
        RegularizedOnlineLabelEstimation(torch.zeros(2, 3, dtype=torch.int8), kappa)


def test_a_row_that_the_table_does_not_have():
    loss = RegularizedOnlineLabelEstimation(-torch.ones(4, 3, dtype=torch.int8), 1.0)
    with pytest.raises(ConfigError, match=r"has 4 rows, and a batch names row 4\. Build the loss"):
        loss(torch.zeros(1, 3), -torch.ones(1, 3, dtype=torch.int8), torch.tensor([4]))


def test_other_classes_than_the_tables():
    loss = RegularizedOnlineLabelEstimation(-torch.ones(4, 3, dtype=torch.int8), 1.0)
    with pytest.raises(ConfigError, match="has 3 classes, the batch 2"):
        loss(torch.zeros(1, 2), -torch.ones(1, 2, dtype=torch.int8), torch.tensor([0]))
