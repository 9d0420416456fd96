"""What models have learnt, corrected and looked at: writes docs/reference/results-analyses.md.

Every study is a ``largeloss compare``, run two at a time with one thread each; finished runs are
skipped, so the command goes on where it stopped. Methods are compared by ``results_tuned.py``.

    LARGELOSS_DATA=… make results
"""

import os
import shlex
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from logged import run_logged
from results_analyses import pointing_section, recorded_section, result, tags_section
from results_page import REFERENCE, put
from results_tables import OUT

PAGE = REFERENCE / "results-analyses.md"
GRID = {"ll-r": (0.1, 0.2, 0.5), "ll-ct": (0.1, 0.2, 0.5), "ll-cp": (0.1, 1.0, 2.0)}
DIGITS = {"ll-r": 1.0, "ll-ct": 0.5, "ll-cp": 0.2}
LINEAR = ("--protocol", "linear", "--image-size", "224", "--epochs", "25")
WHOLE = ("--image-size", "128", "--epochs", "6")
KAPPA = ("--expected-positives", "1.45")  # the mean number of tags of val, for ROLE
TAGS = "Tags, voc-animals, a linear head on frozen features, one positive per image"
POINTING = "The pointing game on COCO images, by models of voc-animals"


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

    def run(self) -> None:
        """Runs what is missing; the log stays beside the runs."""
        run_logged(self.command, self.out)
        print(f"finished: {self.title}", flush=True)


def main() -> None:
    """Runs everything that is missing and writes the sections."""
    root = os.environ.get("LARGELOSS_DATA")
    if not root:
        sys.exit("Set LARGELOSS_DATA to the folder that holds voc-animals/, coco-mini/, weights/.")
    photographs = (
        str(Path(root) / "voc-animals"), "--config", "benchmarks/voc-animals.yaml",
        "--weights", str(Path(root) / "weights" / "mobilenetv2_100-imagenet.safetensors"),
        "--cache", str(OUT / "cache"),
    )  # fmt: skip
    grid = ",".join(f"{method}:{value:g}" for method in GRID for value in GRID[method])
    search = Study("voc-linear", "Δ", (*photographs, *LINEAR, "--methods", grid, "--seeds", "1"))
    search.run()
    delta = best_delta(search.out)
    linear, whole = (
        Study(
            name,
            f"voc-animals, {name}",
            (*photographs, *protocol, *KAPPA, "--methods", methods, "--seeds", seeds),
        )
        for name, protocol, methods, seeds in (
            ("voc-linear", LINEAR, f"full,an,wan,role,{large(delta)}", "3"),
            ("voc-whole", WHOLE, f"full,an,role,{large(delta)}", "1"),
        )
    )
    recorded = recorded_studies(photographs, delta)
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(Study.run, (linear, whole, *recorded)))
    names = ["full", "an", "role", *(f"{method}-{value:g}" for method, value in delta.items())]
    groups = {
        title: [study.out / f"{name}-seed0" for name in names]
        for title, study in (("linear, 224 px", linear), ("end to end, 128 px", whole))
    }
    tagged = ["full", "an", "wan", f"ll-r-{delta['ll-r']:g}"]
    coco = Path(root) / "coco-mini"
    sections = [
        *(recorded_section(study.title, study.command, study.out) for study in recorded),
        tags_section(TAGS, linear.command, linear.out, tagged),
        pointing_section(POINTING, coco, OUT / "data" / "coco-mini", groups),
    ]
    for section in sections:
        put(PAGE, section.replace(root, "$LARGELOSS_DATA"))
    print(f"written: {PAGE}")


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


def large(delta: dict[str, float]) -> str:
    """The large-loss methods, with these Deltas."""
    return ",".join(f"{method}:{value:g}" for method, value in delta.items())


def best_delta(out: Path) -> dict[str, float]:
    """The Delta with the best val mAP, with seed 0, for each large-loss method."""
    return {
        method: max(deltas, key=lambda delta: result(out / f"{method}-{delta:g}-seed0")["val_map"])
        for method, deltas in GRID.items()
    }


if __name__ == "__main__":
    main()
