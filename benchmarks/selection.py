"""How much test mAP is lost where val is labelled in part: epochs and settings chosen by criteria.

python benchmarks/selection.py digits|fashion|voc-animals --data DATA --cache FOLDER --out FOLDER
    [--seeds N]

DATA is the folder that LARGELOSS_DATA names. Trains every setting with N seeds (5), which also draw
the one tag per image that is kept, on train and val; five in a hundred tags of train are hidden too
("planted misses"). Each run's predictions after every epoch are kept under --out, so that a command
that was stopped goes on. Then every criterion chooses (a) the epoch of each run and (b) the
epoch and the setting of each method and seed; printed is how much test mAP that has less than where
complete val labels chose by mAP: the mean over runs (a) or methods (b) of each seed, then the mean
over the seeds with its 95 % interval (t).
"""

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from criteria import Predictions, figures
from scipy.stats import t
from suggestions import RATES, SETS, SHARED

from largeloss.config import RunConfig, make_config
from largeloss.data import Dataset
from largeloss.presets import find_preset
from largeloss.runs.assemble import assemble
from largeloss.runs.data import RunData, open_data
from largeloss.runs.phases import head_on_features, whole_model
from largeloss.training.determinism import repeatable
from largeloss.training.engine import score
from largeloss.training.evaluation import Evaluators
from largeloss.training.fit import fit
from largeloss.training.listener import Listener
from largeloss.training.run_folder import RunFolder
from largeloss.training.start import start

COMPLETE, LAST = "complete labels, mAP", "the last epoch"
PLANTED = 0.05
"""Share of the tags of train."""
NEVER_STOPPED = {"training": {"stop_below": None}}


class Setting(NamedTuple):
    """What is chosen from."""

    method: str
    delta_rel: float | None
    lr: float


def _grid(rates: tuple[float, ...], *delta_rels: float) -> list[Setting]:
    plain = [Setting(method, None, lr) for method in ("an", "wan") for lr in RATES]
    return plain + [Setting("ll-r", delta, lr) for delta in delta_rels for lr in rates]


GRID = {
    "digits": [Setting("an", None, 1e-3), *(Setting("ll-r", d, 1e-3) for d in (1, 4))],
    "fashion": _grid((3e-6, 1e-5, 3e-5, 1e-4), 0.5, 2),
    "voc-animals": _grid((3e-6, 1e-5, 3e-5, 1e-4, 3e-4), 0.2, 0.5, 2),
}


@dataclass(frozen=True)
class Keeping(Evaluators):
    """Keeps the predictions for every split after every epoch."""

    kept: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))

    def measured(self, model: Any, batches: Mapping[str, Any]) -> dict[str, float | None]:
        """Nothing: all epochs are trained, and criteria choose afterwards."""
        for split in ("train", "val", "test"):
            self.kept[split].append(score(model, batches[split]).logits.numpy())
        return {"val_map": 0.0}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=GRID)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    found = {seed: dict(_of_seed(given, seed)) for seed in range(given.seeds)}
    num_runs, methods = sum(map(len, found.values())), {one.method for one in GRID[given.name]}
    print(f"\n{given.name}: {num_runs} runs, {given.seeds} seeds, {len(methods)} methods\n")
    print("| Chosen by | Epoch | Epoch and setting |\n| :-- | --: | --: |")
    for name in next(iter(found[0].values())):
        if name != "test":
            choices = (_epochs,) if name == LAST else (_epochs, _settings)
            cells = [_lost(found, name, choose) for choose in choices]
            print(f"| {name} | {' | '.join([*cells, ''][:2])} |")


def _of_seed(given: argparse.Namespace, seed: int) -> Iterator[tuple[Setting, dict[str, Any]]]:
    """Every setting with its figures after each epoch, by criterion."""
    data = None
    for setting in GRID[given.name]:
        method, delta, lr = setting
        path = given.out / f"{given.name}-{seed}-{method}-{delta}-{lr:g}.npz"
        if not path.exists():
            settings = _run_settings(given, seed, setting)
            data = data or open_data(settings)
            np.savez(path, **_trained(settings, data, seed))
            print(path.stem, flush=True)
        with np.load(path) as kept:
            yield setting, figures(Predictions(**kept))


