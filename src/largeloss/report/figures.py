"""Curves as SVG; the style sheet of the page gives the colours."""

import io
import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from matplotlib import style
from matplotlib.axes import Axes as Plot
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from largeloss.report.inline_svg import LIGHT, PLACEHOLDERS, Colours, inlined

MARKERS = "osD^vPXd"
DASHES = ("solid", (0, (4, 2)), (0, (1, 1.5)))
"""For the first, second and third round through the palette."""
MAX_LABEL = 24
FONT = 13.0
SMALL = 12.0
LEFT, BOTTOM, TOP, LINE = 54, 50, 28, 17
"""Margins and a further line of text in CSS pixels; the right margin depends on the labels."""


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
    x_limits: tuple[float, float] | None = None
    x_scales: tuple[float, ...] = ()
    """Below each tick stands what it is times each of these, too, in a line of its own."""
    x_marks: tuple[tuple[float, str], ...] = ()
    """Upright lines, each with what it means above it."""


MAP = Axes("mAP (%)", "mAP in percent", maximum=100)


@dataclass(frozen=True)
class Curve:
    """Values over epochs, and optionally a band around them."""

    label: str
    epochs: tuple[float, ...]
    values: tuple[float, ...]
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None
    marked: float | None = None
    """The epoch that was chosen; its value gets a ring."""
    ends: tuple[float, ...] = ()
    """Epochs after which a run stopped early; each gets an upright stroke."""
    hue: int | None = None
    """Position in the palette; None takes the position among the curves."""
    dotted: bool = False
    """Whether each value has a marker, and not the last one alone."""

    @property
    def points(self) -> list[tuple[float, float]]:
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
    shown = [curve for curve in curves if curve.points]
    if not shown:
        return ""
    with style.context(["default", {"svg.fonttype": "none", "svg.hashsalt": name}]):
        figure = curves_figure(curves, axes=axes, size=size, colours=PLACEHOLDERS)
        figure.patch.set_visible(False)
        buffer = io.StringIO()
        with warnings.catch_warnings():  # the browser has glyphs that this font lacks
            warnings.filterwarnings("ignore", message=r"Glyph .* missing", category=UserWarning)
            figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return inlined(buffer.getvalue(), _spoken(shown, axes), name)


def curves_figure(
    curves: Sequence[Curve],
    *,
    axes: Axes = MAP,
    size: tuple[float, float] = (760, 400),
    colours: Colours = LIGHT,
) -> Figure:
    """The same as a figure of matplotlib, which a notebook shows; pyplot does not know of it."""
    places = enumerate(curves)
    drawn = [(i if curve.hue is None else curve.hue, curve) for i, curve in places if curve.points]
    width, height = size
    # Not in the user's style. At 72 dots per inch an SVG unit is a CSS pixel, as a point of a font.
    with style.context(["default", {"font.size": FONT, "text.parse_math": False}]):
        figure = ShownFigure(figsize=(width / 72, height / 72), dpi=72)
        labels = [len(_shortened(curve.label)) for _, curve in drawn]
        room = max(labels, default=0) * FONT * 0.62 + 16
        bottom, top = _margins(axes)
        share_x, share_y = (width - LEFT - room) / width, (height - bottom - top) / height
        plot = figure.add_axes((LEFT / width, bottom / height, share_x, share_y))
        for index, curve in drawn:
            _draw(plot, index, curve, colours)
        first = min((curve.points[0][0] for _, curve in drawn), default=0)
        _draw_axes(plot, axes, first, colours)
        _label_ends(plot, drawn, colours)
    return figure


