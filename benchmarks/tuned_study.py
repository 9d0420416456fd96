"""One study of results_tuned.py: a search for every method, then a comparison of what it chose."""

import shlex
import statistics
from dataclasses import dataclass
from pathlib import Path

from logged import run_logged
from results_page import spread
from results_tables import OUT, uninformed

from largeloss.experiments.results import Comparison
from largeloss.experiments.tuned import Tuning
from largeloss.losses import AssumeNegative, FullLabel, title_of
from largeloss.report.tables import comparison_markdown, markdown_table
from largeloss.report.tuning_table import tuning_markdown
from largeloss.runs.result import RunResult

PUBLISHED = {
    "Yeast": {"an": 0.531, "wan": 0.698, "epr": 0.710, "role": 0.711, "ll-r": 0.658,
              "ll-cp": 0.700},
    "Scene": {"an": 0.580, "role": 0.700, "ll-r": 0.714, "ll-cp": 0.735},
}  # fmt: skip
"""AP by example, from Liu et al., 2023 (docs/reference/results.md has the title)."""


@dataclass(frozen=True)
class TunedStudy:
    """A search for every method, and a comparison of what was chosen."""

    name: str
    title: str
    arguments: tuple[str, ...]
    """Of both commands."""
    methods: str
    seeds: int = 3
    complete: str = ""
    """Shares of completely labelled images."""
    budget: int = 15
    published: str = ""
    """A data set of :data:`PUBLISHED`."""

    def commands(self, out: Path) -> list[str]:
        """As one types them."""
        shares = ("--complete", self.complete) if self.complete else ()
        both = (*self.arguments, "--methods", self.methods, *shares)
        budget = () if self.budget == 15 else ("--budget", str(self.budget))
        tuned, compared = (str(out / "tuned" / self.name / kind) for kind in ("tune", "compare"))
        seeds = ("--seeds", str(self.seeds), "--vary-labels")
        return [
            shlex.join(["largeloss", "tune", *both, *budget, "--out", tuned]),
            shlex.join(
                ["largeloss", "compare", *both, "--tuned", tuned, *seeds, "--out", compared]
            ),
        ]

    def run(self, out: Path) -> None:
        """Runs what is missing; the log stays beside the runs."""
        for command in self.commands(out):
            run_logged(command, out / "tuned" / self.name)
        print(f"finished: {self.title}", flush=True)

    def section(self, out: Path) -> str:
        """What was chosen, and the comparison."""
        tuned, compared = (out / "tuned" / self.name / kind for kind in ("tune", "compare"))
        comparison = Comparison.read(compared / "results.json")
        found = Tuning.read(tuned)
        lines = [
            f"## {self.title}",
            "",
            comparison_markdown(comparison),
            f"Ahead of Naive AN, paired by seed: {paired(comparison) or 'none'}.",
            "",
            *([by_example(self.published, compared, comparison)] if self.published else []),
            "What the search chose:",
            "",
            tuning_markdown(found),
            "```",
            *self.commands(out),
            "```",
            "",
        ]
        return "\n".join(lines)


def paired(comparison: Comparison) -> str:
    """The methods whose mean test mAP is above that of Naive AN by 0.05 points or more, with the
    mean difference and its standard deviation over the seeds; the furthest ahead first."""
    maps: dict[str, dict[int, float]] = {}
    for run in comparison.runs:
        if run.share == 1:
            maps.setdefault(run.method, {})[run.seed] = run.test_map
    naive = maps[AssumeNegative.name]
    ahead = {
        name: [found[seed] - naive[seed] for seed in naive]
        for name, found in maps.items()
        if name not in (AssumeNegative.name, FullLabel.name)
    }
    order = sorted(ahead, key=lambda name: -statistics.fmean(ahead[name]))
    return ", ".join(
        f"{title_of(name)} {statistics.fmean(ahead[name]):+.1f} ± "
        f"{statistics.stdev(ahead[name]):.1f}"
        for name in order
        if statistics.fmean(ahead[name]) >= 0.05
    )


def by_example(name: str, compared: Path, comparison: Comparison) -> str:
    """A table of average precision by example beside published values."""
    rows = []
    for method in dict.fromkeys(run.method for run in comparison.runs):
        results = [
            RunResult.read(path.parent) for path in compared.glob(f"{method}-*seed*/result.json")
        ]
        found = [one.test_example_ap for one in results if one.method == method]
        published = PUBLISHED[name].get(method)
        rows.append(
            (
                title_of(method),
                spread([value for value in found if value is not None], 3),
                "" if published is None else f"{published:.3f}",
            )
        )
    prior, chance = uninformed(OUT / "data" / name / "0")
    return (
        markdown_table(("Method", "AP by example", "Published"), rows)
        + f"\nAP by example of a ranking by class frequency: {prior:.3f}; of a random ranking: "
        f"{chance:.3f}.\n"
    )
