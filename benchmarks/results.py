"""All twelve systems, on four kinds of data: writes docs/reference/results.md.

Every study is one or more ``largeloss compare`` commands, run two at a time with one thread each;
finished runs are skipped, so the command goes on where it stopped.

    LARGELOSS_DATA=… make results
"""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import yaml
from logged import run_logged
from results_analyses import pointing_section, recorded_section, tags_section
from results_page import page, result, section, tabular_section
from results_tables import OUT, TABULAR, tabular_folders
from results_tuned import tuned_studies

from largeloss.data import published_split
from largeloss.labels import read_labels

HERE = Path("benchmarks")
PAGE = Path("docs/reference/results.md")
GRID = {"ll-r": (0.1, 0.2, 0.5), "ll-ct": (0.1, 0.2, 0.5), "ll-cp": (0.1, 1.0, 2.0)}
DIGITS = {"ll-r": 1.0, "ll-ct": 0.5, "ll-cp": 0.2}
BEFORE, AFTER = "full,an,iu,wan,lsan,epr,role", "curriculum,imcl"
PARTIAL = "an,iu,ll-r{},curriculum,imcl"
LINEAR = ("--protocol", "linear", "--image-size", "224", "--epochs", "25")
WHOLE = ("--image-size", "128", "--epochs", "6")
TAGS = "Tags, voc-animals, a linear head on frozen features, one positive an image"
TAGGED = ("full", "an", "wan", "ll-r")
TABULAR_LAYER = (
    "--backbone", "none", "--set", "model.hidden=256", "--epochs", "50", "--batch-size", "32",
    "--lr", "1e-4", "--set", "training.stop_below=null", "--observe", "single-positive",
)  # fmt: skip


@dataclass(frozen=True)
class Study:
    """One comparison."""

    name: str
    """Its folder."""
    title: str
    arguments: tuple[str, ...]
    """Of ``largeloss compare``, without ``--out``."""

    @property
    def out(self) -> Path:
        """Where its runs are."""
        return OUT / self.name

    @property
    def command(self) -> str:
        """As one types it."""
        return shlex.join(["largeloss", "compare", *self.arguments, "--out", str(self.out)])

    @property
    def num_runs(self) -> int:
        """Methods times seeds."""
        given = dict(pairwise(self.arguments))
        return len(given["--methods"].split(",")) * int(given["--seeds"])

    def run(self) -> None:
        """Runs what is missing; the log stays beside the runs."""
        run_logged(self.command, self.out)
        print(f"finished: {self.title}", flush=True)


def main() -> None:
    """Runs everything that is missing and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="Names of studies, separated by commas; no page is written.")
    parser.add_argument("--page", action="store_true", help="Runs nothing; writes what there is.")
    arguments = parser.parse_args()
    only = arguments.only
    root = os.environ.get("LARGELOSS_DATA")
    if not root:
        sys.exit("Set LARGELOSS_DATA to the folder that holds voc-animals/, weights/ and tabular/.")
    photographs = (
        str(Path(root) / "voc-animals"), "--config", str(HERE / "voc-animals.yaml"),
        "--weights", str(Path(root) / "weights" / "mobilenetv2_100-imagenet.safetensors"),
        "--cache", str(OUT / "cache"),
    )  # fmt: skip
    tables = {name: tabular_folders(name, Path(root) / "tabular") for name in TABULAR}
    searches = [
        Study("voc-linear", "Δ on photographs", (*photographs, *LINEAR, *searched())),
        *(
            Study(f"{name.lower()}/0", f"Δ on {name}", (*tabular(folders[0], 0), *searched()))
            for name, folders in tables.items()
        ),
    ]
    if not arguments.page:
        run_all([study for study in searches if not only or study.name in only.split(",")])
    if only:
        return
    delta = best_delta(OUT / "voc-linear")
    first = {name: folders[0] for name, folders in tables.items()}
    tuned = tuned_studies(Path(root), OUT / "cache", first)
    studies = image_studies(photographs, delta)
    recorded = recorded_studies(photographs, delta)
    grouped = {
        name: [
            Study(
                f"{name.lower()}/{seed}",
                f"{name}, seed {seed}",
                (
                    *tabular(folder, seed),
                    "--expected-positives",
                    mean_tags(folder),
                    "--methods",
                    every(best_delta(OUT / name.lower() / "0")),
                    "--seeds",
                    "1",
                ),
            )
            for seed, folder in enumerate(folders)
        ]
        for name, folders in tables.items()
    }
    if not arguments.page:
        every_study = [study for group in grouped.values() for study in group]
        run_all([*every_study, *recorded, *studies])
        for one in tuned:
            one.run(OUT)
    sections = [one.section(OUT) for one in tuned]
    sections += [
        section(study.title, study.command, study.out, study.num_runs) for study in studies
    ]
    sections += [
        tabular_section(name, group[0].command, [study.out for study in group], tables[name])
        for name, group in grouped.items()
    ]
    sections += [recorded_section(study.title, study.command, study.out) for study in recorded]
    named = [f"ll-r-{delta['ll-r']:g}" if name == "ll-r" else name for name in TAGGED]
    linear = next(study for study in studies if study.name == "voc-linear")
    sections.append(tags_section(TAGS, linear.command, linear.out, named))
    sections.append(pointed(Path(root) / "coco-mini", studies))
    PAGE.write_text(page(sections).replace(root, "$LARGELOSS_DATA"), encoding="utf-8")
    print(f"written: {PAGE}")


def run_all(studies: list[Study]) -> None:
    """Two at a time."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(Study.run, studies))


