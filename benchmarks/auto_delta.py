"""How good Δ auto is: its estimate, its constants, and what it loses against a searched Δ.

python benchmarks/auto_delta.py estimate|constants|paired digits|voc-animals|fashion --data DATA
    --cache FOLDER --out FOLDER [--seeds N] [--augment light] [--method ll-ct]

DATA is the folder that LARGELOSS_DATA names. One positive per image; digit scenes end to end, the
others as linear heads on frozen features (those of benchmarks/suggestions.py). The seed draws the
tags that are kept, too. No test label chooses anything: Δ is searched on val with seed 0. Finished
runs are not repeated.

estimate   the best-bin bound against the true share of missing tags, epoch by epoch
constants  the share that is told, PACE and REACHED of losses/auto_delta.py
paired     Δ auto less the best Δ of the search, over the seeds, with a 95 % interval; "PACE alone"
           goes to the estimate as if the number of epochs was not known
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import stats
from suggestions import SETS, SHARED

from largeloss.config import RunConfig, make_config
from largeloss.labels.estimate import missing_share
from largeloss.losses import AssumeNegative, auto_delta
from largeloss.losses.class_priors import BINS, count_bins
from largeloss.objective import Objective
from largeloss.presets import find_preset
from largeloss.runs.assemble import assemble
from largeloss.runs.data import RunData, open_data
from largeloss.runs.phases import head_on_features, whole_model
from largeloss.runs.result import RunResult
from largeloss.runs.train import train
from largeloss.training.engine import score_batches, train_epoch
from largeloss.training.evaluation import evaluation_loader
from largeloss.training.fit import training_loader
from largeloss.training.listener import Listener
from largeloss.training.recipe import make_optimizer
from largeloss.training.run_folder import RunFolder
from largeloss.training.start import start
from largeloss.training.updates import Updates

SEARCHED = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0)
FACTORS = (0.5, 1.0, 1.7)
PACES = (0.005, 0.01, 0.015, 0.05)
REACHES = (0.25, 0.5, 0.75, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("what", choices=("estimate", "constants", "paired"))
    parser.add_argument("name", choices=("digits", *SETS))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--augment", default="none")
    parser.add_argument("--method", choices=("ll-r", "ll-ct", "ll-cp"), default="ll-r")
    given = parser.parse_args()
    {"estimate": estimate, "constants": constants, "paired": paired}[given.what](given)


def settings_of(given: argparse.Namespace, seed: int, method: dict[str, Any]) -> RunConfig:
    """Of a run with ``seed``, which also draws the tags that are kept."""
    own: dict[str, Any] = {
        "data": {"observe": "single-positive", "observe_seed": 1200 + seed},
        "training": {"seed": seed},
        "method": method,
    }
    if given.augment != "none":
        own["training"]["augment"] = given.augment
    if given.name == "digits":
        return make_config([find_preset("digits", "an").settings, own])
    backbone = SETS[given.name]["model"]["backbone"]
    own["data"] |= {"path": str(given.data / given.name), "cache": str(given.cache)}
    own["training"] |= {"lr": 1e-4, "stop_below": None}
    own["model"] = {"weights": str(given.data / "weights" / f"{backbone}-imagenet.safetensors")}
    return make_config([SHARED, SETS[given.name], own])


def missing_percent(data: RunData) -> float:
    """The true share of the unobserved training entries that are present."""
    rows = data.training.rows("train")
    blank = data.training.labels.lookup(rows) < 0
    return float(100 * (data.reference.labels.lookup(rows)[blank] == 1).mean())


def result(given: argparse.Namespace, seed: int, method: dict[str, Any], name: str) -> RunResult:
    """Of a run, trained where it is missing."""
    own = "" if given.method == "ll-r" or name == "an" else f"{given.method}-"
    out = given.out / f"{given.name}-{given.augment}-{own}{name}-{seed}"
    return train(settings_of(given, seed, method), out, resume=(out / "config.yaml").exists())


def estimate(given: argparse.Namespace) -> None:
    """Naive AN, of which the training steps and then the model after the epoch are counted."""
    print("| Seed | Epoch | Bound by its training steps | ÷ true | In sample after it | ÷ true |")
    print("| :-- | --: | --: | --: | --: | --: |")
    for seed in range(given.seeds):
        device, settings = start(), settings_of(given, seed, {"name": "an"})
        data = open_data(settings)
        run, truth = assemble(settings, data), missing_percent(data)
        phase = whole_model(run, RunFolder(given.out / "nothing"), device)
        if run.settings.training.protocol == "linear":
            phase = head_on_features(phase, run.settings, Listener())
        counting = Counting(data.training.labels.num_classes)
        phase = replace(phase, criterion=counting)
        objective = Objective(phase.model, counting)
        optimizer, loader = (
            make_optimizer(objective, phase.recipe),
            training_loader(phase.data, phase.recipe, device),
        )
        scored = evaluation_loader(phase.data, "train", phase.recipe, device)
        labels = data.training.labels
        for epoch in range(auto_delta.EPOCHS):
            loader.set_epoch(epoch)
            for _ in train_epoch(objective, loader, Updates(optimizer)):
                pass
            steps = counting.bound()
            for scores in score_batches(phase.model, scored):
                counting.count(scores.logits, torch.from_numpy(labels.lookup(scores.rows.numpy())))
            after = counting.bound()
            cells = (f"{v:.1f} | {v / truth:.2f}" for v in (steps, after))
            print(f"| {seed} ({truth:.1f} % missing) | {epoch} | {' | '.join(cells)} |", flush=True)


class Counting(AssumeNegative):
    """Naive AN that counts the logits of its training steps."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.counts = torch.zeros((2, num_classes, BINS), dtype=torch.int64)

    def penalty(self, logits: Any, labels: Any, context: Any) -> None:
        self.count(logits.detach(), labels)

    def count(self, logits: Any, labels: Any) -> None:
        """Adds a batch."""
        count_bins(self.counts, logits, (labels != 0, labels == 1))

    def bound(self) -> float:
        """Percent of the unobserved entries, of what was counted since the last call."""
        counts = self.counts.numpy().copy()
        self.counts.zero_()
        return 100 * missing_share(*counts)


