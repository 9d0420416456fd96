"""Tags of single images after epochs, against loops."""

import numpy as np
import pytest

from largeloss.analysis.examples import chosen_epochs, examples
from largeloss.analysis.recorded import RecordedLosses
from largeloss.errors import ConfigError

CLASSES = ("banana", "orange", "bowl")


def recorded(folder, flagged, num=4) -> RecordedLosses:
    (folder / "recorded").mkdir()
    np.save(folder / "recorded/rows.npy", np.arange(10, 10 + num))
    for epoch, found in enumerate(flagged):
        np.save(folder / f"recorded/losses-{epoch:03d}.npy", np.zeros((num, 3), np.float16))
        np.save(
            folder / f"recorded/flagged-{epoch:03d}.npy", np.array(found, np.int32).reshape(-1, 2)
        )
    return RecordedLosses.read(folder)


def test_the_papers_example(tmp_path):
    run = recorded(tmp_path, [[], [(2, 1)], [(2, 1), (2, 2), (0, 2)]])
    known = np.full((4, 3), -1, np.int8)
    known[:, 0] = 1
    truth = np.array([[1, 0, 0], [1, 0, 0], [1, 1, 1], [1, 0, -1]], np.int8)
    found = examples(run, known, truth, CLASSES, (0, 1, 2), places=[2, 3])
    assert found[0].row == 12
    assert found[0].training_tags == ("banana",)
    assert found[0].tags_by_epoch == {
        0: ("banana",),
        1: ("banana", "orange"),
        2: ("banana", "orange", "bowl"),
    }
    assert found[0].truth == CLASSES
    assert found[1].truth is None


def test_images_are_drawn_from_those_with_flagged_entries(tmp_path):
    run = recorded(tmp_path, [[], [(2, 1), (0, 1)], [(3, 1)]])
    known, truth = np.full((4, 3), -1, np.int8), np.zeros((4, 3), np.int8)
    drawn = examples(run, known, truth, CLASSES, (1, 2))
    assert [example.row for example in drawn] == [10, 12, 13]
    assert len(examples(run, known, truth, CLASSES, (1, 2), number=2)) == 2
    with pytest.raises(ConfigError, match="flagged no entry in the epochs 0"):
        examples(run, known, truth, CLASSES, (0,))


@pytest.mark.parametrize(
    ("num", "wanted", "expected"),
    [(10, (), (1, 5, 9)), (2, (), (1,)), (1, (), (0,)), (3, (), (1, 2)), (5, (4, 0), (4, 0))],
)
def test_epochs(num, wanted, expected):
    assert chosen_epochs(num, wanted) == expected


def test_an_epoch_that_was_not_recorded():
    with pytest.raises(ConfigError, match="epochs are 0 to 4"):
        chosen_epochs(5, (5,))
