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
    arguments: tuple[str, ...] = ()

    @property
    def teachers(self) -> int:
        """Of every run, where they are given."""
        given = dict(zip(self.arguments[::2], self.arguments[1::2], strict=True))
        return int(given.get("--teachers", 0))


STEPS = (
    Step("plain", "no augmentation", "full,an,ll-r:auto,gr"),
    Step(
        "light",
        "--augment light",
        "full,an,ll-r:auto,gr,auto",
        (*LIGHT, "--complete", "0.1,0.2,0.4"),
    ),
    Step("long", "light, --epochs 28", "gr", (*LIGHT, "--epochs", "28")),
    Step("teacher", "light, --teachers 1", "an,ll-r:auto", (*LIGHT, "--teachers", "1")),
    Step("priors", "light, --teachers 1", "crisp", (*LIGHT, "--teachers", "1")),
    Step("boost", "light, --head boost", "gr,auto", (*LIGHT, "--head", "boost")),
    Step("two", "light, --teachers 2", "auto", (*LIGHT, "--teachers", "2")),
    Step("ema", "light, --ema 0.99", "auto", (*LIGHT, "--ema", "0.99")),
    Step("cosine", "light, --schedule cosine", "auto", (*LIGHT, "--schedule", "cosine")),
    Step("strong", "--augment strong", "gr,auto", ("--augment", "strong")),
)
LR = "0.003"
"""Near what the search of benchmarks/results_tuned.py has found for each method."""


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
            teachers = step.teachers or training_of(row.method).get("teachers", 0)
            trainings = str(1 + (teachers if row.share == 1 else 0))
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
            "largeloss", "compare", "--preset", "digits", "--lr", LR, "--methods", step.methods,
            "--seeds", str(seeds), "--vary-labels", *step.arguments, "--out", str(out),
        ]
    )  # fmt: skip
    print(command, file=sys.stderr, flush=True)
    run_logged(command, out)
    return Comparison.read(out / "results.json")


if __name__ == "__main__":
    main()
