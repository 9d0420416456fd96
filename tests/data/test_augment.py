import numpy as np
import pytest
import torch

from largeloss.data import ImageArray, Loader
from largeloss.data.inputs.augment import augmented
from largeloss.labels import LabelTable

PIXELS = np.random.default_rng(0).integers(0, 256, (7, 3, 24, 36)).astype(np.uint8)
SEEDS = np.random.default_rng(1).integers(2**62, size=7).tolist()


class Slow(ImageArray):
    """Pretends to read files, so that workers are used."""

    in_memory = False


def test_light_moves_each_image_by_its_own_whole_pixels():
    images = torch.from_numpy(PIXELS)
    moved = augmented(images, SEEDS, "light").numpy()
    moves = set()
    for seed, before, after in zip(SEEDS, PIXELS, moved, strict=True):
        dy, dx = seed % 5 - 2, seed // 5 % 7 - 3  # a twelfth of 24 and of 36
        moves.add((dy, dx))
        for y in range(24):
            for x in range(36):
                from_y, from_x = min(max(y + dy, 0), 23), min(max(x + dx, 0), 35)
                assert (after[:, y, x] == before[:, from_y, from_x]).all()
    assert len(moves) > 3


@pytest.mark.parametrize("strength", ["light", "strong"])
def test_equal_seeds_give_equal_images_and_other_seeds_others(strength):
    images = torch.from_numpy(PIXELS)
    state = torch.get_rng_state()
    one, two = augmented(images, SEEDS, strength), augmented(images[2:], SEEDS[2:], strength)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(one[2:], two)
    assert one.shape == images.shape
    assert one.dtype == torch.uint8
    assert one.is_contiguous()
    other = augmented(images, SEEDS[::-1], strength)
    assert not torch.equal(one[:3], other[:3])


def test_none_changes_nothing():
    images = torch.from_numpy(PIXELS)
    assert augmented(images, SEEDS, "none") is images


@pytest.mark.parametrize("strength", ["light", "strong"])
def test_images_depend_on_seed_and_epoch_alone_and_not_on_workers(strength):
    labels = LabelTable.from_dense(np.ones((7, 1)))
    arguments = (labels, np.arange(7), 3)
    alone = Loader(ImageArray(PIXELS), *arguments, seed=5, mirror=True, augment=strength)
    workers = Loader(Slow(PIXELS), *arguments, seed=5, mirror=True, augment=strength, workers=2)
    seen = []
    for epoch in (0, 1):
        alone.set_epoch(epoch)
        workers.set_epoch(epoch)
        here, there = ([b.inputs.clone() for b in loader] for loader in (alone, workers))
        assert all(map(torch.equal, here, there))
        seen.append(torch.cat(here))
    assert not torch.equal(*seen)
    workers.set_epoch(1, skipped=1)
    assert torch.equal(torch.cat([b.inputs.clone() for b in workers]), seen[1][3:])
