"""Curves and images that are embedded in a page."""

import base64
import io
import itertools
import math
import re
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from largeloss.report.figures import MAP, Axes, Curve, _apart, alike, curves_svg
from largeloss.report.images import image_png
from largeloss.report.reliability import RELIABILITY, reliability_curves

SVG = "{http://www.w3.org/2000/svg}"
FALLING = Curve("Naive AN", (0, 1, 2), (40.0, 70.0, 60.0), (39.0, 68.0, 58.0), (41.0, 72.0, 62.0))
RISING = Curve("LL-R", (0, 1, 2), (41.0, 71.0, 80.0))


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(SVG + "text")]


def test_curves_are_labelled_with_units() -> None:
    found = texts(curves_svg([FALLING, RISING]))
    for text in ("epoch", "mAP (%)", "Naive AN", "LL-R", "warm-up ends"):
        assert found.count(text) == 1


def test_curves_are_described_for_screen_readers() -> None:
    root = ElementTree.fromstring(curves_svg([FALLING, RISING]))
    assert root.get("role") == "img"
    assert "Naive AN: at most 70.0 (epoch 1), 60.0 at 2" in str(root.get("aria-label"))


@pytest.mark.parametrize("log", [False, True])
def test_finding_26_panels_side_by_side_have_one_scale(log: bool) -> None:
    small = Curve("a", (0, 1), (0.2, 0.4))
    large = Curve("b", (0, 1), (3.0, 90.0))
    own = Axes("mean loss", "mean loss", log=log)
    axes = alike(own, ([small], [large]))
    ticks = [texts(curves_svg([curve], axes=axes))[3:-2] for curve in (small, large)]
    assert ticks[0] == ticks[1]
    assert len(ticks[0]) > 1
    assert texts(curves_svg([small], axes=own)) != texts(curves_svg([small], axes=axes))
    assert alike(MAP, ([],)) == MAP


def test_finding_23_the_end_of_a_run_that_stopped_is_marked() -> None:
    plain, marked = (curves_svg([replace(RISING, ends=ends)]) for ends in ((), (1,)))
    assert marked.count("<use") == plain.count("<use") + 1


def test_the_page_decides_the_colours() -> None:
    svg = curves_svg([FALLING, RISING])
    drawn = set(re.findall(r"(?:fill|stroke): ([^;\"]+)", svg))
    assert drawn <= {
        "none",
        "currentColor",
        "var(--rule, #ddd)",
        *(colour for colour in drawn if re.fullmatch(r"var\(--curve-[12], #[0-9a-f]{6}\)", colour)),
    }
    assert "currentColor" in drawn
    assert sum(colour.startswith("var(--curve-") for colour in drawn) == 2


def test_nothing_leaks_into_the_page() -> None:
    svg = curves_svg([FALLING, RISING], name="one")
    for unwanted in ("<style", "<metadata", "<?xml", "<!DOCTYPE", "font-family"):
        assert unwanted not in svg
    ids = re.findall(r' id="([^"]*)"', svg)
    used = re.findall(r'(?:url\(|xlink:href=")#([^")]+)', svg)
    assert len(ids) == len(set(ids))
    assert set(ids) == set(used)
    assert all(name.startswith("one-") for name in ids)


def test_curves_are_the_same_each_time() -> None:
    assert curves_svg([FALLING, RISING]) == curves_svg([FALLING, RISING])


@pytest.mark.parametrize("curves", [[], [Curve("a", (), ())], [Curve("a", (0,), (math.nan,))]])
def test_nothing_to_draw(curves: list[Curve]) -> None:
    assert curves_svg(curves) == ""


def test_gaps_and_single_epochs_are_drawn() -> None:
    svg = curves_svg([Curve("gap", (0, 1, 2), (50.0, math.nan, 60.0)), Curve("one", (0,), (55.0,))])
    assert {"gap", "one"} <= set(texts(svg))
    assert "nan" not in svg.lower()


@pytest.mark.parametrize(
    "label", ["<b>x</b>", 'id="x" #010203', "$x^2$", "日本 😀", "<script>alert(1)</script>"]
)
def test_labels_stay_as_they_are(label: str) -> None:
    svg = curves_svg([Curve(label, (0, 1), (1.0, 2.0))])
    assert (label if len(label) <= 24 else label[:23] + "…") in texts(svg)
    assert label in str(ElementTree.fromstring(svg).get("aria-label"))


def test_no_warm_up_mark_without_epoch_0() -> None:
    assert "warm-up ends" not in texts(curves_svg([Curve("a", (3, 4), (1.0, 2.0))]))


def test_more_curves_than_colours() -> None:
    many = [Curve(f"c{index}", (0, 1), (50.0, 90.0 + index / 10)) for index in range(12)]
    assert {curve.label for curve in many} <= set(texts(curves_svg(many)))


@pytest.mark.parametrize(
    "heights", [[], [5.0], [0.0, 0.0, 0.0], [50.0, 51.0, 90.0], [99.0, 99.5, 100.0, 100.0]]
)
def test_labels_keep_apart(heights: list[float]) -> None:
    placed = _apart(heights, 10, 100)
    assert len(placed) == len(heights)
    assert all(0 <= height <= 100 for height in placed)
    gaps = [above - below for below, above in itertools.pairwise(placed)]
    assert all(gap >= 10 - 1e-9 for gap in gaps)


def test_labels_far_apart_stay() -> None:
    assert _apart([10.0, 30.0, 80.0], 10, 100) == [10.0, 30.0, 80.0]


def opened(uri: str) -> Image.Image:
    kind, data = uri.split(",", 1)
    assert kind == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 3)])
def test_image(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(opened(image_png(pixels, 1))), pixels)
    enlarged = np.asarray(opened(image_png(pixels, 4)))
    np.testing.assert_array_equal(enlarged, pixels.repeat(4, 0).repeat(4, 1))


def test_large_images_are_reduced() -> None:
    assert opened(image_png(np.zeros((400, 200), np.uint8), 0.25)).size == (50, 100)


@pytest.mark.parametrize(
    "pixels", [np.zeros((3, 4, 4), np.uint8), np.zeros((3, 4)), np.zeros(4, np.uint8)]
)
def test_other_images_are_refused(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="needs uint8 pixels"):
        image_png(pixels, 1)


def test_no_global_plotting_state() -> None:
    code = (
        "import sys; from largeloss.report.figures import Curve, curves_svg;"
        "curves_svg([Curve('a', (0, 1), (1.0, 2.0))]);"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_reliability_has_the_line_and_what_was_measured() -> None:
    bins = {"before": [(0.05, 0.2), (0.5, 0.9)], "after": []}
    should, network = reliability_curves(bins)
    assert (should.epochs, should.values) == ((0, 100), (0, 100))
    assert (network.epochs, network.values) == ((5, 50), (20, 90))
    assert "network" in curves_svg((should, network), axes=RELIABILITY)
    assert reliability_curves({}) == reliability_curves({"before": [], "after": []}) == ()
