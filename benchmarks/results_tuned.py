"""Every method tuned alike, then compared: writes the tables of docs/reference/results.md.

python benchmarks/results_tuned.py [--only voc-animals,fashion]

Each study is a ``largeloss tune`` and a ``largeloss compare``; finished runs are skipped, so the
command goes on where it stopped. A finished study replaces its section of the page.

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
from results_page import REFERENCE, put, spread
from results_tables import OUT, TABULAR, tabular_folder, uninformed

from largeloss.experiments.results import Comparison
from largeloss.experiments.tuned import Tuning
from largeloss.losses import AssumeNegative, FullLabel, title_of
from largeloss.report.tables import comparison_markdown, markdown_table
from largeloss.report.tuning_table import tuning_markdown
from largeloss.runs.result import RunResult

PAGE = REFERENCE / "results.md"
PAPER = "full,an,iu,wan,lsan,epr,role,ll-r,ll-ct,ll-cp,curriculum"
LATER = "em,em-apl,asl,p-asl,hill,splc,gr"
PARTIAL = "full,an,iu,wan,ll-r,em,curriculum"
TENTH = ("--observe", "fraction=0.1")
PUBLISHED = {
    "Yeast": {"an": 0.531, "wan": 0.698, "epr": 0.710, "role": 0.711, "ll-r": 0.658,
              "ll-cp": 0.700},
    "Scene": {"an": 0.580, "role": 0.700, "ll-r": 0.714, "ll-cp": 0.735},
}  # fmt: skip
"""AP by example, from Liu et al., 2023 (docs/reference/results.md has the title)."""
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


def tuned_studies(root: Path, cache: Path, tables: dict[str, Path]) -> list[TunedStudy]:
    """All of them, the quickest first.

    Args:
        root: What ``LARGELOSS_DATA`` names.
        cache: Of extracted features.
        tables: Name and folder of the data sets of features.
    """
    weights = root / "weights"
    animals = (
        str(root / "voc-animals"), "--config", "benchmarks/voc-animals.yaml",
        "--weights", str(weights / "mobilenetv2_100-imagenet.safetensors"),
    )  # fmt: skip
    voc = (*animals, "--image-size", "224", *LINEAR, "--cache", str(cache))
    whole = (*animals, "--image-size", "96", "--epochs", "6")
    fashion = (
        str(root / "fashion"), "--backbone", "tf_efficientnet_lite2", "--weights",
        str(weights / "tf_efficientnet_lite2-imagenet.safetensors"), "--image-size", "260", *HALF,
        *LINEAR, "--cache", str(cache),
    )  # fmt: skip
    single = (*fashion, "--observe", "single-positive")
    digits = ("--preset", "digits", "--augment", "light")
    every, shares = f"{PAPER},{LATER}", "0.1,0.2,0.4,0.6"
    return [
        TunedStudy(
            "digits",
            "Digit scenes, shifted images, each method tuned",
            digits,
            # each is twenty trainings of forty seconds, of the recipe forty
            "full,an,wan,ll-r,ll-ct,ll-cp,em,em-apl,splc,gr,auto",
        ),
        TunedStudy(
            "digits-others",
            "Digit scenes, shifted images, the other methods tuned",
            digits,
            # not iu, curriculum, imcl: they need observed absences, of which there are none
            "full,an,asl,p-asl,hill,lsan,role,epr",
        ),
        TunedStudy(
            "digits-worth",
            "Digit scenes, shifted images, each share of complete labels tuned",
            digits,
            # a share trains as many steps as all images: twenty trainings each
            "full,an,ll-r,gr",
            complete="0.1,0.2,0.4",
        ),
        TunedStudy(
            "digits-kappa",
            "Digit scenes, shifted images, EPR and ROLE with an estimate of the tags per image",
            # the preset tells them the true number, 2.5, which other methods are not told
            (*digits, "--set", "method.expected_positives=null"),
            "full,an,epr,role",
        ),
        TunedStudy(
            "digits-tenth",
            "Digit scenes, shifted images, a tenth of the labels, each method tuned",
            (*digits, *TENTH),
            # iu and curriculum need observed absences, which single tags do not have
            "full,an,iu,ll-r,curriculum",
        ),
        TunedStudy(
            "voc-animals-linear-init",
            "voc-animals, LinearInit, each method tuned",
            (*whole, "--protocol", "linear-init"),
            # the protocol of the paper's single-positive tables: LL-R against the two ends
            "full,an,ll-r",
            budget=5,
        ),
        TunedStudy(
            "voc-animals-whole",
            "voc-animals, end to end, each method tuned",
            whole,
            # em, em-apl and wan led the linear search, gr leads on digit scenes
            "full,an,ll-r,ll-ct,ll-cp,em,em-apl,wan,gr",
            budget=5,
        ),
        TunedStudy(
            "voc-animals",
            "voc-animals, a linear head, each method tuned",
            voc,
            every,
            complete=shares,
        ),
        TunedStudy(
            "fashion",
            "Fashion, a linear head, each method tuned",
            single,
            every,
            complete=shares,
        ),
        TunedStudy(
            "voc-animals-tenth",
            "voc-animals, a linear head, a tenth of the labels, each method tuned",
            (*voc, *TENTH),
            PARTIAL,
        ),
        TunedStudy(
            "fashion-tenth",
            "Fashion, a linear head, a tenth of the labels, each method tuned",
            (*fashion, *TENTH),
            PARTIAL,
        ),
        TunedStudy(
            "voc-animals-imcl",
            "voc-animals, a linear head, IMCL tuned",
            voc,
            # a training of half a minute, where others take two seconds
            "full,an,imcl",
        ),
        TunedStudy(
            "fashion-imcl",
            "Fashion, a linear head, IMCL tuned",
            single,
            "full,an,imcl",
        ),
        *(
            TunedStudy(f"{name.lower()}-crisp", f"{title}, CRISP tuned", arguments, "full,an,crisp")
            for name, title, arguments in (
                ("digits", "Digit scenes, shifted images", digits),
                ("voc-animals", "voc-animals, a linear head", voc),
                ("fashion", "Fashion, a linear head", single),
                *((name, name, (str(folder), *TABLE)) for name, folder in tables.items()),
            )
        ),
        *(
            TunedStudy(
                name.lower(),
                f"{name}, each method tuned",
                (str(folder), *TABLE),
                f"{every},imcl",
                published=name,
            )
            for name, folder in tables.items()
        ),
    ]


def main() -> None:
    """Runs what is missing, writes the sections."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="Names of studies, separated by commas.")
    given = parser.parse_args()
    root = os.environ.get("LARGELOSS_DATA")
    if not root:
        sys.exit("Set LARGELOSS_DATA to the folder that holds voc-animals/, fashion/ and weights/.")
    tables = {name: tabular_folder(name, Path(root) / "tabular") for name in TABULAR}
    for study in tuned_studies(Path(root), OUT / "cache", tables):
        if given.only and study.name not in given.only.split(","):
            continue
        study.run(OUT)
        put(PAGE, study.section(OUT).replace(root, "$LARGELOSS_DATA"))


if __name__ == "__main__":
    main()
