import numpy as np
import pytest
import torch

from largeloss.data import ImageArray, Loader
from largeloss.data.dataset import published_split
from largeloss.errors import ConfigError
from largeloss.labels import LabelTable

PIXELS = np.random.default_rng(0).integers(0, 256, (11, 3, 4, 4)).astype(np.uint8)
LABELS = LabelTable.from_dense(np.random.default_rng(1).integers(-1, 2, (11, 5)))
ROWS = np.array([0, 2, 3, 4, 6, 7, 8, 9, 10])


class Slow(ImageArray):
    """Pretends to read files, so that workers are used."""

    in_memory = False


def contents(loader):
    return [(b.inputs.clone(), b.labels.clone(), b.rows.tolist()) for b in loader]


def test_batches_hold_inputs_and_labels_of_their_rows():
    seen = []
    for inputs, labels, rows in contents(Loader(ImageArray(PIXELS), LABELS, ROWS, 4)):
        np.testing.assert_array_equal(inputs.numpy(), PIXELS[rows])
        np.testing.assert_array_equal(labels.numpy(), LABELS.to_dense()[rows])
        seen += rows
    assert seen == ROWS.tolist()


def test_the_order_depends_on_seed_and_epoch_alone_and_not_on_workers():
    alone = Loader(ImageArray(PIXELS), LABELS, ROWS, 4, seed=3, mirror=True)
    workers = Loader(Slow(PIXELS), LABELS, ROWS, 4, seed=3, mirror=True, workers=2)
    orders = []
    for epoch in (0, 1, 0):
        alone.set_epoch(epoch)
        workers.set_epoch(epoch)
        here, there = contents(alone), contents(workers)
        for (a, b, c), (d, e, f) in zip(here, there, strict=True):
            assert torch.equal(a, d)
            assert torch.equal(b, e)
            assert c == f
        orders.append([row for _, _, rows in here for row in rows])
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == ROWS.tolist()


def test_about_half_of_the_images_are_mirrored():
    pixels = np.repeat(PIXELS[:1], 400, axis=0)
    labels = LabelTable.from_dense(np.ones((400, 1)))
    loader = Loader(ImageArray(pixels), labels, np.arange(400), 400, seed=0, mirror=True)
    inputs = next(iter(loader)).inputs
    original = torch.from_numpy(pixels[0])
    same = [bool(torch.equal(image, original)) for image in inputs]
    assert 150 < sum(same) < 250
    assert all(s or torch.equal(i, original.flip(-1)) for s, i in zip(same, inputs, strict=True))


def test_processes_share_every_batch(monkeypatch):
    whole = Loader(ImageArray(PIXELS), LABELS, ROWS, 4, seed=1)
    expected = [rows for _, _, rows in contents(whole)][:2]  # the last has one row for two
    shares = []
    for rank in range(2):
        monkeypatch.setattr("largeloss.distributed.world_size", lambda: 2)
        monkeypatch.setattr("largeloss.distributed.rank", lambda rank=rank: rank)
        loader = Loader(ImageArray(PIXELS), LABELS, ROWS, 4)
        loader.plans.seed = 1
        shares.append([rows for _, _, rows in contents(loader)][:2])
    assert [a + b for a, b in zip(*shares, strict=True)] == expected
    with pytest.raises(ConfigError, match="1 images for 2 processes"):
        Loader(ImageArray(PIXELS), LABELS, ROWS, 4, seed=1)


@pytest.mark.parametrize(
    ("number", "first", "digest"),
    [
        (5717, [5, 6, 11, 15, 22, 23], "f5709e6ab75fb71e"),
        (82081, [3, 4, 34, 37, 48, 64], "bd52756686feb243"),
        (5994, None, "b80f54f4cba60862"),
    ],
)
def test_the_published_split(number, first, digest):
    import hashlib

    train, val = published_split(number)
    assert len(val) == round(0.2 * number)
    assert sorted([*train, *val]) == list(range(number))
    if first:
        assert val[:6].tolist() == first
    assert hashlib.sha256(val.astype("<i8").tobytes()).hexdigest()[:16] == digest
