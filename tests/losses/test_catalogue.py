"""Methods by name: what they say of themselves, their settings, and how they are built."""

import doctest
import inspect
import re
from typing import Any

import numpy as np
import pytest
import torch

from largeloss.errors import ConfigError
from largeloss.labels import LabelTable
from largeloss.labels.cooccurrence import co_occurrence
from largeloss.losses import (
    LOSSES,
    InteractiveMultiLabelLearning,
    LargeLossRejection,
    PartialLabelLoss,
    action_of,
    build_loss,
    check_some_method_has,
    find_method,
    settings_of,
    title_of,
)

TABLE = LabelTable.from_dense([[1, -1, -1], [1, 1, 0], [-1, 0, 1], [1, 1, 1]])
ROWS = np.array([0, 1, 2])
LARGE_LOSS = ["ll-r", "ll-ct", "ll-cp"]
every_method = pytest.mark.parametrize("name", LOSSES)


# What a method says of itself.


@every_method
def test_every_method_has_its_name_title_and_paper(name):
    method = LOSSES[name]
    assert method.name == name
    assert method.title
    venue = r"((CVPR|ECCV|ICCV|IJCAI) )?20\d\d"
    assert re.fullmatch(rf".+, {venue}(, arXiv:\d{{4}}\.\d{{5}})?", method.paper)
    assert issubclass(method, PartialLabelLoss)
    assert method.__bases__ == (PartialLabelLoss,)  # inheritance is one level deep


@every_method
def test_the_example_of_every_docstring_runs(name):
    method = LOSSES[name]
    text = inspect.getdoc(method) or ""
    assert "Example:" in text
    (example,) = doctest.DocTestFinder(recurse=False).find(
        method, globs={"torch": torch, method.__name__: method}
    )
    assert example.examples
    with torch.random.fork_rng():
        torch.manual_seed(0)
        report: list[str] = []
        doctest.DocTestRunner(verbose=False).run(example, out=report.append)
    assert not report, "".join(report)


@every_method
def test_every_docstring_links_the_paper(name):
    text, arxiv = inspect.getdoc(LOSSES[name]) or "", LOSSES[name].paper.partition("arXiv:")[2]
    assert f"https://arxiv.org/abs/{arxiv}" in text if arxiv else "https://" in text


def test_what_reports_and_protocols_ask():
    def having(attribute):
        return [name for name, method in LOSSES.items() if getattr(method, attribute)]

    assert having("trains_on_complete_labels") == ["full"]
    assert having("needs_observed_negatives") == ["iu", "curriculum", "imcl"]
    assert having("action") == [*LARGE_LOSS, "curriculum", "p-asl", "splc"]
    assert {name: LOSSES[name].linear_init_method for name in having("linear_init_method")} == (
        dict.fromkeys([*LARGE_LOSS, "splc"], "an")
    )
    assert LOSSES["ll-cp"]().edits is not None
    assert LOSSES["curriculum"]().edits is not None
    assert LargeLossRejection().edits is None


@pytest.mark.parametrize(
    ("rule", "stochastic"),
    [("threshold", False), ("positives", False), ("ensemble", True), ("uncertainty", True)],
)
def test_rules_that_need_dropout(rule, stochastic):
    assert build_loss("curriculum", TABLE, ROWS, {"rule": rule})[0].stochastic == stochastic
    assert not LOSSES["ll-r"]().stochastic


def test_names():
    assert find_method("ll-r") is LargeLossRejection
    assert title_of("ll-ct") == "LL-Ct"
    assert title_of("new") == "new"
    assert action_of("ll-r").word == "Rejected"
    assert action_of("an") is None
    assert action_of("new") is None
    with pytest.raises(ConfigError, match="There is no method 'll-s'; did you mean 'll-"):
        find_method("ll-s")
    with pytest.raises(
        ConfigError, match=r"There is no method 'xyz'; there are full, .*crisp, auto, fine-tune, "
    ):
        find_method("xyz")


# Settings.


