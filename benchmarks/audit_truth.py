"""Does the interval of a review's audit hold the true share of missing tags?

python benchmarks/audit_truth.py --data DATA

DATA is the folder that LARGELOSS_DATA names. On fashion and voc-animals one tag per image is kept;
50 entries of each class (the default of ``largeloss review``) are answered from the truth. Five
seeds draw the kept tags and the sample. Prints a table for docs/reference/results-labels.md.
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import numpy as np
from suggestions import SETS, SHARED

from largeloss.config import make_config
from largeloss.metrics.finite_share import Stratum, finite_share, stratified_share
from largeloss.review import audit
from largeloss.review.session import AUDITED
from largeloss.runs.data import open_data

SEEDS = 5


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    given = parser.parse_args()
    print(
        "| Data | Seed | True share | Estimate | Interval | Covered | Classes covered | Answers |"
    )
    print("| :-- | --: | --: | --: | --: | --: | --: | --: |")
    for name in SETS:
        for seed in range(SEEDS):
            print(f"| {name} | {seed} | {' | '.join(_audited(given.data / name, seed))} |")


def _audited(path: Path, seed: int) -> list[str]:
    settings = make_config([SHARED, SETS[path.name], {"data": {"path": str(path)}}])
    data = open_data(settings.with_values(data={"observe_seed": 1200 + seed}))
    table, rows = data.training.labels, data.training.rows("train")
    with TemporaryDirectory() as folder, mock.patch.object(audit, "SEED", seed):
        file = Path(folder) / "sample.json"
        sample = audit.open_sample(file, table, rows, AUDITED, table.fingerprint)
    blank = table.lookup(rows) < 0
    truth = (data.reference.labels.lookup(rows) == 1) & blank
    strata, covered = [], 0
    for column, population in enumerate(sample.populations):
        answered = data.reference.labels.lookup(np.array(sample.rows[column]))[:, column]
        present, absent = int((answered == 1).sum()), int((answered == 0).sum())
        strata.append(Stratum(population, present, absent, 0))
        share = finite_share(strata[-1])
        true = truth[:, column].sum() / population
        covered += bool(share.low <= true <= share.high)
    found, true = stratified_share(strata), truth.sum() / blank.sum()
    assert found.estimate is not None
    answers = sum(one.answered for one in strata)
    return [
        f"{100 * true:.1f} %",
        f"{100 * found.estimate:.1f} %",
        f"{100 * found.low:.1f} to {100 * found.high:.1f} %",
        "yes" if found.low <= true <= found.high else "no",
        f"{covered} of {len(strata)}",
        f"{answers:,}",
    ]


if __name__ == "__main__":
    main()
