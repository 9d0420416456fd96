"""Curves as SVG; the style sheet of the page gives the colours."""

import html
import io
import math
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from matplotlib import style
from matplotlib.axes import Axes as Plot
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

PALETTE = ("#5f6670", "#c9490b", "#0068ad", "#00805d", "#a3508a", "#8f6800", "#5b4bc4", "#9c1c1c")
"""Colours of the curves on a light page; after Okabe and Ito, for colour-blind readers."""
DARK_PALETTE = (
    "#a9b1bc", "#ff8a4c", "#62b5f2", "#3ecfa0", "#e29bcb", "#e6b93f", "#b3a7ff", "#ff9c94",
)  # fmt: skip
MARKERS = "osD^vPXd"
DASHES = ("solid", (0, (4, 2)), (0, (1, 1.5)))
"""For the first, second and third round through the palette."""
MAX_LABEL = 24
FONT = 13.0
SMALL = 12.0
LEFT, BOTTOM, TOP = 54, 50, 28
"""Margins in CSS pixels; the right margin depends on the labels."""

# Placeholder colours; in the finished SVG, CSS variables of the page replace them.
_INK, _RULE = "#010203", "#010204"
_CURVES = tuple(f"#0102{index + 16:02x}" for index in range(len(PALETTE)))


@dataclass(frozen=True)
class Axes:
    """Names, limits and scales of the axes."""

    y_label: str
    """Name and unit of the values."""
    y_spoken: str
    """The same for screen readers."""
    x_label: str = "epoch"
    maximum: float = math.inf
    """Upper limit of the values."""
    digits: int = 1
    """Decimals for screen readers."""
    mark_warmup: bool = True
    """Whether the end of epoch 0 is marked."""
    log: bool = False
    """Whether the values have a logarithmic scale."""
    limits: tuple[float, float] | None = None
    """Lower and upper end of the scale; None takes those of the curves."""


MAP = Axes("mAP (%)", "mAP in percent", maximum=100)


@dataclass(frozen=True)
class Curve:
    """Values over epochs, and optionally a band around them."""

    label: str
    epochs: tuple[int, ...]
    values: tuple[float, ...]
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None
    marked: int | None = None
    """The epoch that was chosen; its value gets a ring."""
    ends: tuple[int, ...] = ()
    """Epochs after which a run stopped early; each gets an upright stroke."""
    hue: int | None = None
    """Position in the palette; None takes the position among the curves."""

    @property
    def points(self) -> list[tuple[int, float]]:
        """Epochs and values, without values that are not finite."""
        pairs = zip(self.epochs, self.values, strict=True)
        return [(epoch, value) for epoch, value in pairs if math.isfinite(value)]


def alike(axes: Axes, panels: Iterable[Sequence[Curve]]) -> Axes:
    """``axes`` with one scale for all panels, so that those side by side can be compared."""
    values = [value for curves in panels for curve in curves for _, value in curve.points]
    values = [value for value in values if value > 0 or not axes.log]
    if not values:
        return axes
    low, high = min(values), max(values)
    if axes.log:
        room = max((high / low) ** 0.05, 1.05)
        return replace(axes, limits=(low / room, high * room))
    room = max((high - low) * 0.05, 0.5)
    return replace(axes, limits=(low - room, high + room))


