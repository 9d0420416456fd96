"""The pointing game, against an oracle that resizes and searches by loops."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from largeloss.analysis.cam import normalized, resized
from largeloss.analysis.pointing import maximum_point, point_outcome, pointing
from largeloss.data.folder.boxes import Boxes
from largeloss.data.inputs.loader import Batch
from largeloss.errors import ConfigError
from largeloss.models import Classifier, build_classifier


class Passing(nn.Module):
    """A backbone whose maps are the images."""

    num_features = 3

    def forward_features(self, images):
        return images

    def forward_head(self, maps, pre_logits=True):
        return maps.mean(dim=(2, 3))


def classifier(num_classes: int) -> Classifier:
    model = Classifier(
        Passing(), num_classes, torch.zeros(3), torch.full((3,), 1 / 255), pixels=True
    )
    torch.manual_seed(0)
    nn.init.normal_(model.head.weight)
    return model


def spread_by_loops(small, height, width):
    """Bilinear interpolation, pixel centres at halves, edges repeated."""
    h, w = small.shape
    large = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            v = max((y + 0.5) * h / height - 0.5, 0)
            u = max((x + 0.5) * w / width - 0.5, 0)
            top, left = min(int(v), h - 1), min(int(u), w - 1)
            bottom, right = min(top + 1, h - 1), min(left + 1, w - 1)
            down, across = v - top, u - left
            upper = small[top, left] * (1 - across) + small[top, right] * across
            lower = small[bottom, left] * (1 - across) + small[bottom, right] * across
            large[y, x] = upper * (1 - down) + lower * down
    return large


def outcome_by_loops(boxes, difficult, x, y, tolerance):
    inside = []
    for place, (left, top, right, bottom) in enumerate(boxes):
        if left - tolerance <= x < right + tolerance and top - tolerance <= y < bottom + tolerance:
            inside.append(place)
    if any(not difficult[place] for place in inside):
        return "hit"
    return "difficult" if inside or all(difficult) else "miss"


@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(1, 6), st.integers(1, 15))
@settings(max_examples=40)
def test_resizing_is_bilinear(seed, h, w, side):
    small = np.random.default_rng(seed).normal(size=(h, w))
    found = resized(torch.from_numpy(small)[None], side, side + 3)[0].numpy()
    np.testing.assert_allclose(found, spread_by_loops(small, side, side + 3), atol=1e-12)


@given(st.integers(0, 2**31), st.sampled_from([0.0, 2.0]))
@settings(max_examples=25)
def test_the_game_is_that_of_the_loops(seed, tolerance):
    stream = np.random.default_rng(seed)
    num, num_classes, num_known = 5, 3, 4
    columns = stream.permutation(num_known)[:num_classes]
    model = classifier(num_known)
    pixels = torch.from_numpy(stream.integers(0, 256, (num, 3, 4, 4), dtype=np.uint8))
    labels = stream.integers(-1, 2, (num, num_classes)).astype(np.int8)
    sizes = [tuple(stream.integers(3, 12, 2).tolist()) for _ in range(num)]
    rows, classes, corners, difficult = [], [], [], []
    for row in range(num):
        width, height = sizes[row]
        for _ in range(stream.integers(0, 6)):
            x, y = stream.integers(0, width), stream.integers(0, height)
            rows.append(row)
            classes.append(stream.integers(-1, num_classes))
            corners.append((x, y, x + stream.integers(1, width), y + stream.integers(1, height)))
            difficult.append(bool(stream.random() < 0.4))
    boxes = Boxes(
        np.array(rows, dtype=np.int64),
        np.array(classes, dtype=np.int32),
        np.array(corners, dtype=np.float32).reshape(-1, 4),
        np.array(difficult, dtype=bool),
    )
    names = tuple("abc")
    batch = Batch(pixels, torch.from_numpy(labels), torch.arange(num))
    found = pointing(model, [batch], columns, names, boxes, lambda row: sizes[row], tolerance)

    weight = model.head.weight.detach().numpy()
    hits, misses = np.zeros(num_classes, int), np.zeros(num_classes, int)
    unboxed = left_out = 0
    centre = {"hit": 0, "miss": 0, "difficult": 0}
    for row in range(num):
        width, height = sizes[row]
        for column in range(num_classes):
            if labels[row, column] != 1:
                continue
            small = np.zeros((4, 4), dtype=np.float32)
            for channel in range(3):
                small += weight[columns[column], channel] * pixels[row, channel].numpy()
            large = spread_by_loops(small, height, width)
            own = [b for b in range(len(rows)) if rows[b] == row and classes[b] in (column, -1)]
            if not own:
                unboxed += 1
                continue
            most = max(large.ravel())
            ties = [
                (y, x)
                for y in range(height)
                for x in range(width)
                if large[y, x] >= most - 5e-7 * abs(most)
            ]
            y, x = (sum(sides) / len(ties) for sides in zip(*ties, strict=True))
            hard = [difficult[b] for b in own]
            sides = [corners[b] for b in own]
            outcome = outcome_by_loops(sides, hard, x + 0.5, y + 0.5, tolerance)
            hits[column] += outcome == "hit"
            misses[column] += outcome == "miss"
            left_out += outcome == "difficult"
            centre[outcome_by_loops(sides, hard, width / 2, height / 2, tolerance)] += 1
    assert found.hits.tolist() == hits.tolist()
    assert found.misses.tolist() == misses.tolist()
    assert (found.num_without_box, found.num_difficult) == (unboxed, left_out)
    assert (found.centre_hits, found.centre_misses) == (centre["hit"], centre["miss"])
    judged = hits + misses
    shares = [h / n for h, n in zip(hits, judged, strict=True) if n]
    content = found.as_json()
    assert content["num_pairs"] == judged.sum()
    if shares:
        assert content["accuracy"] == pytest.approx(100 * hits.sum() / judged.sum())
        assert content["mean_accuracy"] == pytest.approx(100 * np.mean(shares))
    else:
        assert content["accuracy"] is content["mean_accuracy"] is None


@given(st.integers(0, 2**31), st.integers(1, 5), st.integers(1, 5), st.integers(1, 30))
@settings(max_examples=60)
def test_a_mirrored_map_gives_the_mirrored_place(seed, h, w, side):
    small = torch.from_numpy(np.random.default_rng(seed).normal(size=(1, h, w)))
    height, width = side, side + 4
    x, y = maximum_point(resized(small, height, width)[0].numpy())
    mirrored = maximum_point(resized(small.flip(2), height, width)[0].numpy())
    turned = maximum_point(resized(small.flip(1), height, width)[0].numpy())
    assert mirrored == pytest.approx((width - x, y))
    assert turned == pytest.approx((x, height - y))


def test_the_mean_of_equal_maxima_counts():
    small = torch.zeros(1, 2, 2)
    small[0, 0, 0] = 1
    assert maximum_point(resized(small, 8, 8)[0].numpy()) == (1, 1)
    assert maximum_point(np.zeros((6, 10), dtype=np.float32)) == (5, 3)


def test_a_box_holds_its_left_and_top_sides_only():
    box, easy = np.array([[2, 3, 5, 7]], dtype=np.float32), np.zeros(1, dtype=bool)
    inside = {(x, y) for x in range(8) for y in range(9) if point_outcome(box, easy, x, y) == "hit"}
    assert inside == {(x, y) for x in (2, 3, 4) for y in (3, 4, 5, 6)}
    assert point_outcome(box, easy, 1, 2) == "miss"
    assert point_outcome(box, easy, 1, 2, tolerance=1) == "hit"
    assert point_outcome(box, ~easy, 0, 0) == "difficult"


def test_maps_without_positive_values_are_zero():
    maps = torch.stack([torch.full((2, 2), -1.0), torch.tensor([[0.0, 2.0], [-3.0, 1.0]])])
    found = normalized(maps, 4, 4)
    assert found[0].eq(0).all()
    assert found[1].max() == 1
    assert found[1].min() >= 0


def test_a_model_over_features_has_no_maps():
    model = build_classifier("none", 2, (5,), mean=[0.0] * 5, std=[1.0] * 5)
    batch = Batch(torch.zeros(1, 5), torch.ones(1, 2, dtype=torch.int8), torch.arange(1))
    boxes = Boxes(np.zeros(0, "i8"), np.zeros(0, "i4"), np.zeros((0, 4), "f4"), np.zeros(0, bool))
    with pytest.raises(ConfigError, match="feature maps"):
        pointing(model, [batch], np.arange(2), ("a", "b"), boxes, lambda _: (4, 4))
