"""The report of a comparison."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from largeloss import distributed
from largeloss.errors import ConfigError, LargelossError
from largeloss.experiments.compare import ComparedRuns
from largeloss.experiments.results import ComparedRun, Comparison
from largeloss.files import write_text
from largeloss.losses import find_method
from largeloss.pages.analyses import Reader, analyses
from largeloss.pages.learning_curves import ends, mean_curve
from largeloss.pages.missing_tags import flagged_table, recorded_cards
from largeloss.pages.run import (
    class_table,
    report_or_remark,
    shared_settings,
    titled,
    training_labels,
)
from largeloss.report.figures import Curve
from largeloss.report.html import ReportPage
from largeloss.report.reproduction_tables import duration
from largeloss.report.tables import comparison_markdown, delta_title, method_title
from largeloss.runs.data import DataReader
from largeloss.runs.file_names import COMPARISON, TABLE
from largeloss.runs.result import RunResult
from largeloss.runs.settings import saved_settings


@dataclass(frozen=True)
class Heading:
    """The texts of the page, and the curve that it draws."""

    title: str
    lead: str
    command: str
    notes: tuple[str, ...] = ()
    curve: str = "val_map"
    """The column of ``metrics.csv`` that is drawn."""

    @classmethod
    def of(cls, name: str, comparison: Comparison, command: str) -> Self:
        """Of a comparison on data of a ``name``; ``command`` writes the page again."""
        return cls(
            title=f"{name}: methods compared",
            lead=f"Mean average precision on the {comparison.test_split} split; seeds: "
            f"{len({run.seed for run in comparison.runs})}.",
            command=command,
        )


def write_comparison(
    compared: ComparedRuns, heading: Heading, remark: Callable[[str], None]
) -> ReportPage | None:
    """Writes ``table.md`` and ``report.html`` beside ``results.json``.

    None in other processes, or where the report cannot be written: ``remark`` is told why, since
    the runs themselves are there.
    """
    if distributed.rank() != 0:
        return None
    out, comparison = compared.out, compared.comparison
    write_text(out / TABLE, comparison_markdown(comparison))
    return report_or_remark(
        out,
        lambda: comparison_page(comparison, compared.folders, compared.reader, heading),
        remark,
    )


def comparison_page(
    comparison: Comparison, folders: Sequence[Path], read: Reader, heading: Heading
) -> ReportPage:
    """Gathers the report of the finished runs in ``folders``; ``read`` gives a run's data."""
    every = {folder: RunResult.read(folder) for folder in folders}
    largest = max(run.share for run in comparison.runs)
    results: dict[Path, RunResult] = {}
    by_title: dict[str, list[Path]] = {}
    on_shares: dict[str, list[Path]] = {}
    for (folder, result), run in zip(every.items(), comparison.runs, strict=True):
        if run.share < largest:  # of other numbers of epochs; drawn by what they reach alone
            on_shares.setdefault(method_title(run.method, run.share), []).append(folder)
        else:
            results[folder] = result
            by_title.setdefault(titled(result), []).append(folder)
    first = [(title, group[0]) for title, group in by_title.items()]
    partial = [
        (title, run)
        for title, run in first
        if not find_method(results[run].method).trains_on_complete_labels
    ]
    found = analyses(partial, read)
    missing = dict(found.missing)
    cards = flagged = None
    for labels in found.labels:
        if labels.recorded.flagged(labels.recorded.num_epochs - 1).size:
            flagged = flagged_table(labels)
            try:
                data = read(saved_settings(labels.run))
                cards = recorded_cards(labels, data) if data.shows_images else None
            except LargelossError as error:
                missing["cards"] = f"Images cannot be shown: {error}"
            break
    return ReportPage(
        title=heading.title,
        lead=heading.lead,
        command=heading.command,
        comparison=comparison,
        curves=comparison_curves(comparison, folders, heading.curve),
        curves_title=f"mAP on {heading.curve.removesuffix('_map')} after each epoch",
        cards=cards,
        flagged=flagged,
        notes=(
            *heading.notes,
            *_early_stops(by_title | on_shares),
            *_intervals(results, comparison.test_split),
            f"Wall time of all runs together: "
            f"{duration(sum(result.wall_seconds for result in every.values()))}.",
        ),
        settings=shared_settings(
            [saved_settings(folder) for folder in results], every[folders[0]].environment
        ),
        labels=training_labels(results[(partial or first)[0][1]]),
        classes=class_table(
            {title: [results[run] for run in group] for title, group in by_title.items()}, {}
        ),
        memorization=found.memorization,
        corrections=found.corrections,
        chosen_on_val=all(result.chosen_on_val for result in every.values()),
        unavailable=missing,
    )


