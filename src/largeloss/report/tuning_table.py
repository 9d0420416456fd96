"""The table of a search: what was chosen for each method."""

from rich.table import Table

from largeloss.experiments.tuned import Tuning
from largeloss.report.tables import markdown_table, method_title, number, text_table
from largeloss.training.evaluation import RULES


def tuning_columns(tuning: Tuning) -> tuple[str, ...]:
    """Titles; the trials were compared by the fourth."""
    ranked = any(one.val_log_rank is not None for one in tuning.methods)
    figure = "Val log rank (%)" if ranked else "Val mAP (%)"
    return ("Method", "Learning rate", "Own setting", figure, "Trials", "On an edge")


def tuning_rows(tuning: Tuning) -> list[tuple[str, ...]]:
    """The text under each of :func:`tuning_columns`."""
    return [
        (
            method_title(one.method, one.share),
            f"{one.lr:g}",
            "" if one.value is None else f"{one.setting} {one.value:g}",
            number(one.val_map if one.val_log_rank is None else one.val_log_rank),
            str(one.trials),
            "yes" if one.on_edge else "",
        )
        for one in tuning.methods
    ]


def tuning_table(tuning: Tuning) -> Table:
    """For a terminal."""
    return text_table(tuning_columns(tuning), tuning_rows(tuning))


def tuning_markdown(tuning: Tuning) -> str:
    """For a README, ending in a line break; what the figures are stands below."""
    return markdown_table(tuning_columns(tuning), tuning_rows(tuning)) + f"\n{chosen(tuning)}\n"


def chosen(tuning: Tuning) -> str:
    """What chose, by which labels, and what that cannot tell."""
    return (
        f"Chosen by {tuning.chosen_by}, one seed: no ranking of the methods. Val was measured by "
        f"{RULES.get(tuning.val_rule, tuning.val_rule)}."
    )
