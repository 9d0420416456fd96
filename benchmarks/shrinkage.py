"""How strongly thresholds of few positives should be shrunk: F1 on one half of val by the other.

Prints, for each weight of the common threshold, the precision, recall and F1 of the tags over all
entries, and the mean of the classes' F1; means over runs and twenty halvings of val.

    python benchmarks/shrinkage.py runs/results/voc-linear/{an,ll-r-0.5,wan}-seed{0,1,2}
"""

import sys
from pathlib import Path

import numpy as np

from largeloss.metrics import shrunk_thresholds, tag_counts, thresholds
from largeloss.runs.opened import open_run
from largeloss.training.engine import score

PRIORS: tuple[float, ...] = (1e-9, 5, 10, 20, 50, 100, 1e9)
HALVINGS = 20


def main() -> None:
    """Measures all runs, prints one line a weight."""
    found: dict[float, list[tuple[float, ...]]] = {prior: [] for prior in PRIORS}
    for folder in map(Path, sys.argv[1:]):
        opened = open_run(folder, split="val")
        scores = score(opened.model.network, opened.loader("val")).logits.numpy()
        labels = opened.dataset.labels.select(opened.dataset.rows("val")).to_dense()
        for halving in range(HALVINGS):
            rows = np.random.default_rng(halving).permutation(len(labels))
            one, other = rows[: len(rows) // 2], rows[len(rows) // 2 :]
            for prior in PRIORS:
                thresholds.PRIOR = prior
                limits = shrunk_thresholds(scores[one], labels[one])
                counts = tag_counts(scores[other], labels[other], limits)
                hits, tagged, present = (
                    int(numbers.sum())
                    for numbers in (counts.hits, counts.predicted, counts.positives)
                )
                by_class = 2 * counts.hits / np.maximum(counts.predicted + counts.positives, 1)
                overall = 2 * hits / (tagged + present)
                found[prior].append(
                    (hits / max(tagged, 1), hits / present, overall, by_class.mean())
                )
    for prior, values in found.items():
        precision, recall, overall, classes = 100 * np.mean(values, axis=0)
        print(
            f"prior {prior:>6g}: precision {precision:.1f}, recall {recall:.1f}, F1 {overall:.1f}, "
            f"mean of the classes' F1 {classes:.1f}"
        )


if __name__ == "__main__":
    main()