def constants(given: argparse.Namespace) -> None:
    """Val mAP (what chooses) and test mAP by the share that is told, and by the pace."""
    usual = auto_delta.PACE, auto_delta.REACHED
    tried: list[tuple[float | None, float, float]] = [
        *((factor, *usual) for factor in FACTORS),
        *((None, pace, 0.0) for pace in PACES),
        *((None, usual[0], reached) for reached in REACHES),
    ]
    print("| Share | Points an epoch, at most | Reached by | Val mAP | Test mAP | Last epoch |")
    print("| :-- | --: | --: | --: | --: | --: |")
    for factor, pace, reached in tried:
        found = []
        for seed in range(given.seeds):
            method: dict[str, Any] = {"name": given.method, "delta_rel": "auto"}
            if factor is not None:
                data = open_data(settings_of(given, seed, method))
                method["missing"] = min(100.0, factor * missing_percent(data))
            with going(pace, reached):
                run = result(given, seed, method, f"share-{factor}-{pace:g}-{reached:g}")
            found.append([run.val_figure, run.test_map, run.last_test_map])
        share = "estimated" if factor is None else f"true × {factor:g}"
        cells = (f"{value:.2f}" for value in np.mean(found, axis=0))
        print(f"| {share} | {100 * pace:g} | {reached:g} | {' | '.join(cells)} |", flush=True)


@contextmanager
def going(pace: float, reached: float) -> Iterator[None]:
    """Other constants for the trainings inside."""
    usual = auto_delta.PACE, auto_delta.REACHED
    auto_delta.PACE, auto_delta.REACHED = pace, reached
    try:
        yield
    finally:
        auto_delta.PACE, auto_delta.REACHED = usual


def paired(given: argparse.Namespace) -> None:
    """Each seed's test mAP with Δ auto less that with the Δ that val has chosen with seed 0."""

    def searched(seed: int, delta: float) -> RunResult:
        return result(given, seed, {"name": given.method, "delta_rel": delta}, f"delta-{delta:g}")

    val = {delta: searched(0, delta).val_figure for delta in SEARCHED}
    best = max(val, key=lambda delta: val[delta])
    print(f"Val mAP by Δ, seed 0: {', '.join(f'{d:g}: {v:.1f}' for d, v in val.items())}\n")
    names = ("Naive AN", f"Δ {best:g}", "auto", "true", "PACE alone")
    rows: dict[str, list[float]] = {name: [] for name in names}
    estimated = []
    for seed in range(given.seeds):
        truth = missing_percent(open_data(settings_of(given, seed, {"name": "an"})))
        auto = {"name": given.method, "delta_rel": "auto"}
        flags = result(given, seed, auto, "auto")
        with going(auto_delta.PACE, reached=0):
            alone = result(given, seed, auto, "auto-pace")
        runs = (
            result(given, seed, {"name": "an"}, "an"),
            searched(seed, best),
            flags,
            result(given, seed, auto | {"missing": truth}, "auto-true"),
            alone,
        )
        estimated.append(f"{flags.estimated['missing_percent']:.1f} of {truth:.1f}")
        for name, run in zip(rows, runs, strict=True):
            rows[name].append(run.test_map)
    print("| Δ | Test mAP | Less the best Δ | 95 % interval |")
    print("| :-- | --: | --: | --: |")
    for name, values in rows.items():
        less = np.subtract(values, rows[f"Δ {best:g}"])
        half = stats.t.ppf(0.975, len(less) - 1) * stats.sem(less)
        shown = f"{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f} | {less.mean():+.2f}"
        print(f"| {name} | {shown} | {less.mean() - half:+.2f} to {less.mean() + half:+.2f} |")
    print(f"\nEstimated, percent of the unobserved entries: {', '.join(estimated)}")


if __name__ == "__main__":
    main()
