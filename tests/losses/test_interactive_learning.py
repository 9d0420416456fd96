"""IMCL: completion, matching pursuit, dictionary and the whole loss against loops."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from loss_oracles import cross_entropy, quick
from torch import nn

from largeloss.errors import CheckpointError, ConfigError
from largeloss.losses import InteractiveMultiLabelLearning
from largeloss.losses.imcl.feature_memory import FeatureMemory
from largeloss.losses.imcl.pursuit import Space, pursue, residual
from largeloss.losses.imcl.smoothness import asym_sigmoid, close, completed


def asym(v, c=2):
    w = v + 0.5 * math.log(1 / c)
    return (math.exp(w) - math.exp(-w) / c) / (math.exp(w) + math.exp(-w))


def pursued(y, f, labels, features, allowed, num_atoms=3):
    """The atoms chosen for one image, and what they leave in both spaces, by loops."""
    left_y, left_f, support = np.array(y), np.array(f), []
    for _ in range(num_atoms):
        a, b, signs = {}, {}, {}
        for j in range(len(labels)):
            if not allowed[j] or j in support:
                continue
            in_y, in_f = float(labels[j] @ left_y), float(features[j] @ left_f)
            a[j] = in_y**2 / float(labels[j] @ labels[j])
            b[j] = in_f**2 / float(features[j] @ features[j])
            signs[j] = np.sign(in_y) + np.sign(in_f)
        if not a:
            break
        scores = {
            j: (a[j] / (max(a.values()) or 1) + b[j] / (max(b.values()) or 1)) * signs[j] for j in a
        }
        best = max(scores, key=lambda j: (scores[j], -j))
        if scores[best] < 1e-3:
            break
        support.append(best)
        left_y, left_f = (
            x - np.linalg.lstsq(atoms[support].T, x, rcond=None)[0] @ atoms[support]
            for x, atoms in ((np.array(y), labels), (np.array(f), features))
        )
    return support, left_y, left_f


@quick
@given(st.integers(0, 10_000), st.integers(1, 12))
def test_pursuit_equals_the_loop(seed, num_atoms):
    stream = np.random.default_rng(seed)
    labels, features = stream.normal(size=(num_atoms, 4)), stream.normal(size=(num_atoms, 6))
    y, f = stream.normal(size=(5, 4)), stream.normal(size=(5, 6))
    allowed = stream.random((5, num_atoms)) < 0.8
    spaces = (
        Space(torch.from_numpy(y), torch.from_numpy(labels)),
        Space(torch.from_numpy(f), torch.from_numpy(features)),
    )
    found = pursue(*spaces, torch.from_numpy(allowed))
    left = (
        residual(spaces[0], found.atoms, found.label_weights).numpy(),
        residual(spaces[1], found.atoms, found.feature_weights).numpy(),
    )
    for image in range(5):
        support, left_y, left_f = pursued(y[image], f[image], labels, features, allowed[image])
        assert found.atoms[image][found.used[image]].tolist() == support
        np.testing.assert_allclose(left[0][image], left_y, atol=1e-9)
        np.testing.assert_allclose(left[1][image], left_f, atol=1e-9)


def test_completed_labels():
    values = np.linspace(-30, 30, 61)
    got = asym_sigmoid(torch.from_numpy(values)).numpy()
    np.testing.assert_allclose(got, [asym(v) for v in values], atol=1e-12)
    assert asym_sigmoid(torch.zeros(1)).abs().item() < 1e-7
    logits, graph = (
        torch.tensor([[1.0, -2.0, 0.5]]),
        torch.tensor([[1, 0, 0.5], [0, 1, 0], [0, 0, 0.5]]),
    )
    mixed = [asym(1), asym(-2), 0.5 * asym(1) + 0.5 * asym(0.5)]
    np.testing.assert_allclose(
        completed(logits, torch.tensor([[-1, -1, -1]]), graph), [mixed], atol=1e-6
    )
    np.testing.assert_allclose(
        completed(logits, torch.tensor([[1, 0, -1]])), [[1, -0.5, asym(0.5)]], atol=1e-6
    )


def test_near_features_are_the_image_itself():
    features = torch.randn(4, 600) * 30
    others = torch.cat([features + 1e-5, features + 1e-3, torch.randn(3, 600)])
    near = close(features, others)
    for image in range(4):
        for other in range(len(others)):
            distance = (features[image].double() - others[other].double()).norm().item()
            assert near[image, other] == (distance < 1e-3)


@quick
@given(
    st.integers(1, 5), st.lists(st.lists(st.integers(0, 8), max_size=6, unique=True), max_size=6)
)
def test_the_memory_equals_a_dictionary(size, history):
    memory, places, oldest = FeatureMemory(size), [], 0
    value_of = {}
    for step, rows in enumerate(batch for batch in history if batch):
        features = torch.tensor([[100.0 * step + row, 1.0] for row in rows])
        memory.update(features, torch.tensor([[row % 2] for row in rows]), torch.tensor(rows))
        for row in rows:
            if row not in places:
                if len(places) < size:
                    places.append(row)
                else:
                    places[oldest] = row
                    oldest = (oldest + 1) % size
            value_of[row] = 100.0 * step + row
        assert memory.rows.tolist() == places
        assert memory.features[:, 0].tolist() == [value_of[row] for row in places]
        assert memory.labels[:, 0].tolist() == [row % 2 for row in places]


def step(loss, head, features, labels, rows):
    """The loss of some images, by a model with this head."""
    return loss(head(features), labels, rows, features, head)


def setting(seed=0, num_classes=4, graph=None):
    torch.manual_seed(seed)
    head = nn.Linear(5, num_classes).double()
    features = torch.randn(9, 5, dtype=torch.float64)
    labels = torch.randint(-1, 2, (9, num_classes), dtype=torch.int8)
    loss = InteractiveMultiLabelLearning(dictionary_size=6, graph=graph).double()
    return loss, head, features, labels


@pytest.mark.parametrize("with_graph", [False, True])
def test_the_loss_equals_the_loop(with_graph):
    graph = torch.eye(4, dtype=torch.float64) * 0.7
    graph[0, 2] = graph[3, 1] = 0.3
    loss, head, features, labels = setting(graph=graph if with_graph else None)
    features.requires_grad_()
    step(loss, head, features[:6], labels[:6], torch.arange(6))  # fills the dictionary
    value = step(loss, head, features[6:], labels[6:], torch.arange(6, 9))
    balance: Any = loss.balance
    w1, w2 = balance
    weight, bias = head.weight.detach().numpy(), head.bias.detach().numpy()
    f = features.detach().numpy()
    y = labels.numpy()
    logits = f @ weight.T + bias
    influence = graph.numpy() if with_graph else np.eye(4)
    plain = np.vectorize(asym)(logits)
    sure = np.where(y == 1, 1.0, -0.5)
    atoms_y = np.where(y[:6] >= 0, sure[:6], plain[:6] @ influence)
    with_one = np.concatenate([f, np.ones((9, 1))], axis=1)
    observed = [(b, c) for b in range(6, 9) for c in range(4) if y[b, c] >= 0]
    expected = sum(cross_entropy(logits[b, c], int(y[b, c] == 1)) for b, c in observed) / len(
        observed
    )
    for b in range(6, 9):
        own = np.where(y[b] >= 0, sure[b], plain[b])
        _, left_y, left_f = pursued(own, with_one[b], atoms_y, with_one[:6], [True] * 6)
        expected += (w1 * left_y @ left_y + w2 * left_f @ left_f) / 3
    assert value.item() == pytest.approx(expected, abs=1e-9)
    assert w1 > 0
    assert w2 > 0


def test_the_weights_balance_the_gradients():
    loss, head, features, labels = setting()
    features.requires_grad_()
    step(loss, head, features[:6], labels[:6], torch.arange(6))
    assert loss.balance is None
    step(loss, head, features[6:], labels[6:], torch.arange(6, 9))
    balance: Any = loss.balance
    w1, w2 = balance
    again, *_ = setting()
    step(again, head, features[:6], labels[:6], torch.arange(6))
    sizes = []
    for weights in ((0.0, 0.0), (w1, 0.0), (0.0, w2)):
        again.balance, again.training = weights, False
        value = step(again, head, features[6:], labels[6:], torch.arange(6, 9))
        sizes.append(torch.autograd.grad(value, [head.weight, head.bias, features]))

    def norm(slopes, parts):
        return math.sqrt(sum(float(slopes[part].square().sum()) for part in parts))

    def without(slopes):
        return [slope - first for slope, first in zip(slopes, sizes[0], strict=True)]

    assert norm(without(sizes[1]), (0, 1)) == pytest.approx(norm(sizes[0], (0, 1)))
    assert norm(without(sizes[2]), (2,)) == pytest.approx(norm(sizes[0], (2,)))


def test_fixed_features_have_no_second_term():
    loss, head, features, labels = setting()
    for start in (0, 3, 6):
        step(
            loss,
            head,
            features[start : start + 3],
            labels[start : start + 3],
            torch.arange(3) + start,
        )
    assert loss.balance[0] > 0
    assert loss.balance[1] == 0


def test_edges_of_the_graph_train_and_its_diagonal_does_not():
    graph = torch.eye(4, dtype=torch.float64)
    graph[1, 2] = 0.5
    loss, head, features, labels = setting(graph=graph)
    step(loss, head, features[:6], -torch.ones_like(labels[:6]), torch.arange(6))
    step(loss, head, features[6:], labels[6:], torch.arange(6, 9)).backward()
    slope = loss.graph.grad
    assert slope[1, 2] != 0
    assert (slope != 0).sum() == 1
    assert InteractiveMultiLabelLearning(graph=torch.eye(3)).graph is None


def test_a_batch_with_nothing_observed():
    loss, head, features, labels = setting()
    blank = -torch.ones_like(labels)
    for start in (0, 3):
        value = step(loss, head, features[start : start + 3], blank[:3], torch.arange(3) + start)
        assert value.item() == 0


@pytest.mark.parametrize("size", [0, -1, 2.5])
def test_wrong_sizes(size):
    with pytest.raises(ConfigError, match="dictionary_size of imcl must be a whole number"):
        InteractiveMultiLabelLearning(dictionary_size=size)


def test_a_graph_of_another_shape():
    with pytest.raises(ConfigError, match=r"graph must be of shape \(C, C\), got \(2, 3\)"):
        InteractiveMultiLabelLearning(graph=torch.ones(2, 3))


def test_what_it_needs():
    with pytest.raises(ConfigError, match="needs features: call loss"):
        InteractiveMultiLabelLearning()(torch.zeros(1, 2), torch.zeros(1, 2).long())


def test_the_state_of_another_method():
    with pytest.raises(CheckpointError, match="no dictionary"):
        InteractiveMultiLabelLearning().load_state_dict({"_extra_state": {"epoch": 1}})
