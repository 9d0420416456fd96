r"""Which calibration fits best: on one half of val, measured on the other. No test label is used.

Prints the expected calibration error, Brier score and log loss of every candidate, and what the
aims of ``largeloss thresholds`` come to; means over runs and twenty halvings of val.

    python benchmarks/calibration.py RUN...

The runs of docs/contributing/decisions.md, with D=$LARGELOSS_DATA, and --method ll-r
--delta-rel 0.5 likewise:

    largeloss train $D/voc-animals --config benchmarks/voc-animals.yaml --protocol linear \
        --image-size 224 --epochs 25 --method an --out voc-an \
        --weights $D/weights/mobilenetv2_100-imagenet.safetensors
    largeloss train $D/fashion --set data.observe=single-positive --protocol linear \
        --image-size 260 --epochs 25 --lr 1e-4 --batch-size 16 --method an --out fashion-an \
        --weights $D/weights/tf_efficientnet_lite2-imagenet.safetensors --precision fp32 \
        --set model.backbone=tf_efficientnet_lite2 --set 'model.mean=[0.5,0.5,0.5]' \
        --set 'model.std=[0.5,0.5,0.5]'
"""

import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from largeloss.metrics import tag_counts
from largeloss.metrics.aims import Aim
from largeloss.metrics.calibration import fit_calibration, measured_reliability
from largeloss.metrics.thresholds import aimed_thresholds_entries, observed_entries
from largeloss.runs.opened import open_run
from largeloss.training.engine import score

HALVINGS = 20
AIMS = ("f1", "precision=0.9", "precision=0.7", "recall=0.8")
Apply = Callable[[Any], Any]
"""Calibrated logits (N, C) of logits (N, C)."""


def main() -> None:
    """Measures all runs; two tables."""
    errors: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    aimed: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for folder in map(Path, sys.argv[1:]):
        opened = open_run(folder, split="val")
        scores = score(opened.model.network, opened.loader("val")).logits.double().numpy()
        labels = opened.dataset.labels.select(opened.dataset.rows("val")).to_dense()
        for halving in range(HALVINGS):
            rows = np.random.default_rng(halving).permutation(len(labels))
            one, other = rows[: len(rows) // 2], rows[len(rows) // 2 :]
            for name, apply in _candidates(scores[one], labels[one]).items():
                values, states, _ = observed_entries(apply(scores[other]), labels[other])
                found = measured_reliability(values.astype(np.float64), states)
                errors[name].append((100 * found.expected_error, found.brier, found.log_loss))
            line = fit_calibration(*observed_entries(scores[one], labels[one]), scores.shape[1])
            for what, drawn in (("network", scores), ("calibrated", line.apply(scores))):
                entries = observed_entries(drawn[one], labels[one])
                for aim in AIMS:
                    limits = aimed_thresholds_entries(*entries, labels.shape[1], Aim.parse(aim))
                    aimed[f"{aim} | {what}"].append(
                        _tags(drawn[other], labels[other], limits.thresholds)
                    )
    print("| Calibration | Expected error (points) | Brier | Log loss |\n| :-- | --: | --: | --: |")
    for name, measured in errors.items():
        ece, brier, loss = np.mean(measured, axis=0)
        print(f"| {name} | {ece:.1f} | {brier:.4f} | {loss:.4f} |")
    print("\n| Aim | Thresholds drawn together on logits | Precision | Recall | Recall by class |")
    print("| :-- | :-- | --: | --: | --: |")
    for name, tags in aimed.items():
        print(f"| {name} | {' | '.join(f'{value:.1f}' for value in np.mean(tags, axis=0))} |")


def _candidates(scores: Any, labels: Any) -> dict[str, Apply]:
    entries = observed_entries(scores, labels)
    num_classes = scores.shape[1]

    whole = np.zeros_like(entries[2])
    one_line = fit_calibration(entries[0], entries[1], whole, 1)
    lines = fit_calibration(*entries, num_classes)
    positives = np.bincount(entries[2][entries[1] == 1], minlength=num_classes)

    def drawn(prior: float) -> Apply:
        weights = positives / (positives + prior)
        return lambda logits: weights * lines.apply(logits) + (1 - weights) * one_line.apply(logits)

    common = _temperature(*entries[:2])
    by_class = np.array(
        [
            _temperature(entries[0][mine], entries[1][mine]) or common
            for mine in (entries[2] == column for column in range(num_classes))
        ]
    )
    steps = [
        IsotonicRegression(y_min=1e-6, y_max=1 - 1e-6, out_of_bounds="clip").fit(
            entries[0][mine], entries[1][mine]
        )
        for mine in (entries[2] == column for column in range(num_classes))
    ]

    def isotonic(logits: Any) -> Any:
        shares = np.stack([step.predict(logits[:, c]) for c, step in enumerate(steps)], 1)
        return np.log(shares) - np.log1p(-shares)

    return {
        "none": lambda logits: logits,
        "one temperature": lambda logits: logits * common,
        "a temperature by class": lambda logits: logits * by_class,
        "one line": one_line.apply,
        "a line by class": lines.apply,
        "a line by class, drawn to one line by 5": drawn(5),
        "… by 20": drawn(20),
        "… by 50": drawn(50),
        "isotonic by class (ties ranks)": isotonic,
    }


def _temperature(scores: Any, labels: Any) -> float | None:
    if not 0 < (labels == 1).sum() < len(labels):
        return None
    fitted = LogisticRegression(fit_intercept=False, max_iter=1000).fit(scores[:, None], labels)
    return max(1e-3, float(fitted.coef_[0, 0]))


def _tags(scores: Any, labels: Any, limits: Any) -> tuple[float, ...]:
    counts = tag_counts(scores, labels, limits)
    hits, tagged, present = (
        int(numbers.sum()) for numbers in (counts.hits, counts.predicted, counts.positives)
    )
    return 100 * hits / max(tagged, 1), 100 * hits / present, 100 * float(np.nanmean(counts.recall))


if __name__ == "__main__":
    main()
