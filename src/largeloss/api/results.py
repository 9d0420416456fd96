"""What training and comparing give back: results with their files, tables and figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Self

from matplotlib.figure import Figure

from largeloss.config import RunConfig
from largeloss.experiments.results import Comparison
from largeloss.export.write import Exported, export
from largeloss.metrics.aims import Aim
from largeloss.notebook import html_table
from largeloss.pages.run import run_curves
from largeloss.report.tables import comparison_columns, comparison_rows, worth_in_words
from largeloss.runs.load import TrainedClassifier, load
from largeloss.runs.mean_over_classes import ap_in_words
from largeloss.runs.result import RunResult
from largeloss.runs.settings import saved_settings
from largeloss.runs.suggestions import Suggestions, missing_and_wrong
from largeloss.runs.thresholds import ChosenThresholds, choose_thresholds


@dataclass(frozen=True)
class Run(RunResult):
    """A finished run: its result, its folder, its settings and its model."""

    path: Path
    """The run folder."""

    @classmethod
    def read(cls, run: str | PathLike[str]) -> Self:
        """The finished run in a folder.

        Raises:
            RunError: it cannot be read, or is not as it was written.
        """
        return cls(**vars(RunResult.read(Path(run))), path=Path(run))

    @property
    def report(self) -> Path:
        """``report.html``, to open in a browser."""
        return self.path / "report.html"

    @property
    def settings(self) -> RunConfig:
        """That the run was trained with."""
        return saved_settings(self.path)

    @cached_property
    def model(self) -> TrainedClassifier:
        """The weights of the best val epoch."""
        return load(self.path)

    def suggestions(self, wrong: bool = False, folds: int | None = None) -> Suggestions:
        """Unobserved entries of the training images, those most likely to be missing tags first.

        Args:
            wrong: The observed entries instead, those most likely to be wrong first.
            folds: Score each image by what was learnt without it, of so many folds: for models that
                memorise. A backbone that was trained is trained again for each fold.

        Raises:
            ConfigError, DataError, LabelError: the data has changed, or cannot be read.
        """
        return missing_and_wrong(self.path, folds=folds)[int(wrong)]

    def choose_thresholds(self, aim: str = "f1", calibrate: bool = True) -> ChosenThresholds:
        """Chooses thresholds on val, calibrates the scores, and saves both with the model.

        Args:
            aim: ``"f1"``, ``"precision=0.9"`` or ``"recall=0.8"``.
            calibrate: False leaves, or restores, the network's own scores.

        Raises:
            ConfigError, DataError, LabelError: no such aim; the data has changed, or cannot be
                read.
        """
        found = choose_thresholds(self.path, Aim.parse(aim), calibrate)
        self.__dict__.pop("model", None)  # it has the earlier ones
        return found

    def export(
        self, to: str, out: str | PathLike[str], images: Sequence[str | PathLike[str]] | None = None
    ) -> Exported:
        """Writes the model for other programs, see :func:`largeloss.export.write.export`.

        Args:
            to: ``"onnx"``, ``"torch-export"`` or ``"hub-folder"``.
            out: A ``.onnx`` or ``.pt2`` file, or a folder, that is not there.
            images: On which scores are compared with those of ``predict``; None takes val.

        Raises:
            InputError: a target that exists, packages that are missing, no images.
            RunError: the scores differ, or it cannot be written.
        """
        return export(self.path, to, Path(out), [Path(one) for one in images or ()])

    @property
    def curves(self) -> dict[str, tuple[float, ...]]:
        """``val`` and, where it was tracked, ``test`` → mAP after each epoch, in percent."""
        return {curve.label: curve.values for curve in run_curves(self.path, self)}

    def plot_curves(self) -> Figure:
        """mAP after each epoch, as a matplotlib figure."""
        figure = Figure(figsize=(6, 3.5), layout="constrained")
        plot = figure.subplots()
        for label, values in self.curves.items():
            plot.plot(range(len(values)), values, marker="o", label=label)
        plot.set(xlabel="epoch", ylabel="mAP (%)")
        plot.legend()
        return figure

    def _repr_html_(self) -> str:
        rows = [
            (name, ap_in_words(ap, *self.test_counts[name][:2]), *map(str, self.test_counts[name]))
            for name, ap in self.test_ap.items()
        ]
        caption = f"{self.method}: test mAP {self.test_mean.lead:.1f} % (epoch {self.best_epoch})"
        return html_table(("Class", "AP (%)", "Present", "Absent", "Unknown"), rows, caption)


@dataclass(frozen=True)
class MethodComparison(Comparison):
    """Finished runs of several methods, and their summary."""

    path: Path
    """Holds a folder a run."""
    folders: tuple[Path, ...]
    """Of ``runs``, in their order."""

    @property
    def report(self) -> Path:
        """``report.html``, to open in a browser."""
        return self.path / "report.html"

    def _repr_html_(self) -> str:
        cells = [row.cells for row in comparison_rows(self)]
        caption = worth_in_words(self) if self.curve else ""
        return html_table(comparison_columns(self), cells, caption)