def _with_test(comparison: Comparison, results: Iterable[RunResult]) -> Comparison:
    """What test is, and how it was measured: older versions of ``results.json`` do not say it."""
    runs = [
        ComparedRun.of(result, run.share)
        for run, result in zip(comparison.runs, results, strict=True)
    ]
    return replace(comparison, runs=tuple(runs))


def _early_stops(by_title: Mapping[str, Sequence[Path]]) -> Iterator[str]:
    """Which methods stopped early, and after which epochs, in one sentence."""
    found = {title: ", ".join(map(str, ends(runs))) for title, runs in by_title.items()}
    stopped = [f"{title} after epoch {epochs}" for title, epochs in found.items() if epochs]
    if stopped:
        yield (
            f"Stopped early: {'; '.join(stopped)}. There val was further below its best than "
            "--stop-below allows; the weights of the best epoch count."
        )


def _intervals(results: Mapping[Path, RunResult], split: str) -> Iterator[str]:
    """How far the figures are to be trusted."""
    shown = [
        f"{titled(result)} {result.test_map_interval[0]:.1f} to {result.test_map_interval[1]:.1f}"
        for result in results.values()
        if result.test_map_interval is not None and result.seed == min(_seeds(results))
    ]
    published = next((result.test_mean.as_published for result in results.values()), "")
    if published:
        yield published
    if shown:
        over = f" over the classes that {split} can measure" if published else ""
        yield (
            f"95 % bootstrap intervals of {split} mAP{over}, from draws of the {split} images, "
            f"seed {min(_seeds(results))}: {'; '.join(shown)}."
        )


def _seeds(results: Mapping[Path, RunResult]) -> set[int]:
    return {result.seed for result in results.values()}


def comparison_curves(
    comparison: Comparison, folders: Sequence[Path], name: str = "val_map"
) -> tuple[Curve, ...]:
    """A column of ``metrics.csv`` over epochs, each method averaged over its seeds.

    Raises:
        RunError: a file cannot be read.
    """
    largest = max(run.share for run in comparison.runs)
    groups: dict[str, list[Path]] = {}
    for run, folder in zip(comparison.runs, folders, strict=True):
        if run.share == largest:
            groups.setdefault(delta_title(run.method, run.delta_rel), []).append(folder)
    return tuple(mean_curve(title, group, name) for title, group in groups.items())


def read_comparison_page(folder: Path, command: str) -> ReportPage:
    """The report of a comparison that is finished; ``command`` writes it again.

    Raises:
        ConfigError: a run of the comparison is not there any more.
        RunError: its files cannot be read.
    """
    comparison = Comparison.read(folder / COMPARISON)
    found = {}
    for path in sorted(folder.glob("*/result.json")):
        result, share = RunResult.read(path.parent), saved_settings(path.parent).data.train_share
        found[result.method, result.delta_rel, share, result.seed] = path.parent
    wanted = [(run.method, run.delta_rel, run.share, run.seed) for run in comparison.runs]
    if lost := [key for key in wanted if key not in found]:
        method, *_, seed = lost[0]
        raise ConfigError(
            f"{len(lost)} of the runs in {folder / 'results.json'} cannot be found in {folder}, "
            f"for example {method} with seed {seed}. Restore the folder, or compare again."
        )
    runs = [found[key] for key in wanted]
    comparison = _with_test(comparison, map(RunResult.read, runs))
    heading = Heading.of(folder.resolve().name, comparison, command)
    return comparison_page(comparison, runs, DataReader(), heading)
