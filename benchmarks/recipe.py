"""Which steps make the recipe: one after the other on digit scenes, same seeds, same labels kept.

python benchmarks/recipe.py --out FOLDER [--seeds 3]

Every line is a run of ``largeloss compare``; finished runs are skipped. The seed also draws which
tag of each image is kept. Test labels choose nothing: the table says what each step is worth.
"""

import argparse
import os
import shlex
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from largeloss.experiments.results import Comparison
from largeloss.report.tables import markdown_table, number, percent

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
    Step("light", "--augment light", "full,an,ll-r:auto", LIGHT, 1),
    Step("strong", "--augment strong", "full,an,ll-r:auto", ("--augment", "strong"), 1),
    Step("ema", "light, --ema 0.999", "full,an,ll-r:auto", (*LIGHT, "--ema", "0.999"), 1),
    Step("cosine", "light, --schedule cosine", "ll-r:auto", (*LIGHT, "--schedule", "cosine"), 1),
    Step("one", "light, --teachers 1", "ll-r:auto", (*LIGHT, "--teachers", "1"), 2),
    Step("two", "light, --teachers 2", "ll-r:auto,an", (*LIGHT, "--teachers", "2"), 3),
    Step("three", "light, --teachers 3", "ll-r:auto", (*LIGHT, "--teachers", "3"), 4),
    Step(
        "two-ema",
        "light, --ema 0.999, --teachers 2",
        "ll-r:auto",
        (*LIGHT, "--ema", "0.999", "--teachers", "2"),
        3,
    ),
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
        maps = {
            (line.method, line.delta_rel): [
                [one.test_map, one.last_test_map]
                for one in comparison.runs
                if (one.method, one.delta_rel) == (line.method, line.delta_rel)
            ]
            for line in comparison.summary
        }
        ends = {
            method: statistics.fmean(one[0] for one in found) for (method, _), found in maps.items()
        }
        for (method, delta), found in maps.items():
            best, last = ([one[place] for one in found] for place in (0, 1))
            spread = f" ± {number(statistics.stdev(best))}" if len(best) > 1 else ""
            closed = ""
            if {"an", "full"} <= ends.keys():
                share = (ends[method] - ends["an"]) / (ends["full"] - ends["an"])
                closed = percent(share)
            rows.append(
                (
                    step.title,
                    method if delta is None else f"{method}:{delta}",
                    f"{number(statistics.fmean(best))}{spread}",
                    number(statistics.fmean(last)),
                    closed,
                    str(1 if method in ("full",) else step.trainings),
                )
            )
    titles = ("Settings", "Method", "Test mAP (%)", "Last epoch (%)", "Gap closed", "Trainings")
    print(markdown_table(titles, rows))


def run(step: Step, out: Path, seeds: int) -> Comparison:
    """The comparison of a step."""
    command = [
        "largeloss", "compare", "--preset", "digits", "--methods", step.methods, "--seeds",
        str(seeds), "--vary-labels", *step.arguments, "--out", str(out),
    ]  # fmt: skip
    print(shlex.join(command), file=sys.stderr, flush=True)
    out.mkdir(parents=True, exist_ok=True)
    with (out / "log.txt").open("a", encoding="utf-8") as log:
        subprocess.run(
            [sys.executable, "-m", *command],
            check=True,
            stdout=log,
            stderr=log,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
    return Comparison.read(out / "results.json")


if __name__ == "__main__":
    main()
