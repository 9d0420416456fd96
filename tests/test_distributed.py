"""Two processes equal one: values, gradients and label edits, in double precision.

One pair of processes works through all cases (gloo); this process then does the same alone and
compares.
"""

import datetime
import os
import socket
import traceback
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import distributed as dist
from torch import multiprocessing, nn
from torch.nn.parallel import DistributedDataParallel

from largeloss import distributed
from largeloss.errors import ConfigError
from largeloss.losses import LOSSES, RegularizedOnlineLabelEstimation
from largeloss.losses.functional import expected_positives_penalty, large_loss
from largeloss.training import shared_folder

SECONDS = 60
TOLERANCE: dict[str, Any] = {"rtol": 0, "atol": 1e-10}
NUM_CLASSES = 4

CASES: dict[str, tuple[str, Any]] = {
    "full": ("full", {}),
    "an": ("an", {}),
    "iu": ("iu", {}),
    "iu of the observed": ("iu", {"denominator": "observed"}),
    "wan": ("wan", {}),
    "lsan": ("lsan", {}),
    "epr": ("epr", {"expected_positives": 1.5}),
    "em": ("em", {}),
    "asl": ("asl", {}),
    "asl summed": ("asl", {"reduction": "sum"}),
    "hill": ("hill", {}),
    "splc": ("splc", {"threshold": 0.5}),
    "p-asl": ("p-asl", {}),
    "csl": ("p-asl", {"selective": True, "top_per_image": 1}),
    "gr": ("gr", {"num_epochs": 4}),
    "crisp": ("crisp", {}),
    "ll-r auto": ("ll-r", {"delta_rel": "auto"}),
    "ll-cp auto": ("ll-cp", {"delta_rel": "auto"}),
    "ll-r balanced": ("ll-r", {"delta_rel": 10}),
    "ll-r of a known share": ("ll-r", {"delta_rel": "auto", "missing": 20}),
} | {
    f"{name} {rate_base} {ties}": (
        name,
        {"delta_rel": delta_rel, "rate_base": rate_base, "ties": ties},
    )
    for name, delta_rel in [("ll-r", 10), ("ll-ct", 10), ("ll-cp", 20)]
    for rate_base in ("all", "unobserved")
    for ties in ("include", "stable")
}

SHARDS = [(3, 2), (2, 6), (5, 4), (1, 1), (2, 0)]
"""Images of a global batch that each of two processes has, contiguous; five steps per epoch."""


IMAGES = torch.tensor([[1.0, -1.0], [0.5, 2.0], [-1.0, 0.25]], dtype=torch.float64)
"""All that there are, so that losses tie."""


class Step(nn.Module):
    """A linear model and its loss, wrapped as one."""

    def __init__(self, name, settings):
        super().__init__()
        stream = torch.Generator().manual_seed(1)
        weight = torch.randn(2, NUM_CLASSES, generator=stream, dtype=torch.float64)
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(NUM_CLASSES, dtype=torch.float64))
        self.loss: Any = LOSSES[name](**settings)

    def logits(self, inputs):
        # Entry by entry, so that equal images have equal logits whatever the batch.
        return inputs[:, :1] * self.weight[0] + inputs[:, 1:] * self.weight[1] + self.bias

    def forward(self, inputs, labels, rows):
        logits = self.logits(inputs)
        return self.loss(logits, labels, rows)


def global_batches(complete):
    """Inputs, labels and rows of an epoch's steps."""
    stream = torch.Generator().manual_seed(2)
    first = 0
    for shard in SHARDS:
        size = sum(shard)
        inputs = IMAGES[torch.randint(0, 3, (size,), generator=stream)]
        labels = torch.randint(-1, 2, (size, NUM_CLASSES), generator=stream)
        labels = torch.where(torch.rand(labels.shape, generator=stream) < 0.5, -1, labels)
        labels[0, 0] = -1
        if complete:
            labels = labels.clamp_min(0)
        yield inputs, labels.to(torch.int8), torch.arange(first, first + size)
        first += size


def own_part(tensor, shard, rank):
    """What the process ``rank`` has of a global batch; all of it alone."""
    if distributed.world_size() == 1:
        return tensor
    return tensor.split(list(shard))[rank]


def own_parts(whole, shard):
    return [own_part(tensor, shard, distributed.rank()) for tensor in whole]


