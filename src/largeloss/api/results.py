"""What training and comparing give back: results with their files, tables and figures."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Self

import pyarrow as pa
from matplotlib.figure import Figure

from largeloss.config import RunConfig
from largeloss.errors import ConfigError
from largeloss.experiments.results import Comparison
from largeloss.experiments.tuned import TunedMethod, Tuning
from largeloss.export.write import Exported, export
from largeloss.labels.audit import AUDIT, Audit, read_audit
from largeloss.metrics.aims import Aim
from largeloss.notebook import Table, html_table
from largeloss.pages.comparison import comparison_curves
from largeloss.pages.learning_curves import history
from largeloss.pages.run import run_curves
from largeloss.report.figures import curves_figure
from largeloss.report.tables import below_comparison, comparison_columns, comparison_rows
from largeloss.report.tuning_table import chosen, tuning_columns, tuning_rows
from largeloss.report.worth_figure import worth_axes, worth_curves
from largeloss.runs.load import TrainedClassifier, load
from largeloss.runs.mean_over_classes import ap_in_words, unmeasurable
from largeloss.runs.predict.sources import AnyPath, as_path, as_paths
from largeloss.runs.result import RunResult
from largeloss.runs.settings import saved_settings
from largeloss.runs.suggestions import Suggestions, missing_and_wrong
from largeloss.runs.thresholds import ChosenThresholds, choose_thresholds
from largeloss.training.run_folder import REPORT, RunFolder


@dataclass(frozen=True)
class Run(RunResult):
    """A finished run: its result, its folder, its settings and its model."""

    path: Path
    """The run folder."""

    @classmethod
    def read(cls, run: AnyPath) -> Self:
        """The finished run in a folder.

        Raises:
            ConfigError: there is no run, or one that is not finished.
            RunError: it cannot be read, or is not as it was written.
        """
        folder = RunFolder(as_path(run))
        if not folder.finished:
            folder.check_begun()
            raise ConfigError(
                f"The run in {folder.path} is not finished. largeloss.train(out={str(run)!r}, "
                "resume=True) goes on with it."
            )
        return cls(**vars(RunResult.read(Path(run))), path=Path(run))

    @property
    def report(self) -> Path:
        """``report.html``, to open in a browser."""
        return self.path / REPORT

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
        self, to: str, out: AnyPath, images: AnyPath | Sequence[AnyPath] | None = None
    ) -> Exported:
        """Writes the model for other programs, see :func:`largeloss.export.write.export`.

        Args:
            to: ``"onnx"``, ``"torch-export"`` or ``"hub-folder"``.
            out: A ``.onnx`` or ``.pt2`` file, or a folder, that is not there.
            images: Files or folders, on which scores are compared with those of ``predict``; None
                takes val.

        Raises:
            InputError: a target that exists, packages that are missing, no images.
            RunError: the scores differ, or it cannot be written.
        """
        return export(self.path, to, Path(out), as_paths(images or ()))

    @property
    def audit(self) -> Audit | None:
        """Of the run's review, see ``largeloss review --audit``; None where there is none."""
        return read_audit(self.path / AUDIT)

    @property
    def history(self) -> Table:
        """``metrics.csv``, one row per epoch."""
        return Table(history(self.path), f"{self.method}, by epoch")

    @property
    def per_class(self) -> Table:
        """One row per class: average precision, a fraction, None where test cannot measure it; and
        counts of test images."""
        counts = [self.test_counts[name] for name in self.test_ap]
        columns = dict(
            zip(("present", "absent", "unobserved"), zip(*counts, strict=True), strict=True)
        )
        ap = [
            None if unmeasurable(own, self.test_rule) else value
            for value, own in zip(self.test_ap.values(), counts, strict=True)
        ]
        return Table({"class": [*self.test_ap], "ap": ap, **columns})

    @property
    def curves(self) -> dict[str, tuple[float, ...]]:
        """``val`` and, where it was tracked, ``test`` → mAP after each epoch, in percent."""
        return {curve.label: curve.values for curve in run_curves(self.path, self)}

    def plot_curves(self) -> Figure:
        """mAP after each epoch, as in the report; a figure of matplotlib, not known to pyplot."""
        return curves_figure(run_curves(self.path, self))

    def _repr_html_(self) -> str:
        rows = [
            (name, ap_in_words(ap, counts, self.test_rule), *map(str, counts))
            for name, ap in self.test_ap.items()
            for counts in [self.test_counts[name]]
        ]
        caption = f"{self.method}: test mAP {self.test_mean.lead:.1f} % (epoch {self.best_epoch})"
        return html_table(("Class", "AP (%)", "Present", "Absent", "Unknown"), rows, caption)


@dataclass(frozen=True)
class MethodComparison(Comparison):
    """Finished runs of several methods, and their summary."""

    path: Path
    """Holds one folder per run."""
    folders: tuple[Path, ...]
    """Of ``runs``, in their order."""

    @property
    def report(self) -> Path:
        """``report.html``, to open in a browser."""
        return self.path / REPORT

    def to_arrow(self) -> pa.Table:
        """``summary``, one row per method: mAP in percent, worth and shares as fractions.

        ``worth_beyond`` is ``below`` or ``above`` where the worth is at most, or at least, the
        share that ``worth`` has, the smallest or the largest that was tried.
        """
        worth = [None if one.worth is None else one.worth.share for one in self.summary]
        beyond = [None if one.worth is None else one.worth.beyond for one in self.summary]
        plain = ("method", "mean", "std", "gap_closed", "share")
        columns = {name: [getattr(one, name) for one in self.summary] for name in plain}
        deltas = [None if one.delta_rel is None else str(one.delta_rel) for one in self.summary]
        return Table(
            {**columns, "delta_rel": deltas, "worth": worth, "worth_beyond": beyond}
        ).to_arrow()

    def plot(self) -> Figure:
        """Val mAP after each epoch, averaged over seeds, as in the report."""
        return curves_figure(comparison_curves(self, self.folders))

    def plot_worth(self) -> Figure:
        """What the labels of each method are worth, as in the report.

        Raises:
            ConfigError: complete labels were not tried on shares of the images.
        """
        if not self.curve:
            raise ConfigError(
                "This comparison tried no complete labels on shares of the images: compare with "
                "complete=[0.2, 0.4]."
            )
        return curves_figure(worth_curves(self), axes=worth_axes(self))

    def _repr_html_(self) -> str:
        cells = [row.cells for row in comparison_rows(self)]
        return html_table(comparison_columns(self), cells, " ".join(below_comparison(self)))


@dataclass(frozen=True)
class MethodTuning(Tuning):
    """The searches of several methods, and what was chosen."""

    def to_arrow(self) -> pa.Table:
        """``methods``, a row each: figures in percent."""
        nested = ("settings", "fingerprints")
        names = [field.name for field in fields(TunedMethod) if field.name not in nested]
        return Table({n: [getattr(one, n) for one in self.methods] for n in names}).to_arrow()

    def _repr_html_(self) -> str:
        return html_table(tuning_columns(self), tuning_rows(self), chosen(self))