def curves_svg(
    curves: Sequence[Curve],
    *,
    axes: Axes = MAP,
    size: tuple[float, float] = (760, 400),
    name: str = "curves",
) -> str:
    """Draws values over epochs: one line a curve, with its label at the end.

    An ``<svg>`` element without external references, or ``""`` if no curve has a finite value.
    Its colours are ``currentColor`` and the CSS variables ``--rule``, ``--curve-1``, …; its width
    and height, ``size`` in CSS pixels, scale with the page. Its ids begin with ``name``, which must
    be unique on a page.
    """
    places = enumerate(curves)
    drawn = [(i if curve.hue is None else curve.hue, curve) for i, curve in places if curve.points]
    if not drawn:
        return ""
    width, height = size
    settings = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "font.size": FONT,
        "text.parse_math": False,
    }
    # At 72 dots per inch an SVG unit is one CSS pixel, and one point of a font is, too.
    with style.context(["default", settings]):  # not the user's matplotlibrc
        figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        figure.patch.set_visible(False)
        room = max(len(_shortened(curve.label)) for _, curve in drawn) * FONT * 0.62 + 16
        share_x, share_y = (width - LEFT - room) / width, (height - BOTTOM - TOP) / height
        plot = figure.add_axes((LEFT / width, BOTTOM / height, share_x, share_y))
        for index, curve in drawn:
            _draw(plot, index, curve)
        _draw_axes(plot, axes, first=min(curve.points[0][0] for _, curve in drawn))
        _label_ends(plot, drawn)
        buffer = io.StringIO()
        with warnings.catch_warnings():  # the browser has glyphs that this font lacks
            warnings.filterwarnings("ignore", message=r"Glyph .* missing", category=UserWarning)
            figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return _inlined(buffer.getvalue(), _spoken([curve for _, curve in drawn], axes), name)


