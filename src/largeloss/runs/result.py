"""The result of a run, as ``result.json`` holds it."""

import math
import platform
from dataclasses import MISSING, dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from largeloss.errors import RunError
from largeloss.files import known_fields
from largeloss.runs.mean_over_classes import MeanOverClasses
from largeloss.training.run_folder import RunFolder
from largeloss.version import __version__

Delta = float | Literal["auto"]
"""Percent of a batch's entries, or chosen in training."""


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """A finished run. mAP in percent, average precision of a class as a fraction.

    A docstring begins with the unit of its field, where that has one.
    """

    method: str
    """Name of the method."""
    delta_rel: Delta | None
    """Percent: of the batch's entries, or "auto"; None for methods that have none."""
    seed: int
    """Of the training."""
    test_map: float
    """Percent: mean over all classes of average precision on the test split, with the weights of
    the best val epoch. Classes without positives count 0, as published."""
    test_map_measurable: float | None
    """Percent: the same over the classes that are present in some test images and absent in others;
    None where there are none."""
    last_test_map: float
    """Percent: as ``test_map``, with the weights of the last epoch."""
    last_test_map_measurable: float | None
    """Percent: as ``test_map_measurable``, with the weights of the last epoch."""
    best_epoch: int
    """That of the weights that are kept, counted from 0."""
    chosen_on_val: bool = True
    """Whether val chose that epoch; where not, it is the last one. Results of earlier versions
    always have True."""
    stop_reason: str
    """Why the last epoch was the last, in a sentence."""
    seconds: float
    """Seconds: spent in training and evaluation."""
    wall_seconds: float
    """Seconds: from the call to the result, all sessions of a resumed run together: reading and
    checking data, extracting features and writing checkpoints, too."""
    val_map: float | None
    """Percent: of val, mAP in the best epoch, by ``val_rule``; None where val has no labels (0 in
    results of earlier versions)."""
    val_log_rank: float | None = None
    """Percent: mean over classes of the log rank of val in the best epoch, blanks counted as
    absent. It chooses in place of mAP where ``val_rule`` is ``assume-absent``; None elsewhere, and
    in runs of earlier versions."""
    test_map_interval: list[float] | None
    """Percent: 95 % bootstrap interval of ``test_map_measurable`` over the images of the test
    split, see :func:`~largeloss.metrics.map_interval`; None where it was not computed."""
    val_map_interval: list[float] | None
    """Percent: the same of ``val_map`` over the images of val."""
    val_counts: dict[str, list[int]]
    """Images: class → how many of val it is present, absent, unobserved in, by the labels. In files
    of earlier versions unobserved is absent where ``val_rule`` is ``assume-absent``."""
    val_rule: str
    """Labelling rule by which val was measured, see :mod:`largeloss.training.evaluation`."""
    test_rule: str
    """Labelling rule by which test was measured."""
    test_example_ap: float | None
    """Fraction: mean over images of average precision; None where labels are not complete."""
    test_classes_without_positives: int
    """Classes: they count 0 in ``test_map``."""
    test_classes_without_negatives: int
    """Classes: present where they are observed; they count 1 in ``test_map`` for any model."""
    test_ap: dict[str, float]
    """Fraction: class → average precision."""
    test_counts: dict[str, list[int]]
    """Images: class → as ``val_counts``, of test and ``test_rule``."""
    test_tag_precision: float | None
    """Percent: share of the tags of ``predict`` that are right, on the test split; None where no
    entry is tagged (0 in results of earlier versions)."""
    test_tag_recall: float
    """Percent: share of the present test entries that are tagged."""
    num_images: dict[str, int]
    """Images: split → how many."""
    train_counts: dict[str, tuple[int, int, int, int | None]]
    """Images: class → how many of train it is present, absent, unobserved, missing in (unobserved
    but present in the reference; None where no label was hidden)."""
    expected_positives: float | None
    """Tags per image: of methods that use it."""
    estimated: dict[str, float] = field(default_factory=dict)
    """Percent: what the method has estimated in training, by name; of Δ auto ``missing_percent`` of
    the unobserved entries and ``flagged_percent`` of all, in the end."""
    notes: list[str]
    """Remarks of the run."""
    num_corrections: int
    """Entries: unobserved ones of train that the method has labelled."""
    protocol: str
    """How much was trained: ``end-to-end``, ``linear``, ``linear-init``."""
    head: dict[str, Any]
    """Result of LinearInit's first phase; empty otherwise."""
    teaching: dict[str, Any] = field(default_factory=dict)
    """Of --teachers: how good they are, and what they said; empty otherwise."""
    start_weights: str
    """Which weights the backbone started from."""
    environment: dict[str, Any]
    """Versions, device, threads and processes."""
    fingerprints: dict[str, str]
    """Of inputs and labels, see :func:`largeloss.training.fingerprints.fingerprints`."""

    @property
    def val_figure(self) -> float:
        """What epochs and settings are chosen by: ``val_log_rank``, or ``val_map`` where there is
        none; in percent; not a number where val has no labels."""
        figure = self.val_map if self.val_log_rank is None else self.val_log_rank
        return math.nan if figure is None else figure

    @property
    def test_split(self) -> str:
        """The split that was measured as test: val where the data have no test split."""
        return "test" if "test" in self.num_images else "val"

    @property
    def test_mean(self) -> MeanOverClasses:
        """``test_map`` and ``test_map_measurable``, to be told."""
        return self._mean(self.test_map, self.test_map_measurable)

    @property
    def last_test_mean(self) -> MeanOverClasses:
        """The same with the weights of the last epoch."""
        return self._mean(self.last_test_map, self.last_test_map_measurable)

    def _mean(self, over_all: float, measurable: float | None) -> MeanOverClasses:
        return MeanOverClasses(
            over_all,
            measurable,
            len(self.test_ap),
            self.test_classes_without_positives,
            self.test_classes_without_negatives,
        )

    @classmethod
    def read(cls, run: Path) -> Self:
        """The result of the finished run in a folder.

        Raises:
            RunError: it cannot be read, is not as it was written, or of another version.
        """
        content = RunFolder(run).result()
        needed = [one.name for one in fields(cls) if one.default is one.default_factory is MISSING]
        missing = [name for name in needed if name not in content]
        if missing:
            raise RunError(
                f"{RunFolder(run).result_file} has no {', '.join(missing[:3])}: it was written by "
                "another version of largeloss. Train the run again with this one."
            )
        return cls(**known_fields(cls, content))


def environment() -> dict[str, Any]:
    """What a result depends on beside its settings."""
    import torch  # slow to import, for who only reads results

    from largeloss import distributed

    return {
        "largeloss": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "timm": version("timm"),
        "numpy": np.__version__,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "threads": torch.get_num_threads(),
        "processes": distributed.world_size(),
    }
