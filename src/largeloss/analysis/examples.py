"""What a method came to believe of single pictures: the paper's qualitative figure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from largeloss.analysis.recorded import Recorded
from largeloss.errors import ConfigError


@dataclass(frozen=True)
class Example:
    """A training picture."""

    row: int
    given: tuple[str, ...]
    """Tags that the training saw."""
    believed: dict[int, tuple[str, ...]]
    """Epoch → the tags given and the blanks that were doubted in it: not taken for absent."""
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
    known: NDArray[np.int8],
    truth: NDArray[np.int8],
    classes: tuple[str, ...],
    epochs: Sequence[int],
    places: Sequence[int] | None = None,
    number: int = 8,
) -> tuple[Example, ...]:
    """Some pictures of a recorded run.

    Args:
        recorded: Its doubts.
        known: (n, C) the labels that were trained on.
        truth: (n, C) the labels as they are; -1 where not known.
        classes: C names.
        epochs: To show.
        places: Positions among the recorded images; None draws ``number`` (with seed 0) of those
            of which something is doubted in one of the epochs.
        number: How many are drawn, at most.

    Raises:
        ConfigError: none was chosen, and nothing was doubted.
    """
    doubts = {epoch: recorded.doubted(epoch) for epoch in epochs}
    if places is None:
        doubtful = np.unique(np.concatenate([found[:, 0] for found in doubts.values()]))
        if not len(doubtful):
            raise ConfigError(
                f"This run doubted no label in the epochs {', '.join(map(str, epochs))}. Choose "
                "other epochs, name pictures, or take a run of ll-r, ll-ct, ll-cp or curriculum."
            )
        drawn = np.random.default_rng(0).permutation(doubtful)[:number]
        places = np.sort(drawn).tolist()

    def names(columns: NDArray[np.int64]) -> tuple[str, ...]:
        return tuple(classes[column] for column in np.unique(columns))

    found = []
    for place in places:
        given = np.flatnonzero(known[place] == 1)
        believed = {
            epoch: names(np.concatenate([given, doubted[doubted[:, 0] == place, 1]]))
            for epoch, doubted in doubts.items()
        }
        whole = not (truth[place] < 0).any()
        present = np.flatnonzero(truth[place] == 1)
        found.append(
            Example(
                int(recorded.rows[place]),
                names(given),
                believed,
                names(present) if whole else None,
            )
        )
    return tuple(found)
