"""Whether what a model is measured on is what it was trained on."""

from pathlib import Path

import numpy as np

from largeloss.data.examine.overlap import shared_inputs
from largeloss.data.examine.problems import some
from largeloss.errors import LargelossError
from largeloss.runs.data import RunData, read_data, with_hidden_labels
from largeloss.runs.opened import LoadedRun
from largeloss.runs.result import RunResult
from largeloss.training.fingerprints import LABELS
from largeloss.training.run_folder import RunFolder


def seen_in_training(run: Path, opened: LoadedRun, split: str) -> tuple[str, ...]:
    """Warnings where inputs of ``split`` are among the train and val of ``run``, or may be."""
    dataset = opened.dataset
    try:
        trained = read_data(opened.settings)
    except LargelossError as error:
        return (
            "Whether the run was trained on some of these inputs could not be checked, since its "
            f"own data cannot be read: {error}",
        )
    found = []
    # what a run has left out is not known here
    left_out = opened.settings.data.bad_images == "skip"
    if not left_out and has_changed(run, with_hidden_labels(opened.settings, trained)):
        found.append(
            "Labels or splits of the run's own data are not those that it was trained with: it may "
            f"have been trained on inputs that are {split} now."
        )
    rows = dataset.rows(split)
    own = opened.settings.data
    used = trained.with_train_share(own.train_share, own.observe_seed)
    known = np.concatenate([used.rows("train"), used.rows("val")])
    shared = rows[shared_inputs(dataset.source, rows, trained.source, known)]
    if len(shared):
        names = some((repr(dataset.labels.images[row]) for row in shared.tolist()), 3)
        found.append(
            f"{len(shared):,} of {len(rows):,} inputs of {split} are among those that the run was "
            f"trained on or chosen by (its train and val): {names}. The figures are better than "
            "those of unseen ones would be."
        )
    return tuple(found)


def has_changed(run: Path, data: RunData) -> bool:
    """Whether a finished run was trained on other labels or splits than its data has now."""
    if not RunFolder(run).finished:
        return False
    # some methods need all labels
    labels = {data.training.fingerprint, data.reference.fingerprint}
    return RunResult.read(run).fingerprints[LABELS] not in labels
