"""An ``<svg>`` element for a page, whose style sheet gives the colours."""

import html
import re
from typing import NamedTuple

PALETTE = ("#5f6670", "#c9490b", "#0068ad", "#00805d", "#a3508a", "#8f6800", "#5b4bc4", "#9c1c1c")
"""Colours of the curves on a light page; after Okabe and Ito, for colour-blind readers."""
DARK_PALETTE = (
    "#a9b1bc", "#ff8a4c", "#62b5f2", "#3ecfa0", "#e29bcb", "#e6b93f", "#b3a7ff", "#ff9c94",
)  # fmt: skip


class Colours(NamedTuple):
    """What a figure is drawn in."""

    ink: str
    rule: str
    curves: tuple[str, ...]


LIGHT = Colours("#24292f", "#dddddd", PALETTE)
"""For figures that no page gives its colours."""

# Placeholder colours; in the finished SVG, CSS variables of the page replace them.
INK, RULE = "#010203", "#010204"
CURVES = tuple(f"#0102{index + 16:02x}" for index in range(len(PALETTE)))
PLACEHOLDERS = Colours(INK, RULE, CURVES)


def inlined(svg: str, spoken: str, name: str) -> str:
    """The ``<svg>`` element alone, with CSS colours, without fixed size and without unused ids."""
    view = re.search(r'viewBox="[^"]*"', svg)
    assert view is not None
    body = svg[svg.index(">", svg.index("<svg")) + 1 :].strip()
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", body, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(|xlink:href=")#([^")]+)', body))
    colours = {INK: "currentColor", RULE: "var(--rule, #ddd)"} | {
        placeholder: f"var(--curve-{number}, {colour})"
        for number, (placeholder, colour) in enumerate(zip(CURVES, PALETTE, strict=True), start=1)
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
