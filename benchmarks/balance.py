"""What --balance does: the same runs with and without it, paired by seed.

python benchmarks/balance.py --out FOLDER --cache FOLDER [--seeds 5]

Linear heads on frozen features, one positive per image, learning rates as the search of
docs/reference/results.md chose them. The seed also draws which tag of each image is kept. "Rare" is
the third of the classes with the fewest observed tags. Finished runs are skipped.

    LARGELOSS_DATA=… python benchmarks/balance.py …
"""

import argparse
import os
import shlex
import sys
from pathlib import Path

import numpy as np
from logged import run_logged
from numpy.typing import NDArray
from results_tuned import tuned_studies

from largeloss.losses import title_of
from largeloss.report.tables import markdown_table
from largeloss.runs.result import RunResult

TRIED = (
    ("fashion", "an", ("--lr", "3e-6")),
    ("fashion", "gr", ("--lr", "3e-5", "--set", "method.slope=8")),
    ("fashion", "ll-r:1", ("--lr", "3e-5")),
    ("voc-animals", "an", ("--lr", "9.5e-6")),
    ("voc-animals", "em", ("--lr", "9.5e-6", "--set", "method.entropy_weight=0.1")),
)
"""Data, method, and what the search chose for it: Naive AN, what was ahead of it, LL-R. (On
voc-animals LL-R ended at Δ 0.05, which is hardly another method.)"""
FIGURES = ("Val", "Test", "Test, rare third", "Test, other classes")
"""Of which the differences are shown, balanced − plain."""


def main() -> None:
    """Runs what is missing, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True, help="Of extracted features.")
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    root = os.environ.get("LARGELOSS_DATA")
    if not root:
        sys.exit("Set LARGELOSS_DATA to the folder that holds voc-animals/, fashion/ and weights/.")
    studies = {study.name: study for study in tuned_studies(Path(root), given.cache, {})}
    rows = []
    for name, method, chosen in TRIED:
        plain, balanced = (
            figures(
                [*studies[name].arguments, "--methods", method, *chosen, *more],
                given.out / f"{name}-{method.replace(':', '-')}{''.join(more)}",
                given.seeds,
            )
            for more in ((), ("--balance",))
        )
        tested = (
            f"{runs[:, 1].mean():.1f} ± {runs[:, 1].std(ddof=1):.1f}" for runs in (plain, balanced)
        )
        less = balanced - plain
        differences = (f"{one.mean():+.2f} ± {one.std(ddof=1):.2f}" for one in less.T)
        rows.append((name, title_of(method.split(":")[0]), *tested, *differences))
    titles = ("Data", "Method", "Test mAP (%), plain", "Balanced", *FIGURES)
    print(markdown_table(titles, rows))


def figures(arguments: list[str], out: Path, seeds: int) -> NDArray[np.float64]:
    """(seeds, FIGURES) of one comparison, in percent."""
    command = ["largeloss", "compare", *arguments, "--seeds", str(seeds), "--vary-labels"]
    run_logged(shlex.join([*command, "--out", str(out)]), out)
    return np.array(
        [of_run(RunResult.read(path.parent)) for path in sorted(out.glob("*/result.json"))]
    )


def of_run(run: RunResult) -> list[float]:
    """The figures of a run: val, test, and test of the rare third and of the others."""
    tags = np.array([counts[0] for counts in run.train_counts.values()])
    precisions = np.array([run.test_ap[name] for name in run.train_counts])
    order = np.argsort(tags, kind="stable")
    third = len(tags) // 3
    rare, others = (100 * np.nanmean(precisions[part]) for part in (order[:third], order[third:]))
    return [run.val_figure, run.test_map, float(rare), float(others)]


if __name__ == "__main__":
    main()