def _run_settings(given: argparse.Namespace, seed: int, setting: Setting) -> RunConfig:
    own: dict[str, Any] = {
        "data": {"observe_seed": 1200 + seed},
        "training": {"seed": seed, "lr": setting.lr},
        "method": {"name": setting.method},
    }
    if setting.delta_rel is not None:
        own["method"]["delta_rel"] = setting.delta_rel
    if given.name == "digits":
        return make_config([find_preset("digits", setting.method).settings, own])
    weights = given.data / "weights" / f"{SETS[given.name]['model']['backbone']}-imagenet"
    own["data"] |= {"path": str(given.data / given.name), "cache": str(given.cache)}
    own["model"] = {"weights": f"{weights}.safetensors"}
    return make_config([SHARED, NEVER_STOPPED, SETS[given.name], own])


def _trained(settings: RunConfig, data: RunData, seed: int) -> dict[str, Any]:
    """What is kept of a run."""
    shown, planted = _with_planted(data.training, seed)
    run = assemble(settings, RunData(shown, data.reference))
    evaluators = Keeping(run.evaluators.val, run.evaluators.test)
    run = replace(run, evaluators=evaluators)
    with (
        tempfile.TemporaryDirectory() as folder,
        RunFolder(Path(folder, "run")) as kept,
        repeatable(),
    ):
        phase = whole_model(run, kept, start())
        if run.settings.training.protocol == "linear":
            phase = head_on_features(phase, run.settings, Listener())
        fit(phase, torch.device("cpu"))
    rows = {split: data.reference.rows(split) for split in evaluators.kept}
    return {
        **{split: np.stack(logits) for split, logits in evaluators.kept.items()},
        **{f"{split}_truth": data.reference.labels.lookup(rows[split]) for split in rows},
        **{f"{split}_shown": shown.labels.lookup(rows[split]) for split in ("train", "val")},
        "planted": planted,
    }


def _with_planted(data: Dataset, seed: int) -> tuple[Dataset, Any]:
    """``data`` with some tags of train hidden, and where: (2, P), positions among train's rows."""
    entries, train = data.labels.entries(), data.rows("train")
    tags = np.flatnonzero(np.isin(entries.rows, train) & (entries.states == 1))
    stream = np.random.default_rng(seed)
    hidden = np.sort(stream.choice(tags, round(PLANTED * len(tags)), replace=False))
    rows, columns = entries.rows[hidden], entries.columns[hidden]
    labels = data.labels.replace(rows, columns, np.full(len(hidden), -1))
    return replace(data, labels=labels), np.stack([np.searchsorted(train, rows), columns])


def _epochs(runs: Mapping[Setting, Any], name: str) -> list[float]:
    """Test mAP of each run in the epoch that a criterion chooses."""
    return [run["test"][run[name].argmax()] for run in runs.values()]


def _settings(runs: Mapping[Setting, Any], name: str) -> list[float]:
    """Test mAP of each method in the run and epoch that a criterion chooses."""
    best = []
    for method in sorted({setting.method for setting in runs}):
        own = [run for setting, run in runs.items() if setting.method == method]
        run = max(own, key=lambda run: run[name].max())
        best.append(run["test"][run[name].argmax()])
    return best


def _lost(found: Mapping[int, Any], name: str, choose: Any) -> str:
    """Mean loss over the seeds and half the width of its interval, in points of mAP."""
    pairs = [(choose(runs, COMPLETE), choose(runs, name)) for runs in found.values()]
    lost = [np.mean(best) - np.mean(chosen) for best, chosen in pairs]
    width = t.ppf(0.975, len(lost) - 1) * np.std(lost, ddof=1) / np.sqrt(len(lost))
    return f"{np.mean(lost):.2f} ± {width:.2f}"


if __name__ == "__main__":
    main()
