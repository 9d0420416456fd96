"""Results on the screen: of a run, class by class, and of groups of classes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from largeloss.cli.console import out, say
from largeloss.report.tables import text_table
from largeloss.runs.mean_over_classes import ap_in_words
from largeloss.training.evaluation import RULES

if TYPE_CHECKING:
    from largeloss.runs.grouped_map import GroupedFigures
    from largeloss.runs.result import RunResult
    from largeloss.runs.thresholds import ChosenThresholds
    from largeloss.training.description import TagShares


def print_result(result: "RunResult", folder: Path) -> None:
    """The figures of a finished run, class by class."""
    mean, measured = result.test_mean, result.test_rule != "nothing"
    out.print(class_table(result.test_ap, result.test_counts, result.test_rule))
    interval = interval_in_words(result.test_map_interval)
    say(
        "Test is not measured: all of its labels are blank."
        if not measured
        else f"Test mAP {mean.lead:.1f}{interval} with the weights of {_epochs(result)}. "
        f"Measured by {RULES[result.test_rule]}."
    )
    if mean.remark and measured:
        say(mean.remark)
    say(val(result))
    if measured:
        say(tags(result.test_tag_precision, result.test_tag_recall, result.test_rule))
    if result.num_corrections:
        say(
            f"{result.num_corrections} blank training entries were labelled by the method: "
            f"{folder / 'corrections.parquet'}"
        )
    say(f"Weights: {folder / 'best'}   Next: largeloss predict {folder} IMAGES --out scores.csv")


def _epochs(result: "RunResult") -> str:
    """Of which epoch the weights are, and what those of the last came to."""
    if not result.chosen_on_val:
        return f"the last epoch ({result.best_epoch})"
    last = result.last_test_mean.lead
    return f"the best val epoch ({result.best_epoch}), {last:.1f} with those of the last"


def val(result: "RunResult") -> str:
    """What val mAP is, and what it rests on; before it the log rank, where that chooses."""
    if result.val_rule == "nothing":
        return "Val is not measured: all of its labels are blank."
    positives = [present for present, *_ in result.val_counts.values()]
    low, high = min(positives), max(positives)
    ranked = "" if result.val_log_rank is None else f"Val log rank {result.val_log_rank:.1f}. "
    return ranked + (
        f"Val mAP {result.val_map:.1f}{interval_in_words(result.val_map_interval)}: "
        f"{low if low == high else f'{low} to {high}'} positive{'s' * (high != 1)} per class."
    )


def interval_in_words(interval: Sequence[float] | None) -> str:
    """How far a mAP is to be trusted, in brackets; empty where that was not computed."""
    if interval is None:
        return ""
    return " (95 % bootstrap interval over the images: {:.1f} to {:.1f})".format(*interval)


def class_table(
    ap: Mapping[str, float],
    counts: Mapping[str, Sequence[int]],
    rule: str,
    tags: Mapping[str, Mapping[str, float | None]] | None = None,
) -> Table:
    """Average precision by class, and why where there is none; more columns of fractions."""
    tags = tags or {}
    rows = []
    for name, value in ap.items():
        shown = ap_in_words(value, counts[name], rule)
        more = (column[name] for column in tags.values())
        rows.append((name, *map(str, counts[name]), shown, *map(_percent, more)))
    return text_table(("Class", "Present", "Absent", "Unknown", "AP", *tags), rows)


def tags(precision: float | None, recall: float, rule: str) -> str:
    """How far the tags of ``predict`` can be trusted, as far as the ``rule`` can tell; None for the
    precision where there are none."""
    if precision is None:
        return "No entry is tagged."
    right, true = f"{precision:.1f} % of them are right", "those that are true"
    if rule == "assume-absent":
        right, true = (
            f"at least {right} (those on blanks count as wrong)",
            "the tags that the labels have",
        )
    elif rule == "observed":
        right = f"{precision:.1f} % of those on observed entries are right"
        true = "the tags that the labels have"
    return f"Tags, as predict gives them: {right}, and {recall:.1f} % of {true} are found."


def group_table(figures: "GroupedFigures") -> Table:
    """mAP by groups of classes."""

    def shown(value: float | None) -> str:
        return "not measurable" if value is None else f"{value:.1f}"

    measured = figures.measured
    columns = figures.annotations, measured.num_counted, measured.groups
    rows = [
        (f"G{number}", f"{low} to {high}", str(counted), shown(value))
        for number, ((low, high), counted, value) in enumerate(zip(*columns, strict=True), start=1)
    ]
    rows.append(("all", "", str(sum(measured.num_counted)), shown(measured.all)))
    return text_table(("Group", "Train annotations", "Classes", "mAP (%)"), rows)


def threshold_table(found: "ChosenThresholds") -> Table:
    """Thresholds by class, precision (P) and recall (R) on val and test, and why there is none."""
    rows = []
    for name, rule in found.rules.items():
        test = found.chosen_for.test_classes[name]
        threshold = "–" if rule.probability is None else f"{rule.probability:.3f}"
        why = ""
        if rule.probability is None:
            why = "cannot reach it" if name in found.chosen_for.unreachable else "never learnt"
        numbers = [_percent(rule.precision), _percent(rule.recall)]
        numbers += [_percent(test.precision), _percent(test.recall)]
        rows.append((name, threshold, *numbers, why))
    titles = ("Class", "Threshold", "Val P", "Val R", "Test P", "Test R", "Never tagged")
    return text_table(titles, rows)


def shares(came: "TagShares") -> str:
    """How many tags are right, how many are found, and F1, in percent."""
    precision, recall = came.precision, came.recall
    if not precision or not recall:
        return f"precision {_percent(precision)}, recall {_percent(recall)}"
    f1 = 2 * precision * recall / (precision + recall)
    return f"precision {_percent(precision)}, recall {_percent(recall)}, F1 {_percent(f1)}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"
