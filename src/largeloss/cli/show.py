"""What a run says on the screen: what it begins with, and what it came to."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from largeloss.cli.console import note, out, say
from largeloss.cli.execute import Finished
from largeloss.data import Dataset
from largeloss.training.evaluation import RULES
from largeloss.training.protocols import Evaluators


def beginning(dataset: Dataset, evaluators: Evaluators, notes: Sequence[str]) -> None:
    """The data in one line, and every remark."""
    train = dataset.labels.select(dataset.rows("train"))
    present, absent, unobserved = (int(states.sum()) for states in train.counts())
    sizes = ", ".join(f"{len(rows)} {name}" for name, rows in sorted(dataset.splits.items()))
    say(
        f"{dataset.name}: {sizes}; {dataset.labels.num_classes} classes; training entries: "
        f"{present} present, {absent} absent, {unobserved} unobserved."
    )
    for text in notes:
        note(text)
    note(f"The best epoch is chosen on val by {RULES[evaluators.val.rule]}.")


def result(finished: Finished, folder: Path) -> None:
    """The figures of a finished run, class by class."""
    for text in finished.notes:
        note(text)
    values = finished.result
    out.print(class_table(values["test_ap"], values["test_counts"]))
    say(
        f"Test mAP {values['test_map']:.1f} with the weights of the best val epoch "
        f"({values['best_epoch']}), {values['last_test_map']:.1f} with those of the last. "
        f"Measured by {RULES[values['test_rule']]}."
    )
    if values["test_classes_without_positives"]:
        say(absent_classes(values["test_classes_without_positives"]))
    if values["num_corrections"]:
        say(
            f"{values['num_corrections']} blank training entries were labelled by the method: "
            f"{folder / 'corrections.parquet'}"
        )
    say(f"Weights: {folder / 'best'}   Next: largeloss predict {folder} IMAGES --out scores.csv")


def class_table(ap: Mapping[str, float], counts: Mapping[str, Sequence[int]]) -> Table:
    """Average precision by class, and why where there is none."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("Class")
    for title in ("Present", "Absent", "Unknown", "AP"):
        table.add_column(title, justify="right")
    for name, value in ap.items():
        present, absent, unknown = counts[name]
        shown = f"{100 * value:.1f}"
        if not present:
            shown = "not measurable: nowhere present"
        elif not absent:
            shown = "not measurable: nowhere absent"
        table.add_row(Text(name), str(present), str(absent), str(unknown), shown)
    return table


def absent_classes(number: int) -> str:
    """What such classes do to the mean."""
    return (
        f"{number} of the classes are present in no image of the split; they count as 0 in the "
        "mean, as in published results."
    )
