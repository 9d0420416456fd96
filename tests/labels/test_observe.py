"""Hiding labels: the published stream, and what each rule promises."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from largeloss.errors import ConfigError
from largeloss.labels import (
    LabelTable,
    fraction,
    observe,
    per_class,
    positives_and_negatives,
    single_positive,
)

PUBLISHED = np.array(
    [
        [1, 0, 1, 0, 1],
        [0, 1, 1, 0, 0],
        [1, 1, 1, 1, 1],
        [0, 0, 0, 1, 0],
        [1, 0, 0, 0, 1],
        [0, 1, 0, 1, 1],
    ]
)
dense_arrays = hnp.arrays(
    np.int8,
    st.tuples(st.integers(1, 8), st.integers(1, 7)),
    elements=st.sampled_from([-1, 0, 1]),
)
seeds = st.integers(0, 2**32 - 1)


def published_loop(dense, positives, negatives, seed):
    """The published code: one generator, both shuffles a row."""
    generator = np.random.RandomState(seed)
    kept = np.full_like(dense, -1)
    for row in range(len(dense)):
        for state, number in ((1, positives), (0, negatives)):
            columns = np.flatnonzero(dense[row] == state)
            generator.shuffle(columns)
            kept[row, columns[:number]] = state
    return kept


def test_the_published_fixture():
    rows, columns, states = single_positive(LabelTable.from_dense(PUBLISHED)).entries()
    assert rows.tolist() == [0, 1, 2, 3, 4, 5]
    assert columns.tolist() == [0, 2, 3, 3, 0, 4]
    assert states.tolist() == [1] * 6


@given(dense_arrays, st.integers(0, 3), st.integers(0, 3), seeds)
def test_rows_equal_the_loop(dense, positives, negatives, seed):
    table = LabelTable.from_dense(dense)
    hidden = positives_and_negatives(table, positives, negatives, seed)
    assert np.array_equal(hidden.to_dense(), published_loop(dense, positives, negatives, seed))
    assert np.array_equal(table.to_dense(), dense)
    assert single_positive(table, seed) == positives_and_negatives(table, 1, 0, seed)


def test_an_image_without_positives_stays_unobserved():
    dense = [[0, 0, 0], [-1, -1, -1], [0, 1, -1]]
    hidden = single_positive(LabelTable.from_dense(dense))
    assert hidden.to_dense().tolist() == [[-1, -1, -1], [-1, -1, -1], [-1, 1, -1]]


@given(dense_arrays, st.floats(0, 1), seeds)
def test_a_fraction_keeps_exactly_its_share(dense, share, seed):
    table = LabelTable.from_dense(dense)
    hidden = fraction(table, share, seed)
    assert hidden.num_observed == round(share * table.num_observed)
    kept = hidden.to_dense() >= 0
    assert np.array_equal(hidden.to_dense()[kept], dense[kept])
    assert fraction(table, share, seed) == hidden


@given(dense_arrays, st.integers(0, 4), st.integers(0, 4), seeds)
def test_per_class_keeps_up_to_so_many_of_each_class(dense, positives, negatives, seed):
    before = LabelTable.from_dense(dense).counts()
    hidden = per_class(LabelTable.from_dense(dense), positives, negatives, seed)
    assert hidden.counts().present.tolist() == np.minimum(before.present, positives).tolist()
    assert hidden.counts().absent.tolist() == np.minimum(before.absent, negatives).tolist()
    kept = hidden.to_dense() >= 0
    assert np.array_equal(hidden.to_dense()[kept], dense[kept])


def test_draws_are_uniform():
    table = LabelTable.from_dense(np.ones((1, 4), dtype=int))
    for rule in ("single-positive", "fraction=0.25"):
        drawn = [int(observe(table, rule, seed).columns[0]) for seed in range(2000)]
        assert (abs(np.bincount(drawn) - 500) < 100).all()


def test_seeds_matter():
    table = LabelTable.from_dense(np.arange(400).reshape(20, 20) % 2)
    rules = ("single-positive", "positives=2,negatives=3", "fraction=0.1", "per-class-positives=5")
    for rule in rules:
        assert observe(table, rule) == observe(table, rule, 1200)
        assert observe(table, rule) != observe(table, rule, 1)


def test_rules_are_the_functions():
    table = LabelTable.from_dense(PUBLISHED)
    assert observe(table, "single-positive", 3) == single_positive(table, 3)
    for rule, numbers in (
        ("positives=2,negatives=3", (2, 3)),
        (" negatives=3, positives=2 ", (2, 3)),
        ("positives=2", (2, 0)),
        ("negatives=1", (0, 1)),
    ):
        assert observe(table, rule, 3) == positives_and_negatives(table, *numbers, 3)
    for rule, numbers in (
        ("per-class-positives=5,per-class-negatives=10", (5, 10)),
        ("per-class-negatives=1", (0, 1)),
    ):
        assert observe(table, rule, 3) == per_class(table, *numbers, 3)
    for text in ("0.5", ".5", "1", "0", "1."):
        assert observe(table, f"fraction={text}", 3) == fraction(table, float(text), 3)


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "single positive",
        "positives",
        "positives=",
        "positives=-1",
        "positives=1.5",
        "positives=2,positives=3",
        "positives=2,",
        "positives=2,fraction=0.1",
        "positives=2,per-class-negatives=3",
        "fraction=",
        "fraction=nan",
        "fraction=10%",
        "fraction=0.1,fraction=0.2",
        "percent=10",
    ],
)
def test_another_rule_is_refused_with_the_forms(rule):
    with pytest.raises(
        ConfigError, match=r"Unknown rule .* single-positive; positives=2,negatives"
    ):
        observe(LabelTable.from_dense(PUBLISHED), rule)


def test_numbers_out_of_range_are_refused():
    table = LabelTable.from_dense(PUBLISHED)
    with pytest.raises(ConfigError, match=r"in \[0, 1\], got 1.5"):
        observe(table, "fraction=1.5")
    with pytest.raises(ConfigError, match=r"in \[0, 1\], got nan"):
        fraction(table, float("nan"))
    with pytest.raises(ConfigError, match="0 or more, got -1 and 0"):
        positives_and_negatives(table, -1, 0)
    with pytest.raises(ConfigError, match="0 or more, got 0 and -2"):
        per_class(table, 0, -2)


def test_coco_in_full():
    root = os.environ.get("LARGELOSS_DATA")
    if not root:
        pytest.skip("LARGELOSS_DATA is not set: no published label lists")
    path = Path(root) / "labels" / "coco2014-train.txt.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    dense = np.zeros((len(lines), 80), dtype=np.int8)
    for row, line in enumerate(lines):
        dense[row, [int(column) for column in line.split(",")[1].split()]] = 1
    assert dense.shape == (82_081, 80)
    hidden = single_positive(LabelTable.from_dense(dense))
    assert np.array_equal(hidden.to_dense(), published_loop(dense, 1, 0, 1200))