def test_settings_are_those_of_the_constructor():
    large = {"rate_base": "all", "ties": "include", "warmup_epochs": 1, "missing": None}
    assert {name: settings_of(name) for name in LOSSES} == {
        "full": {},
        "an": {},
        "iu": {"denominator": "all"},
        "wan": {},
        "lsan": {"smoothing": 0.1},
        "epr": {"expected_positives": None},
        "role": {"expected_positives": None, "lr_factor": 10.0},
        "ll-r": {"delta_rel": 0.2, **large, "num_epochs": None},
        "ll-ct": {"delta_rel": 0.2, **large, "num_epochs": None},
        "ll-cp": {"delta_rel": 0.1, **large},
        "curriculum": {"rule": "threshold", "limit": None, "num_passes": 10, "warmup_epochs": 1},
        "imcl": {
            "dictionary_size": 4096,
            "graph": None,
            "version": "paper",
            "lr_factor": 1.0,
        },
        "em": {"entropy_weight": 0.2},
        "em-apl": {
            "entropy_weight": 0.2,
            "soft_label_weight": 0.02,
            "warmup_epochs": 5,
            "share": 0.9,
            "num_epochs": 10,
        },
        "asl": {
            "gamma_positive": 1.0,
            "gamma_negative": 4.0,
            "clip": 0.05,
            "reduction": "mean",
        },
        "p-asl": {
            "gamma_positive": 0.0,
            "gamma_negative": 1.0,
            "gamma_unobserved": 2.0,
            "clip": 0.0,
            "selective": False,
            "top_per_image": 5,
            "prior_threshold": 0.05,
            "reduction": "mean",
        },
        "hill": {"margin": 1.0, "reduction": "mean"},
        "splc": {
            "threshold": 0.6,
            "margin": 1.0,
            "gamma": 2.0,
            "warmup_epochs": 1,
            "reduction": "mean",
        },
        "gr": {
            "slope": 2.0,
            "offset": -2.0,
            "q_present": 0.01,
            "q_absent": 1.0,
            "num_epochs": 10,
        },
        "crisp": {"warmup_epochs": 4},
    }


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("ll-r", {"smoothing": 0.1}, "smoothing is no setting of ll-r, which has delta_rel, rate_"),
        ("an", {"delta_rel": 1.0}, "delta_rel is no setting of an, which has none."),
        ("lsan", {"smoting": 0.1}, "has smoothing. Did you mean 'smoothing'?"),
        ("role", {"labels": "all"}, "labels is no setting of role"),
        (
            "ll-r",
            {"delta_rel": "0.2"},
            "0.1 to 0.5), got '0.2'. Write it as a number: 0.2.",
        ),
        (
            "ll-r",
            {"delta_rel": "much"},
            "delta_rel of ll-r must be 'auto' or a number from 0 to 100 (perc",
        ),
        ("ll-r", {"delta_rel": True}, "published values: 0.1 to 0.5), got True."),
        ("ll-r", {"delta_rel": None}, "published values: 0.1 to 0.5), got None."),
        ("ll-r", {"warmup_epochs": 1.5}, "must be a whole number from 0 on, got 1.5"),
        ("ll-r", {"warmup_epochs": True}, "must be a whole number from 0 on, got True"),
        ("ll-r", {"ties": "random"}, "ties of ll-r must be 'include' or 'stable', got 'random'"),
        ("ll-r", {"ties": ["include"]}, "must be 'include' or 'stable', got ['include']"),
        ("imcl", {"graph": "full"}, "'co-occurrence' or 'identity' or null, got 'full'"),
        ("curriculum", {"rule": 3}, "rule of curriculum must be text, got 3"),
        ("curriculum", {"limit": "0.9"}, "limit of curriculum must be a number or null, got '0.9'"),
        ("ll-r", {"delta_rel": 101}, "from 0 to 100"),
        (
            "ll-r",
            {"warmup_epochs": -1},
            "must be a whole number from 0 on, got -1.",
        ),
        ("lsan", {"smoothing": 0.6}, "smoothing of lsan must be a number from 0 to 0.5, got 0.6"),
        ("role", {"lr_factor": 0}, "lr_factor of role must be a number above 0, got 0"),
        ("role", {"expected_positives": 4}, "4, more than the 3 classes"),
        (
            "epr",
            {"expected_positives": 0},
            "tags that an image has on average), got 0",
        ),
        ("imcl", {"dictionary_size": 4}, "dictionary_size is 4, but there are only 3 training"),
        (
            "imcl",
            {"dictionary_size": 0},
            "must be a whole number from 1 on, got 0",
        ),
        (
            "curriculum",
            {"num_passes": 1},
            "must be a whole number from 2 on, got 1",
        ),
        ("curriculum", {"rule": "best"}, "rule must be one of threshold"),
        ("ll-x", {}, "There is no method 'll-x'"),
    ],
)
def test_settings_that_cannot_be(name, settings, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        build_loss(name, TABLE, ROWS, settings)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ll-r", {"delta_rel": "0.2"}),
        ("ll-ct", {"delta_rel": None}),
        ("ll-cp", {"warmup_epochs": "1"}),
        ("ll-r", {"warmup_epochs": True}),
        ("ll-r", {"rate_base": ["all"]}),
        ("lsan", {"smoothing": "0.1"}),
        ("lsan", {"smoothing": float("nan")}),
        ("iu", {"denominator": None}),
        ("epr", {"expected_positives": "1.5"}),
        ("role", {"labels": torch.ones(2, 3), "expected_positives": 1, "lr_factor": "10"}),
        ("role", {"labels": torch.ones(2, 3), "expected_positives": 1, "lr_factor": -1.0}),
        ("curriculum", {"rule": ["threshold"]}),
        ("curriculum", {"limit": "0.9"}),
        ("curriculum", {"num_passes": 2.5}),
        ("imcl", {"dictionary_size": "4"}),
        ("imcl", {"graph": "co-occurrence"}),
        ("imcl", {"graph": "all"}),
    ],
)
def test_constructors_check_their_arguments(name, arguments):
    (setting,) = list(arguments)[-1:]
    with pytest.raises(ConfigError, match=setting):
        LOSSES[name](**arguments)


