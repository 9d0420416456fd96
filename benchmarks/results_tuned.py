"""Every method tuned alike, then compared: the first tables of docs/reference/results.md.

python benchmarks/results_tuned.py [--only voc-animals,fashion] [--page]

Each study is a ``largeloss tune`` and a ``largeloss compare``; finished runs are skipped, so the
command goes on where it stopped. ``--page`` runs nothing and prints what there is.

    LARGELOSS_DATA=… make results-tuned
"""

import argparse
import os
import shlex
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from logged import run_logged
from results_tables import OUT, TABULAR, tabular_folders

from largeloss.experiments.results import Comparison
from largeloss.experiments.tuned import Tuning
from largeloss.losses import AssumeNegative, FullLabel, title_of
from largeloss.report.tables import comparison_markdown
from largeloss.report.tuning_table import tuning_markdown

PAPER = "full,an,iu,wan,lsan,epr,role,ll-r,ll-ct,ll-cp,curriculum"
LATER = "em,em-apl,asl,p-asl,hill,splc,gr,crisp"
LINEAR = ("--protocol", "linear", "--epochs", "25", "--precision", "fp32")
HALF = ("--set", "model.mean=[0.5,0.5,0.5]", "--set", "model.std=[0.5,0.5,0.5]")
TABLE = (
    "--backbone", "none", "--set", "model.hidden=256", "--epochs", "50", "--batch-size", "32",
    "--set", "training.stop_below=null", "--observe", "single-positive",
)  # fmt: skip


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
        """What was chosen, and the comparison; what is not finished says so."""
        tuned, compared = (out / "tuned" / self.name / kind for kind in ("tune", "compare"))
        lines = [f"## {self.title}", ""]
        if not (tuned / "tuned.json").is_file() or not (compared / "table.md").is_file():
            return "\n".join([*lines, "Not run.", ""])
        comparison = Comparison.read(compared / "results.json")
        found = Tuning.read(tuned)
        lines += [
            comparison_markdown(comparison),
            f"Ahead of Naive AN, paired by seed: {paired(comparison)}.",
            "",
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


def tuned_studies(root: Path, cache: Path, tables: dict[str, Path]) -> list[TunedStudy]:
    """All of them, the quickest first.

    Args:
        root: What ``LARGELOSS_DATA`` names.
        cache: Of extracted features.
        tables: Name and folder of the data sets of features.
    """
    weights = root / "weights"
    voc = (
        str(root / "voc-animals"), "--config", "benchmarks/voc-animals.yaml",
        "--weights", str(weights / "mobilenetv2_100-imagenet.safetensors"),
        "--image-size", "224", *LINEAR, "--cache", str(cache),
    )  # fmt: skip
    fashion = (
        str(root / "fashion"), "--observe", "single-positive", "--backbone",
        "tf_efficientnet_lite2", "--weights",
        str(weights / "tf_efficientnet_lite2-imagenet.safetensors"), "--image-size", "260", *HALF,
        *LINEAR, "--cache", str(cache),
    )  # fmt: skip
    every, shares = f"{PAPER},{LATER}", "0.1,0.2,0.4,0.6"
    return [
        TunedStudy(
            "voc-animals", "voc-animals, a linear head, each method tuned", voc, every, 3, shares
        ),
        TunedStudy(
            "fashion", "Fashion, a linear head, each method tuned", fashion, every, 3, shares
        ),
        *(
            TunedStudy(
                name.lower(),
                f"{name}, each method tuned",
                (str(folder), *TABLE),
                every,
            )
            for name, folder in tables.items()
        ),
        TunedStudy(
            "digits",
            "Digit scenes, shifted images, each method tuned",
            ("--preset", "digits", "--augment", "light"),
            "full,an,ll-r,ll-ct,ll-cp,em",
        ),
        TunedStudy(
            "voc-animals-whole",
            "voc-animals, end to end, each method tuned",
            (
                str(root / "voc-animals"),
                "--config",
                "benchmarks/voc-animals.yaml",
                "--weights",
                str(weights / "mobilenetv2_100-imagenet.safetensors"),
                "--image-size",
                "96",
                "--epochs",
                "6",
            ),
            "full,an,ll-r,ll-ct,ll-cp,em,em-apl,wan",  # the last three led the linear search
            budget=5,
        ),
    ]


def main() -> None:
    """Runs what is missing, prints the sections."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="Names of studies, separated by commas.")
    parser.add_argument("--page", action="store_true", help="Runs nothing.")
    given = parser.parse_args()
    root = os.environ.get("LARGELOSS_DATA")
    if not root:
        sys.exit("Set LARGELOSS_DATA to the folder that holds voc-animals/, fashion/ and weights/.")
    tables = {name: tabular_folders(name, Path(root) / "tabular")[0] for name in TABULAR}
    for study in tuned_studies(Path(root), OUT / "cache", tables):
        if given.only and study.name not in given.only.split(","):
            continue
        if not given.page:
            study.run(OUT)
        print(study.section(OUT).replace(root, "$LARGELOSS_DATA"))


if __name__ == "__main__":
    main()
