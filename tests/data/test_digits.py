import numpy as np

from largeloss.data import ImageArray, digits

SIZES = {"train": 40, "val": 10, "test": 20}


def test_scenes_have_complete_labels_of_one_to_four_digits():
    data = digits.read(seed=0, sizes=SIZES)
    assert isinstance(data.source, ImageArray)
    assert data.source.pixels.shape == (70, 3, 48, 48)
    assert data.labels.is_complete
    counts = (data.labels.to_dense() == 1).sum(axis=1)
    assert set(counts.tolist()) == {1, 2, 3, 4}


def test_the_same_seed_gives_the_same_scenes():
    one, two, other = (digits.read(seed, SIZES) for seed in (0, 0, 1))
    pixels = [d.source.pixels for d in (one, two, other) if isinstance(d.source, ImageArray)]
    np.testing.assert_array_equal(pixels[0], pixels[1])
    assert one.labels == two.labels
    assert not np.array_equal(pixels[0], pixels[2])


def test_no_digit_is_in_two_pools():
    pools = digits._pools(np.random.default_rng(0))
    scans = {
        name: [scan.tobytes() for members in pool for scan in members]
        for name, pool in pools.items()
    }
    assert sum(map(len, scans.values())) == 1797
    assert not set(scans["train"]) & set(scans["test"])
    assert 0.58 < len(scans["train"]) / 1797 < 0.62