def test_a_setting_that_no_method_has():
    check_some_method_has(["delta_rel", "rule"])
    with pytest.raises(ConfigError, match="has a setting 'smoting'; did you mean 'smoothing'"):
        check_some_method_has(["smoting"])
    with pytest.raises(ConfigError, match="has a setting 'xyz'; there are denominator, smoothing"):
        check_some_method_has(["xyz"])


# Building.


@every_method
def test_every_method_is_built_from_a_table_alone(name):
    loss, remarks = build_loss(name, TABLE, ROWS, {})
    assert type(loss) is LOSSES[name]
    estimated = [text for text in remarks if "expected_positives was not given" in text]
    assert len(estimated) == len(remarks) == (name in ("epr", "role"))


def test_settings_reach_the_constructor():
    loss: Any
    loss, _ = build_loss("ll-r", TABLE, ROWS, {"delta_rel": 3, "ties": "stable"})
    assert (loss.selection.delta_rel, loss.selection.ties) == (3, "stable")
    loss, remarks = build_loss("role", TABLE, ROWS, {"expected_positives": 2})
    assert (loss.expected_positives, remarks) == (2, [])
    assert torch.equal(loss.estimate > 5, torch.from_numpy(TABLE.to_dense() == 1))


def test_the_graph_is_counted_from_the_training_labels():
    expected = torch.from_numpy(co_occurrence(TABLE, ROWS)).float()
    assert (expected - torch.eye(3)).abs().max() > 0.1
    loss: Any
    for settings in ({}, {"graph": "co-occurrence"}, {"graph": None}):
        loss, _ = build_loss("imcl", TABLE, ROWS, settings)
        assert torch.equal(loss.initial_graph, expected)
        assert loss.memory.size == 3
    assert build_loss("imcl", TABLE, ROWS, {"graph": "identity"})[0].graph is None
    assert InteractiveMultiLabelLearning(graph="identity").graph is None
