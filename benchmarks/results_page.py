"""The page that ``make results`` writes: tables of finished runs, with their commands."""

import json
import re
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from largeloss.experiments.results import ComparedRun, Comparison
from largeloss.labels import read_labels
from largeloss.losses import title_of
from largeloss.metrics import example_average_precision
from largeloss.report.tables import comparison_markdown
from largeloss.runs.result import RunResult

PUBLISHED = {
    "Yeast": {"an": 0.531, "wan": 0.698, "epr": 0.710, "role": 0.711, "ll-r": 0.658,
              "ll-cp": 0.700},
    "Scene": {"an": 0.580, "role": 0.700, "ll-r": 0.714, "ll-cp": 0.735},
}  # fmt: skip
HERE = Path(__file__).parent


def result(run: Path) -> dict[str, Any]:
    """A finished run's ``result.json``."""
    found: dict[str, Any] = json.loads((run / "result.json").read_text(encoding="utf-8"))
    return found


def section(title: str, command: str, out: Path, num_runs: int) -> str:
    """A study on images: the table that ``largeloss compare`` prints."""
    runs = finished_runs(out, command)
    lines = [f"## {title}", "", comparison_markdown(Comparison.of(runs))]
    if len(runs) < num_runs:
        lines += [f"Not finished: {len(runs)} of {num_runs} runs.", ""]
    for first, second, ratio in cache_lines(out / "log.txt"):
        lines += [
            f"The first run extracted the features in {first} s; the next read them from the cache "
            f"in {second} s, {ratio} times as fast.",
            "",
        ]
    return "\n".join([*lines, f"```\n{command}\n```", ""])


def finished_runs(out: Path, command: str) -> list[ComparedRun]:
    """The finished runs of a comparison, in the order of its command."""
    words = command.split()
    methods = words[words.index("--methods") + 1].split(",")
    found = []
    for seed in range(int(words[words.index("--seeds") + 1])):
        for method in methods:
            kind, _, delta = method.partition(":")
            folder = out / f"{kind}{'-' if delta else ''}{delta}-seed{seed}"
            if (folder / "result.json").is_file():
                found.append(ComparedRun.of(RunResult.read(folder)))
    return found


def cache_lines(log: Path) -> list[tuple[str, str, str]]:
    """(seconds of extraction, seconds of reading, ratio) of the first run that used the cache."""
    found = re.search(
        r"read from \S+ in ([\d.]+) s; extracting them took ([\d.]+) s, (\d+) times",
        log.read_text(encoding="utf-8") if log.is_file() else "",
    )
    return [(found[2], found[1], found[3])] if found else []


def tabular_section(name: str, command: str, outs: Sequence[Path], data: Sequence[Path]) -> str:
    """A data set of features: means over seeds, compared with published values."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for out in outs:
        if not (out / "table.md").is_file():
            continue  # not finished; the title states the number of seeds
        for run in json.loads((out / "results.json").read_text(encoding="utf-8"))["runs"]:
            folder = run["method"]
            if run["delta_rel"] is not None:
                folder += f"-{run['delta_rel']:g}"
            runs.setdefault(run["method"], []).append(result(out / f"{folder}-seed{run['seed']}"))
    num_seeds = len(runs["an"])
    lines = [
        f"## {name}, one positive an instance, {num_seeds} seeds",
        "",
        "| Method | Δ | AP by example | Published | mAP by class (%) |",
        "| :-- | --: | --: | --: | --: |",
    ]
    for method, results in runs.items():
        delta = results[0]["delta_rel"]
        published = PUBLISHED[name].get(method)
        cells = (
            title_of(method),
            "" if delta is None else f"{delta:g} %",
            spread([r["test_example_ap"] for r in results], 3),
            "" if published is None else f"{published:.3f}",
            spread([r["test_map"] for r in results], 1),
        )
        lines.append("| " + " | ".join(cells) + " |")
    prior, chance = (
        statistics.fmean(values) for values in zip(*map(uninformed, data), strict=True)
    )
    lines += [
        "",
        f"AP by example of a ranking by class frequency: {prior:.3f}; of a random ranking: "
        f"{chance:.3f}.",
    ]
    return "\n".join([*lines, "", f"```\n{command}\n```", ""])


def uninformed(data: Path) -> tuple[float, float]:
    """AP by example on test of two rankings without features: class frequency, and random."""
    file = read_labels(data / "labels.csv")
    splits = np.asarray(file.splits)
    labels = file.table.to_dense()
    test = labels[splits == "test"]
    frequency = np.broadcast_to(labels[splits == "train"].mean(axis=0), test.shape)
    noise = np.random.default_rng(0).normal(size=test.shape)
    return example_average_precision(frequency, test), example_average_precision(noise, test)


def spread(values: Sequence[float], decimals: int) -> str:
    """Mean ± sample standard deviation."""
    return f"{statistics.fmean(values):.{decimals}f} ± {statistics.stdev(values):.{decimals}f}"


def page(sections: Sequence[str]) -> str:
    """The page: the text of ``results_words.md``, the measured sections, and the one of
    ``results_suggestions.md``, whose tables ``suggestions.py`` printed."""
    words, suggestions = (
        (HERE / f"results_{name}.md").read_text(encoding="utf-8")
        for name in ("words", "suggestions")
    )
    return words.rstrip() + "\n\n" + "\n".join([*sections, suggestions])
