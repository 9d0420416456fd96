"""What a run is trained on and measured by, as digests: a run that goes on must find the same."""

from collections.abc import Mapping

import numpy as np

from largeloss import distributed
from largeloss.data.dataset import Dataset
from largeloss.errors import CheckpointError, DataError
from largeloss.training.evaluation import Evaluator, Evaluators

INPUTS = "inputs"
LABELS = "training labels"
START_WEIGHTS = "start weights"
FEATURES_BY = "backend of the features"


def fingerprints(data: Dataset, evaluators: Evaluators, start_weights: str) -> dict[str, str]:
    """What it is → digest: of the inputs by content, of the labels of each split; collective.

    Args:
        data: Is trained on.
        evaluators: Their labels are measured by.
        start_weights: Their digest, see :func:`largeloss.models.weights_id`.

    Raises:
        DataError: the processes read different data, or inputs cannot be read.
    """
    used = np.sort(np.concatenate(list(data.splits.values())))
    own = {
        **label_fingerprints(data, evaluators),
        START_WEIGHTS: start_weights,
        INPUTS: data.source.fingerprint(used),
    }
    check_same_everywhere(own)
    return own


def check_same_everywhere(own: Mapping[str, str]) -> None:
    """Makes sure that all processes have the same digests; collective.

    Raises:
        DataError: they have others.
    """
    every = distributed.gather_objects(own)
    for rank, other in enumerate(every):
        different = [name for name in own if other[name] != every[0][name]]
        if different:
            raise DataError(
                f"The processes do not read the same data: process {rank} has other "
                f"{', other '.join(different)} than process 0. Give every machine the same "
                "copy of all of it: batches are drawn from all images, in every process."
            )


def label_fingerprints(data: Dataset, evaluators: Evaluators) -> dict[str, str]:
    """The part of :func:`fingerprints` that looks at no input."""
    return {
        LABELS: data.fingerprint,
        "labels of val": _of(evaluators.val),
        "labels of test": _of(evaluators.test),
    }


def compare(before: Mapping[str, str], now: Mapping[str, str], run: str) -> None:
    """Makes sure that a run goes on with what it was begun with.

    Raises:
        CheckpointError: it does not.
    """
    before = {FEATURES_BY: "torch", **before}  # of runs that say nothing of it
    different = [name for name in now if before.get(name) != now[name]]
    if different:
        listed = "; ".join(
            f"{name}: fingerprint {_short(now[name])}, was {_short(before.get(name, 'none'))}"
            for name in different
        )
        raise CheckpointError(
            f"The {' and the '.join(different)} are not those that {run} was begun with "
            f"({listed}). Restore them, or start a new run."
        )


def _short(digest: str) -> str:
    return digest if " " in digest else digest[:12]


def _of(evaluator: Evaluator) -> str:
    # as earlier versions measured where nothing is observed: their runs go on
    rule = "assume-absent" if evaluator.rule == "nothing" else evaluator.rule
    return f"{evaluator.table.fingerprint}-{rule}"
