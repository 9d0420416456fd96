"""The report of one run."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from largeloss import distributed
from largeloss.analysis.corrections import Corrections
from largeloss.config import RunConfig
from largeloss.errors import ConfigError, LargelossError
from largeloss.labels.audit import AUDIT, read_audit
from largeloss.pages.analyses import Reader, analyses
from largeloss.pages.learning_curves import column, ends
from largeloss.pages.missing_tags import flagged_table, recorded_cards, scored_cards
from largeloss.report.class_counts import ClassCounts
from largeloss.report.class_table import ClassLine, ClassTable, Interval
from largeloss.report.figures import Curve
from largeloss.report.html import ReportPage, write_report
from largeloss.report.reliability import reliability_curves
from largeloss.report.reproduction_tables import duration
from largeloss.report.tables import delta_title
from largeloss.runs.data import DataReader
from largeloss.runs.load import TrainedClassifier, load
from largeloss.runs.result import RunResult
from largeloss.runs.settings import saved_settings
from largeloss.runs.tag_rules import shares_on_test
from largeloss.training.evaluation import RULES
from largeloss.training.run_folder import REPORT, RunFolder


def run_page(run: Path, read: Reader) -> ReportPage:
    """Gathers the report of a finished run from its folder and its data.

    Raises:
        ConfigError: no run, or one that is not finished.
    """
    folder, settings = RunFolder(run), saved_settings(run)
    if not folder.finished:
        raise ConfigError(
            f"The run in {run} is not finished. Finish it with 'largeloss train --resume --out "
            f"{run}', then ask for its report."
        )
    result = RunResult.read(run)
    title = titled(result)
    found = analyses([(title, run)], read)
    missing = dict(found.missing)
    cards, flagged = None, flagged_table(found.labels[0]) if found.labels else None
    try:
        data = read(settings)
        if data.shows_images:
            labels = found.labels
            cards = recorded_cards(labels[0], data) if labels else scored_cards(run, data)
    except LargelossError as error:
        missing["cards"] = f"Images cannot be shown: {error}"
    model = load(run)
    try:
        audit = read_audit(run / AUDIT)
    except LargelossError as error:
        audit, missing["audit"] = None, str(error)
    return ReportPage(
        curves_title="mAP after each epoch",
        title=f"{title} on {settings.data.path.name if settings.data.path else 'digit scenes'}",
        lead=_lead(title, settings, result),
        command=f"largeloss train --config {folder.config_file} --out {run}-again",
        curves=run_curves(run, result),
        cards=cards,
        flagged=flagged,
        settings=shared_settings([settings], result.environment),
        notes=(*filter(None, [result.test_mean.remark]), *result.notes),
        summary=_summary(result, model, [part for _, part in found.corrections]),
        labels=training_labels(result),
        classes=class_table({"AP (%)": [result]}, model.thresholds),
        reliability=reliability_curves(_reliability(model)),
        memorization=found.memorization,
        corrections=found.corrections,
        chosen_on_val=result.chosen_on_val,
        audit=audit,
        unavailable=missing,
    )


def write_run_report(run: Path, remark: Callable[[str], None]) -> Path | None:
    """Writes ``report.html`` into a run that has just finished; its path.

    None where several processes run, or where it cannot be written: ``remark`` is told why, since
    the run itself is there.
    """
    if distributed.world_size() > 1:  # the page scores images, in one process
        return None
    page = report_or_remark(run, lambda: run_page(run, DataReader()), remark)
    return None if page is None else run / REPORT


def report_or_remark(
    folder: Path, gather: Callable[[], ReportPage], remark: Callable[[str], None]
) -> ReportPage | None:
    """Writes the page that is gathered as ``report.html``; None where it fails.

    ``remark`` is told why: what the report is of is there all the same.
    """
    try:
        page = gather()
        write_report(folder / REPORT, page)
    except LargelossError as error:
        remark(
            f"The report could not be written ({error}). Ask again with: largeloss report {folder}"
        )
        return None
    return page


def titled(result: RunResult) -> str:
    """The method as displayed, with its Delta."""
    return delta_title(result.method, result.delta_rel)


def training_labels(result: RunResult) -> tuple[ClassCounts, ...]:
    """By class, the most frequent first."""
    rows = (ClassCounts(name, *numbers) for name, numbers in result.train_counts.items())
    return tuple(sorted(rows, key=lambda row: -row.present))


def class_table(
    groups: Mapping[str, Sequence[RunResult]], thresholds: Mapping[str, float | None]
) -> ClassTable:
    """Of the runs of each title, the most frequent class first."""
    (first, *_), *_ = groups.values()
    lines = []
    for name, (present, absent, unknown) in first.test_counts.items():
        precisions = ([run.test_ap[name] for run in runs] for runs in groups.values())
        intervals = tuple(map(Interval.of, precisions))
        limit = thresholds.get(name)
        rule = first.test_rule
        lines.append(ClassLine(name, present, absent, unknown, intervals, limit, rule))
    ordered = tuple(sorted(lines, key=lambda line: -line.present))
    return ClassTable(tuple(groups), ordered, max(map(len, groups.values())))


def shared_settings(
    configs: Sequence[RunConfig], environment: dict[str, Any]
) -> tuple[tuple[str, str], ...]:
    """What all settings have in common, without what was left empty, and the environment."""
    first, *others = [config.plain() for config in configs]
    named = {
        f"{section}.{name}": value
        for section, values in first.items()
        if isinstance(values, dict)
        for name, value in values.items()
        if value not in (None, {}, "")
        and all(other[section].get(name) == value for other in others)
    }
    return tuple((name, str(value)) for name, value in (named | environment).items())


def _lead(title: str, settings: RunConfig, result: RunResult) -> str:
    how = {"linear": ", a linear head on frozen features", "linear-init": ", LinearInit"}
    training, observe = settings.training, settings.data.observe
    hidden = f" Labels were hidden by --observe {observe}." if observe else ""
    return (
        f"{title}{how.get(training.protocol, '')}, {training.epochs} epochs, seed {result.seed}."
        f"{hidden} Measured on {result.test_split} by {RULES[result.test_rule]}; "
        f"{_epoch_in_words(result)}. {result.stop_reason}"
    )


def _epoch_in_words(result: RunResult) -> str:
    if not result.chosen_on_val:
        return "the weights are those of the last epoch"
    figure = "mAP" if result.val_log_rank is None else "log rank"
    return f"the epoch was chosen on val by {figure}, {RULES[result.val_rule]}"


def _summary(
    result: RunResult, model: TrainedClassifier, corrected: list[Corrections]
) -> tuple[tuple[str, str], ...]:
    counts = list(result.train_counts.values())
    observed = sum(present + absent for present, absent, _, _ in counts)
    entries = observed + sum(unobserved for _, _, unobserved, _ in counts)
    nothing = result.test_rule == "nothing"
    best, last = (
        "not measured" if nothing else f"{mean.lead:.1f} %"
        for mean in (result.test_mean, result.last_test_mean)
    )
    which = "best" if result.chosen_on_val else "last"
    found = [
        (f"{result.test_split} mAP, {which} epoch ({result.best_epoch})", best),
        *_interval(result),
        *([(f"{result.test_split} mAP, last epoch", last)] if result.chosen_on_val else []),
        *_tags(result, model),
        ("training images", f"{result.num_images['train']:,}"),
        ("of their entries observed", f"{100 * observed / max(1, entries):.1f} %"),
    ]
    for part in corrected:
        precision = part.epochs[-1].precision
        if precision is not None:
            found.append(("precision of the flagged entries", f"{100 * precision:.0f} %"))
    return (
        *found,
        ("training and scoring", duration(result.seconds)),
        ("the whole run, wall time", duration(result.wall_seconds)),
    )


def _reliability(model: TrainedClassifier) -> dict[str, list[tuple[float, float]]]:
    """Scores and shares, ``before`` and ``after`` calibration; empty where there is none."""
    saved = model.saved.get("calibration") or {}
    return {
        which: [(one["probability"], one["present"]) for one in saved[which]]
        for which in ("before", "after")
        if which in saved
    }


def _interval(result: RunResult) -> Iterator[tuple[str, str]]:
    if result.test_map_interval is not None:
        low, high = result.test_map_interval
        over = f"its 95 % bootstrap interval over the {result.test_split} images"
        yield over, f"{low:.1f} to {high:.1f} %"


def _tags(result: RunResult, model: TrainedClassifier) -> Iterator[tuple[str, str]]:
    """How far tags can be trusted, as far as the labels of test can tell."""
    if result.test_rule == "nothing":
        return
    precision, recall = shares_on_test(model.saved, result)
    least = "at least " if result.test_rule == "assume-absent" else ""
    right = "no entry is tagged" if precision is None else f"{least}{100 * precision:.1f} %"
    yield (f"precision of the tags on {result.test_split}", right)
    if recall is not None:
        yield (f"recall of the tags on {result.test_split}", f"{100 * recall:.1f} %")


def run_curves(run: Path, result: RunResult) -> tuple[Curve, ...]:
    """Val mAP and, where it was tracked, test mAP after each epoch, in percent."""
    stopped, best = ends([run]), result.best_epoch if result.chosen_on_val else None
    return tuple(
        Curve(label, tuple(range(len(values))), values, marked=marked, ends=stopped)
        for label, marked in (("val", best), ("test", None))
        if not all(map(math.isnan, values := column(run, f"{label}_map")))
    )
