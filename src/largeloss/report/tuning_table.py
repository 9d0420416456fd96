"""The table of a search: what was chosen for each method."""

from rich.table import Table

from largeloss.experiments.tune import Tuning
from largeloss.report.tables import markdown_table, method_title, number, text_table

COLUMNS = ("Method", "Learning rate", "Own setting", "Val mAP (%)", "Trials", "On an edge")


def tuning_rows(tuning: Tuning) -> list[tuple[str, ...]]:
    """The text under each of ``COLUMNS``."""
    return [
        (
            method_title(one.method, one.share),
            f"{one.lr:g}",
            "" if one.value is None else f"{one.setting} {one.value:g}",
            number(one.val_map),
            str(one.trials),
            "yes" if one.on_edge else "",
        )
        for one in tuning.methods
    ]


def tuning_table(tuning: Tuning) -> Table:
    """For a terminal."""
    return text_table(COLUMNS, tuning_rows(tuning))


def tuning_markdown(tuning: Tuning) -> str:
    """For a README, ending in a line break."""
    return markdown_table(COLUMNS, tuning_rows(tuning))