def image_studies(photographs: tuple[str, ...], delta: dict[str, float]) -> list[Study]:
    """Digit scenes and voc-animals, the quickest first, end to end last."""
    settings = yaml.safe_load((HERE / "voc-animals.yaml").read_text(encoding="utf-8"))
    tags = mean_tags(Path(photographs[0]), settings["data"]["classes"])
    kappa = ("--expected-positives", tags)
    protocols = {
        "linear": ("voc-linear", "voc-animals, a linear head on frozen features", LINEAR, "3"),
        "whole": ("voc-whole", "voc-animals, end to end", WHOLE, "1"),
        "init": (
            "voc-linear-init",
            "voc-animals, LinearInit",
            (*WHOLE, "--protocol", "linear-init"),
            "1",
        ),
    }
    tenth = ("--observe", "fraction=0.1")
    found = []
    for partial in (False, True):
        methods = PARTIAL.format(":1") if partial else every(DIGITS)
        shown = ", a tenth of the labels" if partial else ", one positive an image"
        found.append(
            Study(
                "digits" + "-tenth" * partial,
                f"Digit scenes{shown}",
                ("--preset", "digits", "--methods", methods, "--seeds", "3")
                + (tenth if partial else ()),
            )
        )
    for name, title, arguments, seeds in protocols.values():
        for partial in (False, True):
            methods = PARTIAL.format(f":{delta['ll-r']:g}") if partial else every(delta)
            shown = ", a tenth of the labels" if partial else ", one positive an image"
            more = (*tenth, "--methods", methods) if partial else (*kappa, "--methods", methods)
            found.append(
                Study(
                    name + "-tenth" * partial,
                    title + shown,
                    (*photographs, *arguments, *more, "--seeds", seeds),
                )
            )
    return found


def recorded_studies(photographs: tuple[str, ...], delta: dict[str, float]) -> list[Study]:
    """Runs whose every loss is recorded, for the analyses."""
    shown = "memorisation, and precision and recall of the corrections"
    more = ("--seeds", "1", "--record", "losses")
    return [
        Study(
            "digits-recorded",
            f"Digit scenes: {shown}",
            ("--preset", "digits", "--methods", f"an,{large(DIGITS)}", *more),
        ),
        Study(
            "voc-linear-recorded",
            f"voc-animals, a linear head: {shown}",
            (*photographs, *LINEAR, "--methods", f"an,{large(delta)}", *more),
        ),
        Study(
            "voc-whole-recorded",
            f"voc-animals, end to end: {shown}",
            (*photographs, *WHOLE, "--methods", f"an,{large(delta)}", *more),
        ),
    ]


def pointed(coco: Path, studies: Sequence[Study]) -> str:
    """The pointing game, by the runs of seed 0 on photographs."""
    outs = {study.name: study.out for study in studies}
    delta = best_delta(OUT / "voc-linear")
    names = ["full", "an", "role", *(f"{method}-{value:g}" for method, value in delta.items())]
    groups = {
        title: [outs[name] / f"{method}-seed0" for method in names]
        for title, name in (("linear, 224 px", "voc-linear"), ("end to end, 128 px", "voc-whole"))
    }
    title = "The pointing game on COCO images, by models of voc-animals"
    return pointing_section(title, coco, OUT / "data" / "coco-mini", groups)


def large(delta: dict[str, float]) -> str:
    """The large-loss methods, with these Deltas."""
    return ",".join(f"{method}:{value:g}" for method, value in delta.items())


def every(delta: dict[str, float]) -> str:
    """All twelve systems, with these Deltas."""
    return f"{BEFORE},{large(delta)},{AFTER}"


def searched() -> tuple[str, ...]:
    """The runs that Delta is chosen by."""
    large = ",".join(f"{method}:{value:g}" for method in GRID for value in GRID[method])
    return ("--methods", large, "--seeds", "1")


def best_delta(out: Path) -> dict[str, float]:
    """The Delta with the best val mAP, with seed 0, for each large-loss method."""
    return {
        method: max(deltas, key=lambda delta: result(out / f"{method}-{delta:g}-seed0")["val_map"])
        for method, deltas in GRID.items()
    }


def mean_tags(data: Path, classes: Sequence[str] | None = None) -> str:
    """kappa as the published protocol has it, from complete labels: here those of val."""
    file = read_labels(data / "labels.csv")
    table = file.table if classes is None else file.table.select_classes(classes)
    splits = np.asarray(file.splits)
    val = np.flatnonzero(splits == "val")
    if not len(val):
        train = np.flatnonzero(splits == "train")
        val = train[published_split(len(train))[1]]
    return f"{(table.lookup(val) == 1).sum(axis=1).mean():.3g}"


def tabular(folder: Path, seed: int) -> tuple[str, ...]:
    """Arguments for a table of features."""
    return (str(folder), *TABULAR_LAYER, "--set", f"data.observe_seed={seed}")


if __name__ == "__main__":
    main()
