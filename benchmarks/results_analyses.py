"""Memorisation, corrections and pointing of finished runs, for the page of ``make results``."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from results_page import spread

from largeloss.losses import LOSSES, title_of

KINDS = ("TP", "TN", "FN")
PRECISION_RECALL = ("precision", "recall")


def result(run: Path) -> dict[str, Any]:
    """A finished run's ``result.json``."""
    found: dict[str, Any] = json.loads((run / "result.json").read_text(encoding="utf-8"))
    return found


def largeloss(*arguments: str) -> str:
    """Runs a command; returns the command line."""
    subprocess.run(
        [sys.executable, "-m", "largeloss", *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    return shlex.join(["largeloss", *arguments])


def recorded_section(title: str, command: str, out: Path) -> str:
    """The analyses of a comparison's recorded runs: memorisation and corrections."""
    order = list(LOSSES)
    runs = [path.parent for path in out.glob("*-seed0/result.json")]
    runs.sort(key=lambda run: order.index(result(run)["method"]))
    flagging = [run for run in runs if not run.name.startswith(("an-", "full-"))]
    commands = [
        command,
        largeloss("analyze", "memorization", *map(str, runs)),
        largeloss("analyze", "corrections", *map(str, flagging)),
    ]
    lines = [
        f"## {title}",
        "",
        "| Method | Highest loss in | TP (%) | TN (%) | FN (%) |",
        "| :-- | :-- | --: | --: | --: |",
    ]
    for run in runs:
        found = analysis(run, "memorization")
        for phase in ("warm-up", "regular"):
            cells = (f"{found[kind][phase]:.1f}" for kind in KINDS)
            name = title_of(found["method"]) if phase == "warm-up" else ""
            lines.append(f"| {name} | {phase} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "| Method | Flagged, last epoch | Precision (%) | Recall (%) | Precision, epoch 1 (%) |",
        "| :-- | --: | --: | --: | --: |",
    ]
    for run in flagging:
        found = analysis(run, "corrections")
        first, last = found["epochs"][1], found["epochs"][-1]
        shares = (last["precision"], last["recall"], first["precision"])
        cells = ("–" if share is None else f"{100 * share:.1f}" for share in shares)
        name, flagged = title_of(found["method"]), f"{last['flagged']:,}"
        lines.append("| " + " | ".join((name, flagged, *cells)) + " |")
    return "\n".join([*lines, "", "```", *commands, "```", ""])


def tags_section(title: str, command: str, out: Path, methods: Sequence[str]) -> str:
    """The tags of ``predict`` on test: of all seeds together, and by class with seed 0 of the last
    method."""
    lines = [
        f"## {title}",
        "",
        "| Method | Precision (%) | Recall (%) |",
        "| :-- | --: | --: |",
    ]
    for method in methods:
        found = [result(path.parent) for path in sorted(out.glob(f"{method}-seed*/result.json"))]
        cells = (spread([run[f"test_tag_{name}"] for run in found], 1) for name in PRECISION_RECALL)
        lines.append(f"| {title_of(found[0]['method'])} | " + " | ".join(cells) + " |")
    run, figures = out / f"{methods[-1]}-seed0", out / "tags.json"
    commands = [command, largeloss("evaluate", str(run), "--out", str(figures))]
    measured = json.loads(figures.read_text(encoding="utf-8"))
    rules = json.loads((run / "best/config.json").read_text(encoding="utf-8"))["thresholds"]
    lines += [
        "",
        f"By class, {run.name}:",
        "",
        "| Class | Val positives | Threshold | Precision (%) | Recall (%) |",
        "| :-- | --: | --: | --: | --: |",
    ]
    for name, rule in rules.items():
        shares = (measured["class_precision"][name], measured["class_recall"][name])
        cells = ("–" if share is None else f"{100 * share:.1f}" for share in shares)
        limit = "never" if rule["probability"] is None else f"{rule['probability']:.2f}"
        lines.append(f"| {name} | {rule['positives']} | {limit} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", "```", *commands, "```", ""])


def pointing_section(
    title: str, coco: Path, data: Path, groups: Mapping[str, Sequence[Path]]
) -> str:
    """The pointing game on ``coco``, imported into ``data``; two columns for each group of runs."""
    commands = []
    if not (data / "labels.parquet").is_file():
        largeloss("data", "import", "coco2017", str(coco), "--out", str(data))
    commands.append(f"largeloss data import coco2017 {coco} --out {data}")
    tables: dict[str, dict[str, Any]] = {}
    for name, runs in groups.items():
        commands.append(
            largeloss("analyze", "pointing", *map(str, runs), "--data", str(data), "--split", "all")
        )
        tables[name] = {run.name.split("-seed")[0]: analysis(run, "pointing") for run in runs}
    every = [found for table in tables.values() for found in table.values()]
    first = every[0]
    fewest, most = (pick(found["num_pairs"] for found in every) for pick in (min, max))
    titles = "".join(f" {name}: micro (%) | macro (%) |" for name in tables)
    lines = [
        f"## {title}",
        "",
        f"| Method |{titles}",
        "| :-- |" + " --: | --: |" * len(tables),
    ]
    rows: dict[str, list[str]] = {}
    for table in tables.values():
        for found in table.values():
            rows.setdefault(title_of(found["method"]), []).append(
                f"{found['accuracy']:.1f} | {found['mean_accuracy']:.1f}"
            )
    lines += [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows.items()]
    lines += [
        "",
        f"{fewest} to {most} pairs of {len(first['classes'])} classes (without pairs whose maximum "
        "lies only in a box around a crowd); always pointing at the image centre gives "
        f"{first['centre_accuracy']:.1f} %. Published, ResNet-50 at 448 pixels "
        "(VOC 2012 / COCO 2014): Naive AN 78.9 / 46.4, ROLE 82.5 / 51.5, LL-R 83.7 / 54.0, LL-Ct "
        "83.7 / 54.1, LL-Cp 83.5 / 53.3.",
    ]
    return "\n".join([*lines, "", "```", *commands, "```", ""])


def analysis(run: Path, name: str) -> dict[str, Any]:
    """Content of a file that ``largeloss analyze`` wrote."""
    found: dict[str, Any] = json.loads((run / "analysis" / f"{name}.json").read_text("utf-8"))
    return found
