import gzip

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from largeloss.data.stratify import imbalance, stratified_split
from largeloss.errors import ConfigError, DataError
from largeloss.labels import LabelTable, fraction

SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}


def skewed(num: int, wide: int, seed: int) -> LabelTable:
    """Complete labels; classes are from common to rare, and come together."""
    stream = np.random.default_rng(seed)
    shares = 0.4 / np.arange(1, wide + 1) ** 1.5
    topic = stream.random((num, 1)) * 2
    return LabelTable.from_dense((stream.random((num, wide)) < shares * topic).astype(np.int8))


def random_split(num: int, seed: int) -> dict[str, np.ndarray]:
    order = np.random.RandomState(seed).permutation(num)
    cuts = np.round(np.cumsum(list(SHARES.values()))[:-1] * num).astype(int)
    parts = map(np.sort, np.split(order, cuts))
    return dict(zip(SHARES, parts, strict=True))


@given(
    hnp.arrays(
        np.int8,
        st.tuples(st.integers(2, 30), st.integers(0, 6)),
        elements=st.sampled_from([-1, 0, 1]),
    ),
    st.sampled_from(
        [SHARES, {"test": 0.5, "train": 0.5}, {"train": 1.0}, {"val": 0.9, "train": 0.1}]
    ),
    st.integers(0, 9),
)
def test_every_row_once_and_every_class_in_train(dense, shares, seed):
    table = LabelTable.from_dense(dense)
    try:
        splits = stratified_split(table, shares, seed)
    except DataError:  # a split would be empty, see below
        assume(False)
    assert list(splits) == list(shares)
    assert sorted(np.concatenate(list(splits.values())).tolist()) == list(range(len(dense)))
    for rows in splits.values():
        assert rows.dtype == np.int64
        assert (np.diff(rows) > 0).all()
    anywhere, train = (dense == 1).any(axis=0), (dense[splits["train"]] == 1).any(axis=0)
    assert (anywhere == train).all()
    again = stratified_split(table, shares, seed)
    assert all(np.array_equal(again[name], splits[name]) for name in splits)


def test_another_seed_is_another_split():
    table = skewed(200, 5, 0)
    first, second = (stratified_split(table, SHARES, seed) for seed in (0, 1))
    assert not np.array_equal(first["train"], second["train"])


def test_positives_and_observed_absences_are_spread():
    table = fraction(skewed(1000, 6, 0), 0.5, 3)
    splits = stratified_split(table, SHARES, 0)
    whole = table.counts()
    for name, rows in splits.items():
        part = table.select(rows).counts()
        assert len(rows) == pytest.approx(1000 * SHARES[name], abs=10)
        for one, all_ in ((part.present, whole.present), (part.absent, whole.absent)):
            assert np.abs(one - SHARES[name] * all_).max() <= 6


def test_unobserved_is_not_absent():
    # In the first half the class is observed as absent, in the second not observed. Counted as
    # one thing, chance would divide the halves; apart, each is divided exactly.
    table = LabelTable.from_dense([[0]] * 40 + [[-1]] * 40)
    for seed in range(5):
        splits = stratified_split(table, {"train": 0.75, "test": 0.25}, seed)
        assert (splits["train"] < 40).sum() == 30
        assert (splits["test"] < 40).sum() == 10


def test_sizes_without_labels():
    table = LabelTable.from_dense(np.full((50, 2), -1))
    sizes = {name: len(rows) for name, rows in stratified_split(table, SHARES, 0).items()}
    assert sizes == {"train": 35, "val": 5, "test": 10}


def test_better_than_a_random_split_on_average():
    ours, chance = [], []
    for seed in range(10):
        table = skewed(400, 15, seed)
        ours.append(imbalance(table, stratified_split(table, SHARES, seed)))
        chance.append(imbalance(table, random_split(400, seed)))
    assert np.mean(ours) < 0.5 * np.mean(chance)


def test_the_imbalance_by_hand():
    table = LabelTable.from_dense([[1, 1], [1, 0], [1, 0], [1, 0]])
    even = {"train": np.array([0, 1]), "test": np.array([2, 3])}
    # Class 0: half and half, even. Class 1: all in train, off by 0.5; chance is 0.5 / sqrt(1).
    assert imbalance(table, even) == pytest.approx(1)
    assert imbalance(table.select_classes(["0"]), even) == 0
    uneven = LabelTable.from_dense([[1], [1], [0], [0]])
    assert imbalance(uneven, even) == pytest.approx(0.5 / (0.5 / 2**0.5))


def test_the_imbalance_of_what_has_none():
    table = LabelTable.from_dense([[1], [0]])
    assert imbalance(table, {"train": np.array([0, 1])}) == 0
    assert imbalance(table, {}) == 0
    empty = LabelTable.from_dense([[0], [-1]])
    assert imbalance(empty, {"train": np.array([0]), "val": np.array([1])}) == 0


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({}, "Shares must be of train, .*; got nothing"),
        ({"val": 0.5, "test": 0.5}, "Shares must be of train, .*; got 'val', 'test'"),
        ({"train": 0.5, "dev": 0.5}, "Shares must be of train, .*; got 'train', 'dev'"),
        ({"train": 1.0, "val": 0.0}, "share of val must be a number above 0 .* got 0.0"),
        ({"train": 1.5, "val": -0.5}, "share of train must be a number above 0 and at most 1"),
        ({"train": float("nan"), "val": 0.5}, "share of train .* got nan"),
        ({"train": "0.5", "val": 0.5}, "share of train .* got '0.5'"),
        ({"train": 0.7, "val": 0.2}, "must add up to 1; those of 'train', 'val' add up to 0.9"),
        ({"train": 0.7, "val": 0.3 + 1e-8}, r"add up to 1\.00000001"),
    ],
)
def test_impossible_shares_are_refused(shares, message):
    with pytest.raises(ConfigError, match=message):
        stratified_split(LabelTable.from_dense([[1], [0]]), shares, 0)


def test_a_tiny_error_of_rounding_is_no_error():
    table = LabelTable.from_dense([[1]] * 30)
    assert len(stratified_split(table, {"train": 0.7, "val": 0.2, "test": 0.1}, 0)) == 3


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_impossible_seeds_are_refused(seed):
    with pytest.raises(ConfigError, match=f"A seed must be from 0 to 4294967295, got {seed}"):
        stratified_split(LabelTable.from_dense([[1], [0]]), SHARES, seed)


def test_empty_splits_are_refused():
    singles = LabelTable.from_dense(np.eye(3))
    with pytest.raises(DataError, match=r"val split would be empty: its share 0.3 of 3 images"):
        stratified_split(singles, {"train": 0.7, "val": 0.3}, 0)
    nothing = LabelTable.from_dense(np.zeros((0, 2)))
    with pytest.raises(DataError, match="train split would be empty"):
        stratified_split(nothing, SHARES, 0)


def test_real_labels(real_data):
    with gzip.open(real_data / "labels/voc2012.csv.gz", "rt") as file:
        lines = [line.strip().split(",") for line in file]
    dense = np.array([[int(value == "1") for value in line[-20:]] for line in lines[1:]])
    table = LabelTable.from_dense(dense)
    ours = [imbalance(table, stratified_split(table, SHARES, seed)) for seed in range(3)]
    chance = [imbalance(table, random_split(len(dense), seed)) for seed in range(3)]
    assert np.mean(ours) < 0.5 * np.mean(chance)
