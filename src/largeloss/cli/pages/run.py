"""The report of one run."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from largeloss.analysis.corrections import Corrections
from largeloss.cli.execute import saved_config
from largeloss.cli.pages.curves import column
from largeloss.cli.pages.facts import facts
from largeloss.cli.pages.missing_tags import recorded_cards, scored_cards
from largeloss.cli.pages.recorded import Reader, analyses
from largeloss.config import RunConfig
from largeloss.errors import ConfigError, LargelossError
from largeloss.report import (
    METHOD_TITLES,
    ClassLine,
    ClassTable,
    Curve,
    Interval,
    ReportPage,
    TrainingLabels,
)
from largeloss.report.reproduction import duration
from largeloss.training.evaluation import RULES
from largeloss.training.run_folder import RunFolder
from largeloss.training.weights import load_config

OLD = (
    "This run was made by an earlier version, which did not note the numbers. Train it again to "
    "see them."
)


def run_page(run: Path, read: Reader) -> ReportPage:
    """All that a finished run's folder and its data tell.

    Args:
        run: The folder.
        read: Gives the run's data.

    Raises:
        ConfigError: no run, or one that is not finished.
    """
    folder, config = RunFolder(run), saved_config(run)
    if not folder.finished:
        raise ConfigError(
            f"The run in {run} is not finished. Finish it with 'largeloss train --resume --out "
            f"{run}', then ask for its report."
        )
    result = folder.result()
    title = titled(result["method"], result["delta_rel"])
    found = analyses([(title, run)], read)
    missing = dict(found.missing)
    cards = None
    try:
        data = read(config)
        if len(data.reference.source.sample_shape) == 3:
            labels = found.labels
            cards = recorded_cards(labels[0], data) if labels else scored_cards(run, data)
    except LargelossError as error:
        missing["cards"] = f"Images cannot be shown: {error}"
    labelled = training_labels(result)
    if not labelled:
        missing["labels"] = OLD
    return ReportPage(
        curves_title="mAP after each epoch",
        title=f"{title} on {_data_name(config)}",
        lead=_lead(title, config, result),
        command=f"largeloss train --config {folder.config_file} --out {run}-again",
        curves=_curves(run, result),
        cards=cards,
        facts=facts([config], result["environment"]),
        notes=tuple(result.get("notes", ())),
        glance=_glance(result, [part for _, part in found.corrections]),
        labels=labelled,
        classes=_classes(title, run, result),
        memorization=found.memorization,
        corrections=found.corrections,
        missing=missing,
    )


def titled(method: str, delta_rel: float | None) -> str:
    """A method as displayed, with its Delta."""
    title = METHOD_TITLES.get(method, method)
    return title if delta_rel is None else f"{title} Δ {delta_rel:g} %"


def training_labels(result: Mapping[str, Any]) -> tuple[TrainingLabels, ...]:
    """By class, the most frequent first; empty for runs of versions that did not count."""
    rows = (
        TrainingLabels(name, *numbers) for name, numbers in result.get("train_counts", {}).items()
    )
    return tuple(sorted(rows, key=lambda row: -row.present))


def _data_name(config: RunConfig) -> str:
    return config.data.path.name if config.data.path else "digit scenes"


def _lead(title: str, config: RunConfig, result: Mapping[str, Any]) -> str:
    how = {"linear": ", a linear head on frozen features", "linear-init": ", LinearInit"}
    hidden = (
        f" Labels were hidden by --observe {config.data.observe}." if config.data.observe else ""
    )
    return (
        f"{title}{how.get(config.training.protocol, '')}, {config.training.epochs} epochs, seed "
        f"{result['seed']}.{hidden} Measured on test by {RULES[result['test_rule']]}; the epoch "
        f"was chosen on val by {RULES[result['val_rule']]}."
    )


def _glance(result: Mapping[str, Any], corrected: list[Corrections]) -> tuple[tuple[str, str], ...]:
    found = [
        (f"test mAP, best epoch ({result['best_epoch']})", f"{result['test_map']:.1f} %"),
        ("test mAP, last epoch", f"{result['last_test_map']:.1f} %"),
    ]
    if "num_images" in result:
        found.append(("training images", f"{result['num_images']['train']:,}"))
        counts = list(result["train_counts"].values())
        observed = sum(present + absent for present, absent, _, _ in counts)
        entries = observed + sum(unobserved for _, _, unobserved, _ in counts)
        found.append(("of their entries observed", f"{100 * observed / max(1, entries):.1f} %"))
    for part in corrected:
        precision = part.epochs[-1].precision
        if precision is not None:
            found.append(("of the flagged were missing tags", f"{100 * precision:.0f} %"))
    return (*found, ("training and scoring", duration(result["seconds"])))


def _curves(run: Path, result: Mapping[str, Any]) -> tuple[Curve, ...]:
    found = []
    for label, name in (("val", "val_map"), ("test", "test_map")):
        values = column(run, name)
        if values and not all(map(math.isnan, values)):
            marked = result["best_epoch"] if name == "val_map" else None
            found.append(Curve(label, tuple(range(len(values))), values, marked=marked))
    return tuple(found)


def _classes(title: str, run: Path, result: Mapping[str, Any]) -> ClassTable:
    thresholds = load_config(run / "best").get("thresholds")
    lines = []
    for place, (name, value) in enumerate(result["test_ap"].items()):
        present, absent, unknown = result["test_counts"][name]
        threshold = None
        if thresholds is not None:
            logit = thresholds[place]
            threshold = 1 / (1 + math.exp(-logit)) if abs(logit) < 700 else float(logit > 0)
        interval = Interval.of([value])
        lines.append(ClassLine(name, present, absent, unknown, (interval,), threshold))
    return ClassTable(("AP (%)",), tuple(sorted(lines, key=lambda line: -line.present)))