def train(case):
    """Losses, gradients and edits of four epochs, as one or as one of several processes."""
    name, settings = CASES[case]
    module = Step(name, settings)
    if case == "ll-r balanced":
        module.loss.class_weights = torch.tensor([0.5, 2.0, 1.0, 3.0])
    wrapped = DistributedDataParallel(module) if distributed.world_size() > 1 else module
    values, gradients = [], []
    steps = list(zip(SHARDS, global_batches(name == "full"), strict=True))
    for epoch in range(4):
        if epoch and (passes := module.loss.passes(epoch)):
            for shard, whole in steps:
                inputs, labels, rows = own_parts(whole, shard)
                logits = module.logits(inputs).detach().expand(passes, -1, -1)
                module.loss.relabel(logits, labels, rows)
        module.loss.set_epoch(epoch)
        for shard, whole in steps:
            module.zero_grad()
            value = wrapped(*own_parts(whole, shard))
            value.backward()
            values.append(value.detach())
            gradients += [parameter.grad.clone() for parameter in module.parameters()]
            with torch.no_grad():
                for parameter in module.parameters():
                    assert parameter.grad is not None
                    parameter.sub_(0.5 * parameter.grad)
    module.loss.set_epoch(4)
    edits = module.loss.edits.state() if name == "ll-cp" else {}
    return {
        "values": torch.stack(values),
        "gradients": torch.cat([gradient.flatten() for gradient in gradients]),
        "weight": module.weight.detach(),
        "edits": edits,
    }


