"""Run by torchrun: trains in float64 and has the first process write what came out."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from largeloss import distributed
from largeloss.data import Dataset, FeatureArray
from largeloss.labels import LabelTable
from largeloss.losses import LOSSES
from largeloss.models import build_classifier
from largeloss.training.engine import score
from largeloss.training.evaluation import Evaluator, Evaluators, evaluation_loader
from largeloss.training.fit import Phase, fit
from largeloss.training.recipe import Recipe
from largeloss.training.run_folder import RunFolder
from largeloss.training.start import start


def main(out: Path) -> None:
    torch.set_default_dtype(torch.float64)
    device = start()
    stream = np.random.default_rng(0)
    truth = stream.integers(0, 2, (37, 6))
    values = torch.from_numpy(truth @ stream.normal(size=(6, 9)) + stream.normal(size=(37, 9)))
    table = LabelTable.from_dense(truth)
    splits = {"train": np.arange(23), "val": np.arange(23, 30), "test": np.arange(30, 37)}
    data = Dataset("numbers", FeatureArray(values), table, splits).observed("single-positive")
    recipe = Recipe(epochs=3, batch_size=6, lr=0.01, stop_below=None)
    results = {}
    for name, arguments in {
        "an": {}, "iu": {"denominator": "observed"}, "wan": {}, "lsan": {},
        "epr": {"expected_positives": 2.0}, "ll-r": {"delta_rel": 10.0},
        "ll-ct": {"delta_rel": 10.0}, "ll-cp": {"delta_rel": 5.0, "ties": "stable"},
        "role": {"labels": torch.from_numpy(data.labels.to_dense()), "expected_positives": 2.0},
        "curriculum": {"limit": 0.52}, "share": {"rule": "share", "limit": 0.3},
        "em": {}, "asl": {}, "hill": {"reduction": "sum"}, "splc": {"threshold": 0.5},
        "em-apl": {"warmup_epochs": 1, "num_epochs": 3, "soft_label_weight": 0.5},
        "gr": {"num_epochs": 3},
        "p-asl": {"selective": True, "top_per_image": 1, "prior_threshold": 0.3},
        "crisp": {"warmup_epochs": 1},
        "imcl": {"dictionary_size": 15, "graph": torch.eye(6) * 0.8 + torch.ones(6, 6) * 0.03},
        "imcl as run": {"dictionary_size": 15, "graph": torch.eye(6), "version": "code"},
    }.items():  # fmt: skip
        torch.manual_seed(0)
        model = build_classifier("none", 6, (9,), mean=[0.0] * 9, std=[1.0] * 9).double()
        criterion: Any = LOSSES[{"share": "curriculum", "imcl as run": "imcl"}.get(name, name)](
            **arguments
        )  # type: ignore[arg-type]
        evaluator = Evaluator.of(table, splits["val"])
        folder = RunFolder(out / f"{name}-{distributed.rank()}")
        evaluators = Evaluators(evaluator, evaluator)
        outcome = fit(
            Phase(
                model, criterion, data, evaluators, recipe, folder, {"classes": list(table.classes)}
            ),
            device,
        )
        scores = score(model, evaluation_loader(data, "test", recipe))
        results[name] = {
            "weights": {k: v.cpu() for k, v in model.state_dict().items()},
            "losses": [record["train_loss"] for record in outcome.history],
            "scores": scores.logits,
            "rows": scores.rows,
            "edits": {} if criterion.edits is None else criterion.edits.state(),
            "table": criterion.estimate.detach() if name == "role" else torch.zeros(0),
        }
    if distributed.rank() == 0:
        torch.save(results, out / "results.pt")
    distributed.barrier()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
