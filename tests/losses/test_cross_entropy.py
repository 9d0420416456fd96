"""Mean cross-entropy: beside the formula, entry by entry, and by whichever way it is computed."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from largeloss.losses import AssumeNegative, cross_entropy
from largeloss.losses.cross_entropy import mean_cross_entropy


def loss_by_loops(logits, targets, weights):
    """Value and gradient."""
    value, slopes = 0.0, np.zeros(logits.shape)
    for row in range(logits.shape[0]):
        for column in range(logits.shape[1]):
            x, t = float(logits[row, column]), float(targets[row, column])
            w = 1.0 if weights is None else float(weights[row, column])
            softplus = max(x, 0) + math.log1p(math.exp(-abs(x)))
            value += w * (softplus - t * x) / logits.size
            sigmoid = 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
            slopes[row, column] = w * (sigmoid - t) / logits.size
    return value, slopes


@given(
    st.integers(0, 2**31),
    st.sampled_from(["bool", "soft"]),
    st.sampled_from([None, "bool", "float"]),
    st.sampled_from([0, 2**40]),
)
@settings(max_examples=60)
def test_equals_the_loops(seed, kind, weighing, numpy_below):
    stream = np.random.default_rng(seed)
    shape = tuple(stream.integers(1, 8, 2))
    logits = stream.normal(scale=5, size=shape)
    targets = stream.random(shape) < 0.3 if kind == "bool" else stream.random(shape)
    weights = None
    if weighing is not None:
        weights = stream.random(shape) < 0.7 if weighing == "bool" else 2 * stream.random(shape)
    before = cross_entropy.NUMPY_BELOW
    cross_entropy.NUMPY_BELOW = numpy_below
    try:
        x = torch.from_numpy(logits).requires_grad_()
        w = None if weights is None else torch.from_numpy(weights)
        loss = mean_cross_entropy(x, torch.from_numpy(targets), w)
        (3 * loss).backward()
    finally:
        cross_entropy.NUMPY_BELOW = before
    value, slopes = loss_by_loops(logits, targets, weights)
    assert loss.item() == pytest.approx(value, rel=1e-12, abs=1e-14)
    np.testing.assert_allclose(x.grad.numpy(), 3 * slopes, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("shape", [(2, 3), (200, 200)])
def test_extreme_logits_are_finite_and_sloped(shape):
    logits = torch.full(shape, 1e4)
    logits[0] = -1e4
    logits.requires_grad_()
    targets = torch.zeros(shape, dtype=torch.bool)
    targets[0] = True
    loss = mean_cross_entropy(logits, targets)
    assert loss.item() == pytest.approx(1e4)
    loss.backward()
    expected = torch.where(targets, -1.0, 1.0) / logits.numel()
    assert logits.grad is not None
    assert torch.allclose(logits.grad, expected)


@pytest.mark.parametrize("shape", [(3, 5), (300, 100)])
def test_a_graph_that_is_kept_gives_the_same_gradient_twice(shape):
    torch.manual_seed(0)
    logits = torch.randn(shape, requires_grad=True)
    loss = mean_cross_entropy(logits, torch.rand(shape) < 0.1, torch.rand(shape) < 0.9)
    first, second = (torch.autograd.grad(loss, logits, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, second)


def test_logits_of_any_layout():
    torch.manual_seed(0)
    logits = torch.randn(100, 300).T.requires_grad_()
    targets = torch.rand(300, 100) < 0.1
    loss = mean_cross_entropy(logits, targets)
    plain = mean_cross_entropy(logits.detach().contiguous(), targets)
    assert loss.item() == pytest.approx(plain.item(), rel=1e-6)
    (gradient,) = torch.autograd.grad(loss, logits)
    expected = (logits.detach().sigmoid() - targets.float()) / logits.numel()
    assert torch.allclose(gradient, expected, atol=1e-10)


def of_few_and_of_many(monkeypatch, function):
    """What ``function()`` gives by NumPy's closed form, and by torch's."""
    found = []
    for numpy_below in (2**40, 0):
        monkeypatch.setattr(cross_entropy, "NUMPY_BELOW", numpy_below)
        found.append(function())
    return found


@pytest.mark.parametrize("counted", [False, True])
def test_finding_02_second_derivatives(monkeypatch, counted):
    torch.manual_seed(0)
    logits = torch.randn(6, 5, dtype=torch.float64, requires_grad=True)
    direction = torch.randn(6, 5, dtype=torch.float64)
    targets = torch.rand(6, 5) < 0.3
    weights = torch.rand(6, 5) < 0.7 if counted else None

    def penalised(targets=targets):
        """The slopes of a loss with a gradient penalty, and a product with its Hessian."""
        loss = mean_cross_entropy(logits, targets, weights)
        (slope,) = torch.autograd.grad(loss, logits, create_graph=True)
        (whole,) = torch.autograd.grad(loss + 10 * slope.square().sum(), logits)
        _, product = torch.autograd.functional.hvp(
            lambda x: mean_cross_entropy(x, targets, weights), logits.detach(), direction
        )
        return torch.stack([whole, product])

    plain = penalised(targets.double())  # torch's own cross-entropy
    for closed in of_few_and_of_many(monkeypatch, penalised):
        torch.testing.assert_close(closed, plain, rtol=1e-12, atol=1e-15)
    assert plain[1].abs().max() > 1e-4
    assert torch.autograd.gradgradcheck(lambda x: mean_cross_entropy(x, targets, weights), logits)


def test_finding_02_a_gradient_penalty_on_a_large_batch():
    torch.manual_seed(0)
    inputs, labels = torch.randn(200, 10), torch.where(torch.rand(200, 100) < 0.1, 1, -1)
    slopes = []
    for columns in (slice(None), slice(0, 50)):  # beyond and below what has a closed form
        weight = (torch.arange(1000).view(10, 100) / 1000).requires_grad_()
        logits = (inputs @ weight)[:, columns]
        loss = AssumeNegative()(logits, labels[:, columns]) * logits.shape[1]
        (slope,) = torch.autograd.grad(loss, weight, create_graph=True)
        norms = slope.square().sum(dim=0)[:50]
        slopes.append(torch.autograd.grad(norms.sum(), weight)[0][:, :50])
    torch.testing.assert_close(*slopes)
    assert slopes[0].abs().max() > 1e-3


@pytest.mark.parametrize("shape", [(6, 1), (5,), (1, 5)])
@pytest.mark.parametrize("kind", [torch.bool, torch.float32], ids=str)
def test_finding_02_weights_and_targets_that_are_repeated(monkeypatch, shape, kind):
    torch.manual_seed(0)
    logits = torch.randn(6, 5)
    small = torch.rand(shape) < 0.5
    assert 0 < small.sum() < small.numel()
    other = torch.rand(6, 5) < 0.5
    for targets, weights in ((other, small), (small, other)):
        whole = mean_cross_entropy(
            logits, targets.expand(6, 5).float(), weights.expand(6, 5).float()
        )
        found = of_few_and_of_many(
            monkeypatch, lambda t=targets, w=weights: mean_cross_entropy(logits, t, w.to(kind))
        )
        torch.testing.assert_close(found, [whole, whole])


@pytest.mark.parametrize("num_images", [2, 200])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_finding_02_torch_func_is_refused(num_images):
    weight, inputs = torch.randn(3, 100), torch.randn(num_images, 3)
    labels = torch.full((num_images, 100), -1, dtype=torch.int8)
    with pytest.raises(RuntimeError):
        torch.func.grad(lambda w: AssumeNegative()(inputs @ w, labels))(weight)
