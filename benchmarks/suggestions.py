"""How well missing tags are found among the blank training entries.

python benchmarks/suggestions.py fashion|voc-animals --data DATA --cache FOLDER --out FOLDER

DATA is the folder that LARGELOSS_DATA names. Trains Naive AN on one positive per image (a linear
head on frozen features), three times with other kept tags, and prints a table for
docs/reference/results-labels.md. The learning rate is the best on val with seed 0. No test label
chooses anything; the truth of the training images measures.
"""

import argparse
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import average_precision_score

from largeloss.config import RunConfig, make_config
from largeloss.runs.data import RunData, open_data
from largeloss.runs.load import load
from largeloss.runs.ridge import STRENGTH, Ridge, Sums
from largeloss.runs.train import train
from largeloss.training.evaluation import evaluation_loader
from largeloss.training.recipe import Recipe

SHARED = {
    "data": {"observe": "single-positive"},
    "method": {"name": "an"},
    "training": {
        "protocol": "linear", "epochs": 25, "batch_size": 16, "optimizer": "adam",
        "precision": "fp32",
    },
}  # fmt: skip
NORMAL = {"mean": [0.5] * 3, "std": [0.5] * 3}
SETS: dict[str, dict[str, Any]] = {
    "fashion": {"model": {"backbone": "tf_efficientnet_lite2", "image_size": 260, **NORMAL}},
    "voc-animals": {
        "model": {
            "backbone": "mobilenetv2_100", "args": {"pad_type": "same"}, "image_size": 224, **NORMAL
        },
        "data": {
            "classes": ["bottle", "car", "cat", "chair", "cow", "dog", "horse", "person",
                        "pottedplant", "sheep", "sofa", "tvmonitor"]
        },
    },
}  # fmt: skip


RATES = (1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3)


def main() -> None:
    given = arguments()
    found: dict[str, list[list[float]]] = defaultdict(list)
    rate = chosen_rate(given)
    print(f"Learning rate, of {', '.join(f'{one:g}' for one in RATES)}: {rate:g}\n")
    for seed in range(3):
        settings = settings_of(given, seed, rate)
        data, out = open_data(settings), given.out / f"{given.name}-{seed}"
        train(settings, out, resume=(out / "config.yaml").exists(), data=data)
        features, logits = _predictions(out, data, given.out / f"{given.name}-features.npy")
        for title, scores in _rankings(features, logits, data).items():
            found[title].append(_measured(scores, data))
    print("| Ranked by | AP | Precision of 100 | Precision of 500 | AP within a class |")
    print("| :-- | --: | --: | --: | --: |")
    for title, values in found.items():
        cells = (
            f"{m:.1f} ± {s:.1f}"
            for m, s in zip(np.mean(values, 0), np.std(values, 0, ddof=1), strict=True)
        )
        print(f"| {title} | {' | '.join(cells)} |", flush=True)


def arguments() -> argparse.Namespace:
    """Which data, and the folders that hold it, the features and the runs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=SETS)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def chosen_rate(given: argparse.Namespace) -> float:
    """Of :data:`RATES`, that with the highest val mAP in the run with seed 0."""
    maps = {}
    for rate in RATES:
        settings, out = settings_of(given, 0, rate), given.out / f"{given.name}-rate-{rate:g}"
        result = train(settings, out, resume=(out / "config.yaml").exists())
        maps[rate] = result.val_figure
    return max(maps, key=lambda rate: maps[rate])


def settings_of(given: argparse.Namespace, seed: int, rate: float) -> RunConfig:
    """Of the run with ``seed``, which also draws the tags that are kept."""
    weights = (
        given.data / "weights" / f"{SETS[given.name]['model']['backbone']}-imagenet.safetensors"
    )
    own = {
        "data": {
            "path": str(given.data / given.name),
            "cache": str(given.cache),
            "observe_seed": 1200 + seed,
        },
        "model": {"weights": str(weights)},
        "training": {"seed": seed, "lr": rate},
    }
    return make_config([SHARED, SETS[given.name], own])


def _predictions(run: Path, data: RunData, kept: Path) -> tuple[Any, Any]:
    """Features (N, D) of the frozen backbone, kept for the next seed, and logits (N, C)."""
    network = load(run).network
    if not kept.is_file():
        with torch.no_grad(), network.scoring():
            batches = evaluation_loader(data.training, "train", Recipe())
            np.save(kept, torch.cat([network.features(batch.inputs) for batch in batches]).numpy())
    features = np.load(kept)
    with torch.no_grad():
        return features.astype(np.float64), network.logits(torch.from_numpy(features)).numpy()


def _rankings(features: Any, logits: Any, data: RunData) -> dict[str, Any]:
    tags = (data.training.labels.lookup(data.training.rows("train")) == 1).astype(np.float64)
    share = np.log(tags.mean(0) + 0.5 / len(tags))
    sums = Sums.of(features, tags)
    folds = np.random.default_rng(0).permutation(len(tags)) % 5
    outside = np.empty_like(tags)
    for fold in range(5):
        kept = folds != fold
        outside[~kept] = Ridge.fit(Sums.of(features[kept], tags[kept])).scores(features[~kept])
    found = {
        "`largeloss suggest`": Ridge.fit(sums).scores(features),
        "the same, out of five folds": outside,
        "logits of the run (in sample)": logits,
        "logits + ½ log(share tagged)": logits + share / 2,
        "share of images tagged": np.broadcast_to(share, tags.shape),
        "at random": np.random.default_rng(0).random(tags.shape),
    }
    for strength in (STRENGTH / 10, STRENGTH / 3, STRENGTH * 3):
        found[f"regression of strength {strength:g}"] = Ridge.fit(sums, strength).scores(features)
    for prior in (0.5, 1.0):
        found[f"regression, prior {prior:g}"] = Ridge.fit(sums, prior=prior).scores(features)
    return found


def _measured(scores: Any, data: RunData) -> list[float]:
    """AP, precision of the first 100 and 500, mean AP within a class: in percent."""
    rows = data.training.rows("train")
    blank = data.training.labels.lookup(rows) < 0
    truth = data.reference.labels.lookup(rows) == 1
    tags, values = truth[blank], scores[blank]
    shuffled = np.random.default_rng(1).permutation(len(tags))  # equal scores in random order
    first = shuffled[np.argsort(-values[shuffled], kind="stable")]
    columns = [(truth[b, c], scores[b, c]) for c, b in enumerate(blank.T) if truth[b, c].any()]
    within = np.mean([average_precision_score(*column) for column in columns])
    tops = (tags[first[:k]].mean() for k in (100, 500))
    return [100 * value for value in (average_precision_score(tags, values), *tops, within)]


if __name__ == "__main__":
    main()
