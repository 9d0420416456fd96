"""Which steps make the recipe: one after the other on digit scenes, same seeds, same labels kept.

python benchmarks/recipe.py --out FOLDER [--seeds 3]

Every line is a run of ``largeloss compare``; finished runs are skipped. The seed also draws which
tag of each image is kept. Test labels choose nothing: the table says what each step is worth.
"""

import argparse
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

from logged import run_logged

from largeloss.experiments.results import Comparison
from largeloss.losses import training_of
from largeloss.report.tables import NOTHING, comparison_rows, markdown_table, worth_text

LIGHT = ("--augment", "light")


class Step(NamedTuple):
    """Settings beside those of the digit scenes."""

    name: str
    """Of its folder."""
    title: str
    methods: str
    arguments: tuple[str, ...]
    trainings: int
    """Of each run."""


STEPS = (
    Step("plain", "as the preset has it", "full,an,ll-r:auto", (), 1),
    Step(
        "light",
        "--augment light",
        "full,an,ll-r:auto,auto",
        (*LIGHT, "--complete", "0.1,0.2,0.4"),
        1,
    ),
    Step("strong", "--augment strong", "full,an,ll-r:auto", ("--augment", "strong"), 1),
    Step("ema", "light, --ema 0.999", "full,an,ll-r:auto", (*LIGHT, "--ema", "0.999"), 1),
    Step("cosine", "light, --schedule cosine", "ll-r:auto", (*LIGHT, "--schedule", "cosine"), 1),
    Step("two", "light, --teachers 2", "ll-r:auto,an", (*LIGHT, "--teachers", "2"), 3),
    Step("ema-auto", "light, --ema 0.999", "auto", (*LIGHT, "--ema", "0.999"), 1),
)


def main() -> None:
    """Runs what is missing, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", help="Names of steps, separated by commas.")
    given = parser.parse_args()
    only = (given.only or ",".join(step.name for step in STEPS)).split(",")
    rows = []
    for step in STEPS:
        if step.name not in only:
            continue
        comparison = run(step, given.out / step.name, given.seeds)
        for row in comparison_rows(comparison):
            method, delta, best, last, closed = row.cells[:5]
            worth = worth_text(row.worth) if row.worth is not None else NOTHING
            teachers = training_of(row.method).get("teachers", 0) if row.share == 1 else 0
            trainings = str(step.trainings + teachers)
            rows.append((step.title, method, delta, best, last, closed, worth, trainings))
    titles = (
        "Settings", "Method", "Δ", "Test mAP (%)", "Last epoch (%)", "Gap closed", "Worth",
        "Trainings",
    )  # fmt: skip
    print(markdown_table(titles, rows))


def run(step: Step, out: Path, seeds: int) -> Comparison:
    """The comparison of a step."""
    command = shlex.join(
        [
            "largeloss", "compare", "--preset", "digits", "--methods", step.methods, "--seeds",
            str(seeds), "--vary-labels", *step.arguments, "--out", str(out),
        ]
    )  # fmt: skip
    print(command, file=sys.stderr, flush=True)
    run_logged(command, out)
    return Comparison.read(out / "results.json")


if __name__ == "__main__":
    main()