class ShownFigure(Figure):
    """A figure that a notebook shows where a cell ends with it, whatever its backend."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=2 * self.dpi)
        return buffer.getvalue()


def _margins(axes: Axes) -> tuple[float, float]:
    """At the bottom and at the top, in CSS pixels."""
    below = len(axes.x_scales) + axes.x_label.count("\n")
    return BOTTOM + LINE * below, TOP + LINE * max(0, len(axes.x_marks) - 1)


def _draw(plot: Plot, index: int, curve: Curve, colours: Colours) -> None:
    colour = colours.curves[index % len(colours.curves)]
    if curve.low is not None and curve.high is not None:
        plot.fill_between(curve.epochs, curve.low, curve.high, color=colour, alpha=0.14, lw=0)
    dashes = DASHES[index // len(colours.curves) % len(DASHES)]
    plot.plot(
        curve.epochs, curve.values, color=colour, linewidth=2.2, linestyle=dashes,
        solid_capstyle="round", solid_joinstyle="round", clip_on=False,
    )  # fmt: skip
    marker = MARKERS[index % len(MARKERS)]
    for epoch, value in curve.points if curve.dotted else curve.points[-1:]:
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


def _draw_axes(plot: Plot, axes: Axes, first: float, colours: Colours) -> None:
    ink, rule = colours.ink, colours.rule
    plot.set_xlabel(axes.x_label, color=ink, labelpad=6)
    plot.set_ylabel(axes.y_label, color=ink, labelpad=6)
    room, steps = (56, [1, 2, 5, 10]) if axes.x_scales else (28, None)
    ticks = min(8, max(2, int(plot.get_window_extent().width / room)))
    plot.xaxis.set_major_locator(MaxNLocator(nbins=ticks, steps=steps, integer=True, min_n_ticks=1))
    if axes.x_limits is not None:
        plot.set_xlim(axes.x_limits)
    if axes.x_scales:
        plot.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _scaled(value, axes)))
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
    plot.tick_params(color=rule, labelcolor=ink, labelsize=FONT, length=0, pad=6)
    plot.grid(axis="y", color=rule, linewidth=1)
    plot.set_axisbelow(True)
    plot.patch.set_visible(False)
    plot.spines[["top", "left", "right"]].set_visible(False)
    plot.spines["bottom"].set_color(rule)
    if first == 0 and axes.mark_warmup:
        _draw_upright(plot, 0, ink)
        _write(plot, "warm-up ends", (0, 1), (-2, 8), color=ink, alpha=0.75, fontsize=SMALL)
    for line, (place, text) in enumerate(sorted(axes.x_marks, reverse=True)):
        top = 1 + LINE * line / plot.get_window_extent().height
        _draw_upright(plot, place, ink, top)
        _write(plot, text, (place, top), (-2, 8), color=ink, alpha=0.75, fontsize=SMALL)


def _draw_upright(plot: Plot, place: float, ink: str, top: float = 1.0) -> None:
    """A dotted line over the height of the plot, up to ``top`` of it."""
    plot.plot(
        [place, place], [0, top], transform=plot.get_xaxis_transform(), clip_on=False,
        color=ink, alpha=0.45, linewidth=1, linestyle=(0, (2, 3)), zorder=1,
    )  # fmt: skip


def _scaled(value: float, axes: Axes) -> str:
    return "\n".join([f"{value:g}", *(f"{value * scale:,.0f}" for scale in axes.x_scales)])


def _label_ends(plot: Plot, drawn: Sequence[tuple[int, Curve]], colours: Colours) -> None:
    """Writes each label at the right edge; moves labels up or down where they would overlap."""
    box = plot.get_window_extent()
    ordered = sorted(drawn, key=lambda pair: pair[1].points[-1][1])
    ends = [(0.0, curve.points[-1][1]) for _, curve in ordered]
    wanted = (plot.transData.transform(ends)[:, 1] - box.y0).tolist()
    right = max((curve.points[-1][0] for _, curve in drawn), default=0)
    heights = _apart(wanted, FONT * 1.35, box.height)
    for (index, curve), height in zip(ordered, heights, strict=True):
        colour, place = colours.curves[index % len(colours.curves)], (right, height / box.height)
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
    texts, over = [], axes.x_label.partition(",\n")[0]
    for curve in curves:
        epoch, value = max(curve.points, key=lambda point: point[1])
        final, last = curve.points[-1]
        texts.append(
            f"{curve.label}: at most {value:.{axes.digits}f} ({over} {epoch:g}), "
            f"{last:.{axes.digits}f} at {final:g}"
        )
    return f"Line chart of {axes.y_spoken} over {over}. " + "; ".join(texts) + "."
