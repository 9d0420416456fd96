"""The picture of the README: what two methods learn from one tag per image, and what LL-R rejects.

largeloss demo --methods full,an,ll-r:1
python benchmarks/picture.py runs/demo     # writes docs/picture.svg

The curves are those of the demo's first seed; the cards are four of its report.
"""

import argparse
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from largeloss.pages.learning_curves import column
from largeloss.pages.missing_tags import recorded_cards
from largeloss.report.cards import Card
from largeloss.runs.data import open_data
from largeloss.runs.recorded_labels import recorded_labels
from largeloss.runs.settings import saved_settings

IMAGE = Path("docs/picture.svg")
LINES = {
    "full": ("#6b7280", "complete labels"),
    "an": ("#c2410c", "blank = absent\n(Naive AN)"),
    "ll-r": ("#1d5fa8", "LL-R"),
}
RIGHT, WRONG = "#15803d", "#b91c1c"
NUM_CARDS = 4


def main() -> None:
    """Draws the curves of three runs and four cards of one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("demo", type=Path, help="Folder of 'largeloss demo'.")
    given = parser.parse_args()
    runs: dict[str, Path] = {}
    for result in sorted(given.demo.rglob("result.json")):
        runs.setdefault(saved_settings(result.parent).method.name, result.parent)
    labels = recorded_labels(runs["ll-r"])
    rejected = labels.recorded.flagged(labels.recorded.num_epochs - 1)
    missing = (labels.reference[rejected[:, 0], rejected[:, 1]] == 1).mean()
    cards = recorded_cards(labels, open_data(saved_settings(runs["ll-r"]))).cards
    matplotlib.rcParams |= {"svg.hashsalt": "picture", "font.size": 10, "figure.facecolor": "white"}
    figure = Figure(figsize=(10.4, 3.6))
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(10, 9))[0]
    _curves(left.add_axes((0.11, 0.14, 0.64, 0.74)), runs)
    title = f"Blanks that LL-R rejects: {100 * missing:.0f} % are missing tags"
    right.text(0, 0.92, title, weight="bold")
    for place, card in enumerate(cards[:NUM_CARDS]):
        across, down = place % 2, place // 2
        _card(right.add_axes((0.5 * across, 0.5 - 0.44 * down, 0.26, 0.37)), card)
    figure.savefig(IMAGE, metadata={"Date": None})
    print(f"Wrote {IMAGE}.")


def _curves(plot: Axes, runs: dict[str, Path]) -> None:
    """Test mAP after each epoch."""
    plot.set_title("Handwritten digits, one tag per image", weight="bold", fontsize=10)
    for name, (colour, title) in LINES.items():
        values = column(runs[name], "test_map")
        plot.plot(values, color=colour, linewidth=2.2)
        last = (len(values) - 1, values[-1])
        plot.annotate(
            title, last, (7, 0), textcoords="offset points", color=colour, weight="bold",
            va="center", annotation_clip=False,
        )  # fmt: skip
    plot.set(xlabel="epoch", ylabel="test mAP (%)")
    plot.grid(axis="y", color="#e5e7eb")
    plot.spines[["top", "right"]].set_visible(False)


def _card(plot: Axes, card: Card) -> None:
    """A training image; beside it the tag that was given and the blanks that were rejected."""
    plot.imshow(card.image, cmap="gray")
    plot.set_axis_off()
    lines = [(f"tag: {', '.join(card.training_tags)}", "#374151")]
    for entry in card.flagged[:3]:
        found = {True: RIGHT, False: WRONG, None: "#374151"}[entry.truth]
        lines.append((f"{entry.name}: {entry.verdict}", found))
    for place, (text, colour) in enumerate(lines):
        plot.annotate(
            text, (1, 1), (6, -10 - 17 * place), xycoords="axes fraction",
            textcoords="offset points", color=colour, fontsize=9, annotation_clip=False,
        )  # fmt: skip


if __name__ == "__main__":
    main()
