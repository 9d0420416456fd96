"""Short hashes of the published protocol's draws, against the fixtures of its code."""

import hashlib

import numpy as np
import pytest

from largeloss.data import published_split
from largeloss.data.importers.imported import Imported
from largeloss.data.importers.to_folder import hash_numbers, published_draws
from largeloss.labels import LabelTable


@pytest.mark.parametrize(
    ("num", "digits", "first"),
    [
        (5717, "f5709e6ab75fb71e", [5, 6, 11, 15, 22, 23]),
        (82081, "bd52756686feb243", [3, 4, 34, 37, 48, 64]),
        (5994, "b80f54f4cba60862", None),
    ],
)
def test_val_is_the_published_one(num: int, digits: str, first: list[int] | None) -> None:
    train, val = published_split(num)
    assert hash_numbers(val) == digits
    assert len(val) == round(0.2 * num)
    assert first is None or val[:6].tolist() == first
    assert np.array_equal(np.sort(np.concatenate([train, val])), np.arange(num))


def test_hash_of_numbers() -> None:
    data = b"".join(number.to_bytes(8, "little") for number in (3, 1, 4))
    assert hash_numbers(np.array([3, 1, 4])) == hashlib.sha256(data).hexdigest()[:16]


def draws(labels: list[list[int]], **splits: list[int]) -> dict[str, str]:
    table = LabelTable.from_dense(labels)
    rows = {name: np.array(own, dtype=np.int64) for name, own in splits.items()}
    return published_draws(Imported("some", table, rows))


def test_single_positives_are_the_published_ones() -> None:
    labels = [
        [1, 0, 1, 0, 1], [0, 1, 1, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 1, 0], [1, 0, 0, 0, 1],
        [0, 1, 0, 1, 1],
    ]  # fmt: skip
    found = draws([*labels, [0] * 5], train=list(range(6)), test=[6])
    assert found == {
        "val_rows": hash_numbers(published_split(6)[1]),
        "single_positives": hash_numbers(np.array([0, 2, 3, 3, 0, 4])),
    }
    assert draws(labels, train=[0, 1, 2], val=[3], test=[4]) == {}
    assert draws(labels, train=[0, 1, 2]) == {}


@pytest.mark.parametrize("labels", [[[1, 0], [0, 0]], [[1, -1], [1, 0]]])
def test_where_the_protocol_does_not_apply(labels: list[list[int]]) -> None:
    assert list(draws(labels, train=[0, 1], test=[0])) == ["val_rows"]
