"""Whether what a model is measured on is what it was trained on."""

import numpy as np

from largeloss.data.examine.overlap import shared_inputs
from largeloss.data.examine.problems import some
from largeloss.errors import LargelossError
from largeloss.runs.data import read_data
from largeloss.runs.load import LoadedRun


def seen_in_training(opened: LoadedRun, split: str, own: bool) -> tuple[str, ...]:
    """A warning where inputs of ``split`` are among the run's train and val, as they are now.

    ``own`` says that the data is the run's.
    """
    dataset = opened.dataset
    try:
        trained = dataset if own else read_data(opened.settings)
    except LargelossError as error:
        return (
            "Whether the run was trained on some of these inputs could not be checked, since its "
            f"own data cannot be read: {error}",
        )
    rows = dataset.rows(split)
    known = np.concatenate([trained.rows("train"), trained.rows("val")])
    shared = rows[shared_inputs(dataset.source, rows, trained.source, known)]
    if not len(shared):
        return ()
    names = some((repr(dataset.labels.images[row]) for row in shared.tolist()), 3)
    return (
        f"{len(shared):,} of {len(rows):,} inputs of {split} are among those that the run was "
        f"trained on or chosen by (its train and val): {names}. The figures are better than those "
        "of unseen ones would be.",
    )