def _draw(plot: Plot, index: int, curve: Curve) -> None:
    colour = _CURVES[index % len(_CURVES)]
    if curve.low is not None and curve.high is not None:
        plot.fill_between(curve.epochs, curve.low, curve.high, color=colour, alpha=0.14, lw=0)
    dashes = DASHES[index // len(_CURVES) % len(DASHES)]
    plot.plot(
        curve.epochs, curve.values, color=colour, linewidth=2.2, linestyle=dashes,
        solid_capstyle="round", solid_joinstyle="round", clip_on=False,
    )  # fmt: skip
    epoch, value = curve.points[-1]
    marker = MARKERS[index % len(MARKERS)]
    plot.plot([epoch], [value], color=colour, marker=marker, markersize=6, clip_on=False)
    for epoch, value in curve.points:
        if epoch == curve.marked:
            plot.plot(
                [epoch], [value], color=colour, marker="o", markersize=13, markerfacecolor="none",
                markeredgewidth=1.8, clip_on=False,
            )  # fmt: skip
        if epoch in curve.ends:
            plot.plot(
                [epoch], [value], color=colour, marker="|", markersize=18, markeredgewidth=2.2,
                clip_on=False,
            )  # fmt: skip


def _draw_axes(plot: Plot, axes: Axes, first: int) -> None:
    plot.set_xlabel(axes.x_label, color=_INK, labelpad=6)
    plot.set_ylabel(axes.y_label, color=_INK, labelpad=6)
    ticks = min(8, max(2, int(plot.get_window_extent().width / 28)))
    plot.xaxis.set_major_locator(MaxNLocator(nbins=ticks, integer=True, min_n_ticks=1))
    if axes.log:
        plot.set_yscale("log")
        plot.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        plot.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        plot.yaxis.set_minor_locator(NullLocator())
    else:
        plot.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    low, high = axes.limits or plot.get_ylim()
    if axes.maximum < math.inf and high - low < 2:  # small noise must not fill the figure
        low, high = low - 1, high + 1
    plot.set_ylim(low if axes.log else max(low, 0), min(high, axes.maximum))
    plot.tick_params(color=_RULE, labelcolor=_INK, length=0, pad=6)
    plot.grid(axis="y", color=_RULE, linewidth=1)
    plot.set_axisbelow(True)
    plot.patch.set_visible(False)
    plot.spines[["top", "left", "right"]].set_visible(False)
    plot.spines["bottom"].set_color(_RULE)
    if first == 0 and axes.mark_warmup:
        plot.axvline(0, color=_INK, alpha=0.45, linewidth=1, linestyle=(0, (2, 3)), zorder=1)
        _write(plot, "warm-up ends", (0, 1), (-2, 8), color=_INK, alpha=0.75, fontsize=SMALL)


def _label_ends(plot: Plot, drawn: Sequence[tuple[int, Curve]]) -> None:
    """Writes each label at the right edge; moves labels up or down where they would overlap."""
    box = plot.get_window_extent()
    ordered = sorted(drawn, key=lambda pair: pair[1].points[-1][1])
    ends = [(0.0, curve.points[-1][1]) for _, curve in ordered]
    wanted = (plot.transData.transform(ends)[:, 1] - box.y0).tolist()
    right = max(curve.points[-1][0] for _, curve in drawn)
    heights = _apart(wanted, FONT * 1.35, box.height)
    for (index, curve), height in zip(ordered, heights, strict=True):
        colour, place = _CURVES[index % len(_CURVES)], (right, height / box.height)
        style_of_label = {"verticalalignment": "center_baseline", "fontweight": "bold"}
        label = _shortened(curve.label)
        _write(plot, label, place, (9, 0), color=colour, annotation_clip=False, **style_of_label)


def _write(
    plot: Plot, text: str, place: tuple[float, float], offset: tuple[float, float], **look: Any
) -> None:
    """At ``offset`` points from ``place``: an epoch, and a fraction of the plot's height."""
    across = plot.get_xaxis_transform()
    plot.annotate(text, place, offset, xycoords=across, textcoords="offset points", **look)


def _apart(heights: Sequence[float], gap: float, top: float) -> list[float]:
    """Ascending heights, moved so that neighbours are ``gap`` apart and all lie in [0, ``top``]."""

    def middle(total: float, members: int) -> float:
        half = gap * (members - 1) / 2
        return min(max(total / members, half), top - half)

    groups: list[tuple[float, int]] = []  # sum of the wanted heights, and their number
    for height in heights:
        total, members = height, 1
        while groups:
            below = groups[-1]
            if middle(total, members) - middle(*below) >= gap * (members + below[1]) / 2:
                break
            groups.pop()
            total, members = total + below[0], members + below[1]
        groups.append((total, members))
    return [
        middle(total, members) + gap * (place - (members - 1) / 2)
        for total, members in groups
        for place in range(members)
    ]


def _shortened(label: str) -> str:
    return label if len(label) <= MAX_LABEL else label[: MAX_LABEL - 1] + "…"


def _spoken(curves: Sequence[Curve], axes: Axes) -> str:
    texts = []
    for curve in curves:
        epoch, value = max(curve.points, key=lambda point: point[1])
        final, last = curve.points[-1]
        texts.append(
            f"{curve.label}: at most {value:.{axes.digits}f} ({axes.x_label} {epoch}), "
            f"{last:.{axes.digits}f} at {final}"
        )
    return f"Line chart of {axes.y_spoken} over {axes.x_label}. " + "; ".join(texts) + "."


def _inlined(svg: str, spoken: str, name: str) -> str:
    """The ``<svg>`` element alone, with CSS colours, without fixed size and without unused ids."""
    view = re.search(r'viewBox="[^"]*"', svg)
    assert view is not None
    body = svg[svg.index(">", svg.index("<svg")) + 1 :].strip()
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", body, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(|xlink:href=")#([^")]+)', body))
    colours = {_INK: "currentColor", _RULE: "var(--rule, #ddd)"} | {
        placeholder: f"var(--curve-{number}, {colour})"
        for number, (placeholder, colour) in enumerate(zip(_CURVES, PALETTE, strict=True), start=1)
    }

    def tag(found: re.Match[str]) -> str:
        text = re.sub(
            r' id="([^"]*)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", found[0]
        )
        text = re.sub(r'(url\(|xlink:href=")#', rf"\g<1>#{name}-", text)
        text = re.sub(r" font-family: [^;\"]*;?", "", text)
        return re.sub("#0102[0-9a-f]{2}", lambda m: colours[m[0]], text)

    body = re.sub(r"<[^>]+>", tag, body)  # only tags: the text of labels does not change
    body = re.sub(r"\s*\n\s*", "\n", body)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'{view[0]} style="stroke-linejoin: round" role="img" '
        f'aria-label="{html.escape(spoken)}">\n{body}'
    )