class Model(nn.Module):
    """A linear model of images by their rows, in single precision."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2, NUM_CLASSES))

    def forward(self, inputs):
        return inputs @ self.weight


class ModelAndLoss(nn.Module):
    """Both, to be wrapped together."""

    def __init__(self, loss):
        super().__init__()
        self.model, self.loss = Model(), loss

    def forward(self, inputs, labels, rows):
        return self.loss(self.model(inputs), labels, rows)


def warnings_of_a_table(wrapping):
    """What ROLE warns of in eight steps, and how far its tables have come apart."""
    torch.manual_seed(0)
    labels = torch.randint(-1, 2, (8, NUM_CLASSES), dtype=torch.int8)
    loss = RegularizedOnlineLabelEstimation(labels, expected_positives=1.5)
    both = ModelAndLoss(loss)
    if wrapping == "both":
        step: Any = DistributedDataParallel(both)
    else:
        wrapped = DistributedDataParallel(both.model)

        def step(inputs, labels, rows):
            return both.loss(wrapped(inputs), labels, rows)

    optimizer = torch.optim.Adam(both.parameters(), lr=0.01)
    own = torch.arange(8).split(4)[distributed.rank()]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(8):
            optimizer.zero_grad()
            step(torch.ones(4, 2), labels[own], own).backward()
            optimizer.step()
    tables = distributed.gather(loss.estimate.detach()[None])
    apart = float((tables[0] - tables[1]).abs().max())
    return {"texts": [str(warning.message) for warning in caught], "apart": apart}


# Pieces, with the uneven parts that two processes have of one tensor.

VALUES = torch.tensor([3.0, 7, 7, -1, 5, 7, 0], dtype=torch.float64)
TIED = torch.tensor([[1.0, 2, 2], [0, 2, 9], [2, 2, 1], [2, -3, 2]], dtype=torch.float64)
CANDIDATES = torch.tensor([[1, 1, 1], [1, 1, 0], [0, 1, 1], [1, 1, 1]], dtype=torch.bool)
PENALISED = torch.linspace(0.1, 0.9, 15, dtype=torch.float64).view(5, 3)


def parts_of(tensor, sizes):
    return own_part(tensor, sizes, distributed.rank())


def pieces():
    """Results of the functions themselves, in one process or in one of two."""
    results = {}
    for sizes in ((4, 3), (1, 6), (7, 0), (0, 7)):
        own = parts_of(VALUES, sizes)
        for k in (1, 2, 3, 4, 5, 7, 9):
            results[f"kth largest {k} {sizes}"] = distributed.kth_largest(own, k)
        results[f"gather {sizes}"] = distributed.gather(own)
        results[f"gather int {sizes}"] = distributed.gather(own.to(torch.int32))
        leaf = own.clone().requires_grad_()
        mean = distributed.global_mean(leaf)
        (mean**2).backward()
        results[f"global mean {sizes}"] = mean.detach()
        # What DistributedDataParallel does to parameters: the mean over processes.
        results[f"slope of the global mean {sizes}"] = distributed.gather(
            leaf.grad / distributed.world_size()
        )
        # The same of a penalty on a gradient, which is averaged likewise.
        mean = distributed.global_mean(leaf.sin()) ** 3
        (slope,) = torch.autograd.grad(mean, leaf, create_graph=True)
        penalty = distributed.global_sum((slope / distributed.world_size()).square().sum())
        (slope,) = torch.autograd.grad(penalty, leaf)
        results[f"slope of a penalty on a slope {sizes}"] = distributed.gather(
            slope / distributed.world_size()
        )
    results["gather rows"] = distributed.gather(parts_of(TIED, (3, 1)))
    results["gather nothing"] = distributed.gather(torch.zeros(0, dtype=torch.int64))
    results["gather no rows"] = distributed.gather(torch.zeros(0, 3))
    results["global sum"] = distributed.global_sum(parts_of(VALUES, (3, 4)).sum())
    results["global count"] = torch.tensor(
        distributed.global_count(len(parts_of(VALUES, (3, 4))), VALUES.device)
    )
    for sizes in ((2, 2), (3, 1), (0, 4)):
        logits, candidates = parts_of(TIED, sizes), parts_of(CANDIDATES, sizes)
        for ties in ("include", "stable"):
            for k in (0, 1, 2, 3, 5, 7, 12, 30):
                own = large_loss(logits, candidates, k, ties)
                results[f"large loss {ties} {k} {sizes}"] = distributed.gather(own.int())
    leaf = parts_of(PENALISED, (4, 1)).clone().requires_grad_()
    penalty = expected_positives_penalty(leaf, 2.0)
    penalty.backward()
    results["penalty"] = penalty.detach()
    results["slope of the penalty"] = distributed.gather(leaf.grad / distributed.world_size())
    return results


def of_each_process():
    """What differs between processes on purpose."""
    rank = distributed.rank()
    distributed.barrier()
    return {
        "rank": rank,
        "world_size": distributed.world_size(),
        "before_me": int(distributed.before_me(torch.tensor(5 + rank))),
        "from_main": distributed.from_main({"rank": rank}),
        "device": str(distributed.device()),
    }


def told_of_a_folder(folder, name):
    """What each process says of a run folder that the first has begun; None: it sees it."""
    begun = Path(folder) / name / "config.yaml"
    if distributed.rank() == 0:
        begun.parent.mkdir()
        begun.touch()
    distributed.barrier()
    try:
        return shared_folder.check_shared(begun)
    except ConfigError as error:
        return str(error)


def work(rank, folder):
    """All cases in the process ``rank`` of two; writes its results, or its traceback."""
    try:
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*first batch has no unobserved entry")
        torch.set_num_threads(1)
        shared_folder.SEEN_WITHIN = 0.1
        dist.init_process_group(
            "gloo",
            init_method=f"file://{folder}/meeting-point",
            rank=rank,
            world_size=2,
            timeout=datetime.timedelta(seconds=SECONDS),
        )
        results = {
            "each": of_each_process(),
            "pieces": pieces(),
            "training": {case: train(case) for case in CASES},
            "shared": told_of_a_folder(folder, "run"),
            "not shared": told_of_a_folder(folder, f"run-{rank}"),
            "tables": {wrapping: warnings_of_a_table(wrapping) for wrapping in ("both", "model")},
        }
        dist.destroy_process_group()
        torch.save(results, Path(folder) / f"results-{rank}.pt")
    except BaseException:
        (Path(folder) / f"error-{rank}.txt").write_text(traceback.format_exc(), encoding="utf-8")
        os._exit(1)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The results of both processes."""
    folder = tmp_path_factory.mktemp("two-processes")
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=work, args=(rank, str(folder))) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(2 * SECONDS)
    hung = [process for process in processes if process.is_alive()]
    for process in hung:
        process.kill()
        process.join()
    errors = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("error-*.txt"))]
    assert not errors, "\n".join(errors)
    assert not hung, f"{len(hung)} of two processes did not end"
    return [torch.load(folder / f"results-{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.fixture(scope="module")
def alone():
    """The pieces as this process has them."""
    return pieces()


def test_a_run_folder_that_one_machine_does_not_see_is_refused_by_all(two):
    for results in two:
        assert results["shared"] is None
        assert f"on {socket.gethostname()} it is not there" in results["not shared"]


# Training.


@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("ignore:.*first batch has no unobserved entry")
def test_two_processes_train_as_one(case, two):
    expected = train(case)
    for results in two:
        got = results["training"][case]
        for name in ("values", "gradients", "weight"):
            torch.testing.assert_close(got[name], expected[name], **TOLERANCE)
        assert got["edits"].keys() == expected["edits"].keys()
        for field, value in expected["edits"].items():
            if value.is_floating_point():
                torch.testing.assert_close(got["edits"][field], value)
            else:
                assert torch.equal(got["edits"][field], value), field


@pytest.mark.parametrize("case", CASES)
def test_both_processes_end_alike(case, two):
    first, second = (results["training"][case] for results in two)
    assert torch.equal(first["weight"], second["weight"])
    for field, value in first["edits"].items():
        assert torch.equal(second["edits"][field], value), field


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("ll-cp")])
def test_there_are_edits_of_images_of_both_processes(case, two):
    edits = two[0]["training"][case]["edits"]
    selecting = {1, 2, 3}
    assert set(edits["committed.epochs"].tolist()) == selecting
    owner, first = {}, 0
    for shard in SHARDS:
        for rank, size in enumerate(shard):
            owner |= dict.fromkeys(range(first, first + size), rank)
            first += size
    assert {owner[row] for row in edits["committed.rows"].tolist()} == {0, 1}


