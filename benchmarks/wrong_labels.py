"""How well observed labels that are wrong are found: ``largeloss suggest --wrong`` on real data.

python benchmarks/wrong_labels.py fashion|voc-animals --data DATA --out FOLDER

FOLDER is the --out of benchmarks/suggestions.py, which keeps the features of the frozen backbone
there. 30 % of the training entries are observed, and one in twenty of these is turned round, among
present and absent ones alike. Prints a table for docs/reference/results-labels.md: five draws,
mean and standard deviation.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from suggestions import SETS, SHARED

from largeloss.config import make_config
from largeloss.runs.data import open_data
from largeloss.runs.ridge import Ridge, Sums

WRONG = 0.05
SEEDS = 5


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=SETS)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    features = np.load(given.out / f"{given.name}-features.npy").astype(np.float64)
    source = {"data": {"path": str(given.data / given.name), "observe": "fraction=0.3"}}
    settings = make_config([SHARED, SETS[given.name], source])
    print("| Observed labels | Wrong among them | AP | Precision of 100 | Wrong found in a tenth |")
    print("| :-- | --: | --: | --: | --: |")
    found: dict[str, list[list[float]]] = {"present": [], "absent": [], "all": []}
    for seed in range(SEEDS):
        data = open_data(settings.with_values(data={"observe_seed": 1200 + seed}))
        states = data.training.labels.lookup(data.training.rows("train"))
        turned = (np.random.default_rng(seed).random(states.shape) < WRONG) & (states >= 0)
        states = np.where(turned, 1 - states, states)
        ridge = Ridge.fit(Sums.of(features, (states == 1).astype(np.float64)))
        counts = (states == 1).sum(0), (states == 0).sum(0)
        odds = ridge.log_odds(ridge.scores(features), *counts)
        scores = np.where(states == 1, -odds, odds)  # as runs/suggestions.py ranks them
        for title, chosen in (
            ("present", states == 1), ("absent", states == 0), ("all", states >= 0)
        ):  # fmt: skip
            found[title].append(_measured(turned[chosen], scores[chosen]))
    for title, values in found.items():
        cells = (
            f"{m:.1f} ± {s:.1f}"
            for m, s in zip(np.mean(values, 0), np.std(values, 0, ddof=1), strict=True)
        )
        print(f"| {title} | {' | '.join(cells)} |")


def _measured(wrong: NDArray[np.bool_], scores: NDArray[np.float64]) -> list[float]:
    """Share that is wrong, AP, precision of the first 100, recall of a first tenth: percent."""
    order = np.argsort(-scores, kind="stable")
    tenth = order[: len(order) // 10]
    values = (
        wrong.mean(),
        average_precision_score(wrong, scores),
        wrong[order[:100]].mean(),
        wrong[tenth].sum() / wrong.sum(),
    )
    return [100 * float(value) for value in values]


if __name__ == "__main__":
    main()
