"""IMCL: completion, matching pursuit, dictionary and the whole loss against loops."""

import math
from contextlib import nullcontext
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


def test_finding_13_the_weights_are_set_when_the_dictionary_has_been_filled():
    loss, head, features, labels = setting()  # a dictionary of 6
    for number, start in enumerate((0, 3, 6, 0)):
        part = slice(start, start + 3)
        step(loss, head, features[part], labels[part], torch.arange(3) + start)
        assert (loss.balance is not None) == (number >= 2)
    # A data set that is smaller than the dictionary: it is filled when a batch brings nothing new.
    loss = InteractiveMultiLabelLearning(dictionary_size=50).double()
    for number, start in enumerate((0, 3, 6, 0, 3)):
        part = slice(start, start + 3)
        value = step(loss, head, features[part], labels[part], torch.arange(3) + start)
        assert (loss.balance is not None) == (number == 4)
        observed = labels[part] >= 0
        plain = nn.functional.binary_cross_entropy_with_logits(
            head(features[part])[observed], (labels[part] == 1).double()[observed]
        )
        assert (value.item() == pytest.approx(plain.item())) == (number < 4)


def test_finding_13_a_dictionary_filled_before_a_restart():
    loss, head, features, labels = setting()
    other, *_ = setting()
    step(loss, head, features[:6], labels[:6], torch.arange(6))
    other.load_state_dict(loss.state_dict())
    rest = features[6:], labels[6:], torch.arange(6, 9)
    assert torch.equal(step(other, head, *rest), step(loss, head, *rest))
    assert other.balance == loss.balance is not None


@pytest.mark.parametrize("version", ["paper", "code"])
def test_finding_13_a_head_without_bias(version):
    _, head, features, labels = setting()
    without = nn.Linear(5, 4, bias=False).double()
    with torch.no_grad():
        without.weight.copy_(head.weight)
        head.bias.zero_()
    values = []
    for used in (head, without):
        loss: Any = InteractiveMultiLabelLearning(dictionary_size=6, version=version).double()
        if version == "paper" and used is head:
            head.bias.requires_grad_(False)  # of another weight, were it trained
        step(loss, used, features[:6], labels[:6], torch.arange(6))
        value = step(loss, used, features[6:], labels[6:], torch.arange(6, 9))
        values.append([value.item(), *loss.balance])
    assert values[0] == pytest.approx(values[1])
    assert values[0][1] > 0


def test_finding_13_a_head_that_is_not_trained():
    loss, head, features, labels = setting()
    head.requires_grad_(False)
    features.requires_grad_()
    step(loss, head, features[:6], labels[:6], torch.arange(6))
    with pytest.raises(ConfigError, match=r"none of them needs a gradient\. Train the head, or ch"):
        step(loss, head, features[6:], labels[6:], torch.arange(6, 9))


def test_finding_13_under_autocast():
    def losses(context):
        loss, head, features, labels = setting()
        head, features, found = head.float(), features.float(), []
        for start in (0, 3, 6, 0):
            part = slice(start, start + 3)
            logits = head(features[part])
            with context:
                value = loss(logits, labels[part], torch.arange(3) + start, features[part], head)
            found.append(value)
        return torch.stack(found), loss.balance

    plain, under = losses(nullcontext()), losses(torch.autocast("cpu", torch.bfloat16))
    assert torch.equal(plain[0], under[0])
    assert plain[1] == under[1] is not None
    # A step whose logits and features were computed in half precision, too.
    loss, head, features, labels = setting()
    head = head.float()
    for start in (0, 6):
        with torch.autocast("cpu", torch.bfloat16):
            half = features[start : start + 6].float().bfloat16()
            rows = torch.arange(start, start + len(half))
            value = loss(head(half), labels[start : start + 6], rows, half, head)
        value.backward()
        assert value.dtype == torch.float32


# As the authors ran it.


def test_finding_13_the_authors_run_equals_the_loop():
    """Chosen by labels alone; of values w1, no w2; the whole graph trains."""
    graph = torch.eye(4, dtype=torch.float64) * 0.7
    graph[0, 2] = graph[3, 1] = 0.3
    _, head, features, labels = setting()
    loss: Any = InteractiveMultiLabelLearning(6, graph, version="code").double()
    features.requires_grad_()
    step(loss, head, features[:6], labels[:6], torch.arange(6))

    def by_loops(influence):
        f, y = features.detach().numpy(), labels.numpy()
        logits = f @ head.weight.detach().numpy().T + head.bias.detach().numpy()
        plain, sure = np.vectorize(asym)(logits), np.where(y == 1, 1.0, -0.5)
        atoms = np.where(y[:6] >= 0, sure[:6], plain[:6] @ influence)
        observed = [(b, c) for b in range(6, 9) for c in range(4) if y[b, c] >= 0]
        first = sum(cross_entropy(logits[b, c], int(y[b, c] == 1)) for b, c in observed)
        first, second = first / len(observed), 0.0
        for b in range(6, 9):
            own, support = np.where(y[b] >= 0, sure[b], plain[b]), []
            left = own
            for _ in range(3):
                inner = {j: float(atoms[j] @ left) for j in range(6) if j not in support}
                fits = {j: inner[j] ** 2 / float(atoms[j] @ atoms[j]) for j in inner}
                scores = {j: fits[j] / max(fits.values()) * np.sign(inner[j]) for j in fits}
                best = max(scores, key=lambda j: scores[j])
                if scores[best] < 1e-3:
                    break
                support.append(best)
                weights = np.linalg.lstsq(atoms[support].T, own, rcond=None)[0]
                left = own - weights @ atoms[support]
            second += float(left @ left) / 3
        return first, second

    value = step(loss, head, features[6:], labels[6:], torch.arange(6, 9))
    first, second = by_loops(graph.numpy())
    w1 = first / second
    assert value.item() == pytest.approx(first + w1 * second, abs=1e-9)
    assert loss.balance == pytest.approx((w1, 0.0))
    value.backward()
    assert ((loss.graph.grad != 0) <= (graph != 0)).all()
    assert (loss.graph.grad.diagonal() != 0).any()
    # Later w1 stays as it was, and so does the dictionary.
    with torch.no_grad():
        head.weight *= 1.5
        loss.graph[1, 1] = 0.2
    value = step(loss, head, features[6:], labels[6:], torch.arange(6, 9))
    graph[1, 1] = 0.2
    first, second = by_loops(graph.numpy())
    assert value.item() == pytest.approx(first + w1 * second, abs=1e-9)
    # Other images do not enter the dictionary; its own are refreshed.
    assert loss.memory.rows.tolist() == list(range(6))
    features.detach()[2] *= 2
    step(loss, head, features[2:3], labels[2:3], torch.tensor([2]))
    assert torch.equal(loss.memory.features[2], features.detach()[2])


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