@pytest.mark.parametrize("name", ["ll-r", "ll-ct", "ll-cp"])
def test_the_two_rules_for_ties_differ_here(name):
    """Else the cases above would not show that two processes agree on them."""
    include, stable = (train(f"{name} all {ties}")["values"] for ties in ("include", "stable"))
    assert not torch.equal(include, stable)


def test_finding_13_a_table_that_is_not_wrapped_is_warned_of(two):
    for results in two:
        both, model = results["tables"]["both"], results["tables"]["model"]
        assert both == {"texts": [], "apart": 0}
        assert model["apart"] > 0.01
        (text,) = model["texts"]
        assert "RegularizedOnlineLabelEstimation has parameters of its own (estimate)" in text
        assert "DistributedDataParallel(Objective(model, loss))" in text


# The pieces.


@pytest.mark.parametrize("rank", [0, 1])
def test_pieces_of_two_processes_equal_those_of_one(two, alone, rank):
    got = two[rank]["pieces"]
    assert got.keys() == alone.keys()
    for name, expected in alone.items():
        torch.testing.assert_close(
            got[name],
            expected,
            **TOLERANCE,
            msg=lambda text, name=name: f"{name}: {text}",  # type: ignore[misc]
        )
        assert got[name].dtype == expected.dtype


def test_pieces_by_hand(alone):
    descending = [7, 7, 7, 5, 3, 0, -1]
    for k in (1, 2, 3, 4, 5, 7):
        assert alone[f"kth largest {k} (4, 3)"] == descending[k - 1]
    assert alone["kth largest 9 (4, 3)"] == -torch.inf
    assert alone["global mean (4, 3)"].item() == pytest.approx(28 / 7)
    assert alone["slope of the global mean (4, 3)"].tolist() == pytest.approx([8 / 7] * 7)
    assert alone["large loss include 3 (2, 2)"].tolist() == [
        [0, 1, 1],
        [0, 1, 0],
        [0, 1, 0],
        [1, 0, 1],
    ]
    assert alone["large loss stable 3 (2, 2)"].tolist() == [
        [0, 1, 1],
        [0, 1, 0],
        [0, 0, 0],
        [0, 0, 0],
    ]
    assert alone["large loss stable 5 (2, 2)"].tolist() == [
        [0, 1, 1],
        [0, 1, 0],
        [0, 1, 0],
        [1, 0, 0],
    ]


def test_each_process_knows_its_place(two):
    first, second = (results["each"] for results in two)
    assert first == {
        "rank": 0,
        "world_size": 2,
        "before_me": 0,
        "from_main": {"rank": 0},
        "device": "cpu",
    }
    assert second == {**first, "rank": 1, "before_me": 5}


def test_alone_everything_is_a_no_op():
    assert of_each_process() == {
        "rank": 0,
        "world_size": 1,
        "before_me": 0,
        "from_main": {"rank": 0},
        "device": "cpu",
    }
    tensor = torch.randn(3, requires_grad=True)
    assert distributed.gather(tensor) is tensor
    assert distributed.global_sum(tensor) is tensor
    assert distributed.global_count(4, tensor.device) == 4
    assert torch.equal(distributed.global_mean(tensor), tensor.mean())


def test_finding_02_a_penalty_on_a_slope_by_hand(alone):
    x = VALUES
    sines, cosines, n = x.sin(), x.cos(), len(x)
    inner = sines.mean()
    # The slope is 3 m^2 cos(x) / n, with m the mean of the sines.
    expected = (
        2 * 9 * inner**4 * cosines * -sines / n**2
        + 36 * inner**3 * cosines.square().sum() / n**2 * cosines / n
    )
    found = alone["slope of a penalty on a slope (4, 3)"]
    torch.testing.assert_close(found, expected, **TOLERANCE)
    assert expected.abs().max() > 1e-5


def test_nothing_has_no_largest():
    assert distributed.kth_largest(torch.zeros(0), 3) == -torch.inf


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("k", [1, 7, 500, 20_000])
@pytest.mark.parametrize("kind", ["normal", "ties", "columns", "mostly -inf", "constant"])
def test_the_kth_largest_of_very_many_is_exact(seed, k, kind):
    """A sample only tells where to look, however badly it happens to be drawn."""
    torch.manual_seed(seed)
    values = torch.randn(400, 500)
    if kind == "ties":
        values = values.round()
    elif kind == "columns":  # large values where a sample in even steps might never look
        values += 10.0 * (torch.arange(500) % 8 == 3)
    elif kind == "mostly -inf":
        values[torch.rand_like(values) < 0.999] = -torch.inf
    elif kind == "constant":
        values.fill_(3.0)
    expected = values.flatten().sort(descending=True).values[k - 1]
    assert distributed.kth_largest(values.flatten(), k) == expected
