"""Tags of single images after chosen epochs: the paper's qualitative figure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from largeloss.analysis.recorded import RecordedLosses
from largeloss.errors import ConfigError


@dataclass(frozen=True)
class Example:
    """A training image."""

    row: int
    training_tags: tuple[str, ...]
    """Classes that are present in the training labels."""
    tags_by_epoch: dict[int, tuple[str, ...]]
    """Epoch → the training tags and the classes that were flagged in that epoch."""
    truth: tuple[str, ...] | None
    """Classes that are truly present; None where the truth of some class is not known."""


def chosen_epochs(num_epochs: int, wanted: Sequence[int] = ()) -> tuple[int, ...]:
    """The epochs to show: ``wanted``, or the first after the warm-up, the middle, the last.

    Raises:
        ConfigError: an epoch was not recorded.
    """
    wrong = [epoch for epoch in wanted if not 0 <= epoch < num_epochs]
    if wrong:
        raise ConfigError(
            f"Epoch {wrong[0]} was not recorded. The recorded epochs are 0 to {num_epochs - 1}; "
            "choose among them."
        )
    default = (min(1, num_epochs - 1), num_epochs // 2, num_epochs - 1)
    return tuple(wanted) or tuple(dict.fromkeys(default))


def examples(
    recorded: RecordedLosses,
    training: NDArray[np.int8],
    reference: NDArray[np.int8],
    classes: tuple[str, ...],
    epochs: Sequence[int],
    places: Sequence[int] | None = None,
    number: int = 8,
) -> tuple[Example, ...]:
    """Some images of a recorded run, with their tags in ``epochs``.

    Labels (n, C) as :func:`~largeloss.analysis.memorization.memorization`; C ``classes``.
    ``places`` are positions among the recorded images; None draws at most ``number`` images, with
    seed 0, among those with an entry that was flagged in one of the epochs.

    Raises:
        ConfigError: no image was named, and no entry was flagged in these epochs.
    """
    by_epoch = {epoch: recorded.flagged(epoch) for epoch in epochs}
    if places is None:
        candidates = np.unique(np.concatenate([flagged[:, 0] for flagged in by_epoch.values()]))
        if not len(candidates):
            raise ConfigError(
                f"This run flagged no entry in the epochs {', '.join(map(str, epochs))}. Choose "
                "other epochs, name images, or take a run of ll-r, ll-ct, ll-cp or curriculum."
            )
        drawn = np.random.default_rng(0).permutation(candidates)[:number]
        places = np.sort(drawn).tolist()

    def names(columns: NDArray[np.int64]) -> tuple[str, ...]:
        return tuple(classes[column] for column in np.unique(columns))

    found = []
    for place in places:
        tagged = np.flatnonzero(training[place] == 1)
        tags_by_epoch = {
            epoch: names(np.concatenate([tagged, flagged[flagged[:, 0] == place, 1]]))
            for epoch, flagged in by_epoch.items()
        }
        complete = not (reference[place] < 0).any()
        truth = names(np.flatnonzero(reference[place] == 1)) if complete else None
        found.append(Example(int(recorded.rows[place]), names(tagged), tags_by_epoch, truth))
    return tuple(found)
