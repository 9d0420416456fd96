"""What a method came to believe of single images: the paper's qualitative figure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from largeloss.analysis.recorded import Recorded
from largeloss.errors import ConfigError


@dataclass(frozen=True)
class Example:
    """A training image."""

    row: int
    given: tuple[str, ...]
    """Tags that the training saw."""
    believed: dict[int, tuple[str, ...]]
    """Epoch → the tags given and the blanks that were flagged in it: not taken for absent."""
    truth: tuple[str, ...] | None
    """None where not all of it is known."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def chosen_epochs(num_epochs: int, wanted: Sequence[int] = ()) -> tuple[int, ...]:
    """The epochs to show: ``wanted``, or the first after the warm-up, the middle, the last.

    Raises:
        ConfigError: an epoch that was not recorded.
    """
    wrong = [epoch for epoch in wanted if not 0 <= epoch < num_epochs]
    if wrong:
        raise ConfigError(
            f"Epoch {wrong[0]} was not recorded; there are epochs 0 to {num_epochs - 1}."
        )
    usual = (min(1, num_epochs - 1), num_epochs // 2, num_epochs - 1)
    return tuple(wanted) or tuple(dict.fromkeys(usual))


def examples(
    recorded: Recorded,
    training: NDArray[np.int8],
    reference: NDArray[np.int8],
    classes: tuple[str, ...],
    epochs: Sequence[int],
    places: Sequence[int] | None = None,
    number: int = 8,
) -> tuple[Example, ...]:
    """Some images of a recorded run.

    Args:
        recorded: Its flagged entries.
        training: (n, C) the labels that were trained on.
        reference: (n, C) the labels as they are; -1 where not known.
        classes: C names.
        epochs: To show.
        places: Positions among the recorded images; None draws ``number`` (with seed 0) of those
            of which something is flagged in one of the epochs.
        number: How many are drawn, at most.

    Raises:
        ConfigError: none was chosen, and nothing was flagged.
    """
    by_epoch = {epoch: recorded.flagged(epoch) for epoch in epochs}
    if places is None:
        candidates = np.unique(np.concatenate([found[:, 0] for found in by_epoch.values()]))
        if not len(candidates):
            raise ConfigError(
                f"This run flagged no label in the epochs {', '.join(map(str, epochs))}. Choose "
                "other epochs, name images, or take a run of ll-r, ll-ct, ll-cp or curriculum."
            )
        drawn = np.random.default_rng(0).permutation(candidates)[:number]
        places = np.sort(drawn).tolist()

    def names(columns: NDArray[np.int64]) -> tuple[str, ...]:
        return tuple(classes[column] for column in np.unique(columns))

    found = []
    for place in places:
        given = np.flatnonzero(training[place] == 1)
        believed = {
            epoch: names(np.concatenate([given, flagged[flagged[:, 0] == place, 1]]))
            for epoch, flagged in by_epoch.items()
        }
        whole = not (reference[place] < 0).any()
        present = np.flatnonzero(reference[place] == 1)
        found.append(
            Example(
                int(recorded.rows[place]),
                names(given),
                believed,
                names(present) if whole else None,
            )
        )
    return tuple(found)
