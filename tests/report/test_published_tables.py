"""A published table on the screen and in Markdown."""

from pathlib import Path

import pytest
from rich.console import Console

from largeloss.experiments.finished import Group
from largeloss.experiments.grid import PlannedRun
from largeloss.experiments.published import ARTIFICIAL
from largeloss.experiments.reproduction import Cell, FilledTable, GroupPlan
from largeloss.experiments.variant import Variant
from largeloss.report.reproduction_tables import (
    duration,
    estimate,
    ours,
    plan_table,
    reproduction_markdown,
    reproduction_tables,
    theirs,
    total,
)

VOC, COCO = ARTIFICIAL.columns[:2]
GROUP = Group("voc2012", "end-to-end")
CELL = Cell("ll-r", VOC, (88.0, 89.0), (0, 1), 2, 89.2, (87.8, 88.3))
EMPTY = Cell("ll-r", COCO, (), (), 0, 71.0, None)


def lines(*tables: object) -> list[str]:
    console = Console(width=150, color_system=None)
    with console.capture() as captured:
        for table in tables:
            console.print(table)
    return [" ".join(line.split()) for line in captured.get().splitlines()]


def demand(missing: int, *seconds: float, begun: int = 0) -> GroupPlan:
    runs = tuple(PlannedRun(Variant("an"), seed) for seed in range(4))
    return GroupPlan(GROUP, runs, runs[:missing], begun, seconds)


def test_cells() -> None:
    assert ours(CELL) == "88.5 ± 0.7 (2)"
    assert theirs(CELL) == "89.2 [87.8–88.3]"
    assert ours(EMPTY) == "not run"
    assert theirs(EMPTY) == "71.0"
    assert ours(Cell("an", VOC, (88.0,), (3,), 2, None, None)) == "88.0 (1)"
    assert ours(Cell("an", VOC, (), (), 2, None, None)) == "unmeasured"
    assert theirs(Cell("an", VOC, (), (), 2, None, None)) == "–"


def test_screen_and_markdown() -> None:
    layout = FilledTable(ARTIFICIAL, ("ll-r",), (VOC, COCO), (CELL, EMPTY))
    assert lines(*reproduction_tables(layout)) == [
        "end-to-end",
        "Method VOC 2012 COCO 2014",
        "LL-R 88.5 ± 0.7 (2) not run",
        "89.2 [87.8–88.3] 71.0",
    ]
    text = reproduction_markdown(layout, ["a remark"])
    assert "| Method | VOC 2012 | published | COCO 2014 | published |\n" in text
    assert "| :-- | --: | --: | --: | --: |\n" in text
    assert "| LL-R | 88.5 ± 0.7 (2) | 89.2 [87.8–88.3] | not run | 71.0 |\n" in text
    assert text.endswith("\n- a remark\n")
    assert ARTIFICIAL.source in text


def test_eight_columns_fit_a_narrow_terminal() -> None:
    columns = ARTIFICIAL.columns
    cells = tuple(Cell("full", c, (88.0, 89.0), (0, 1), 2, 89.2, (87.8, 88.3)) for c in columns)
    console = Console(width=81, color_system=None)
    with console.capture() as captured:
        console.print(*reproduction_tables(FilledTable(ARTIFICIAL, ("full",), columns, cells)))
    assert captured.get().count("89.2 [87.8–88.3]") == 8


def test_the_plan() -> None:
    texts = lines(plan_table([demand(3, 3600.0, begun=1)], {GROUP: "[red]as it is[/red]"}))
    assert texts[0] == "Data Protocol Finished To run Time Remark"
    assert texts[1] == (
        "voc2012 end-to-end 1 of 4 3 (1 begun) about 3 h 00 min (3 × 60 min, the mean of 1 "
        "finished) [red]as it is[/red]"
    )
    assert estimate(demand(2)) == "unknown"
    assert estimate(demand(0, 5.0)) == "–"


@pytest.mark.parametrize(
    ("demands", "text"),
    [
        ([demand(0), demand(0, 1.0)], "Nothing is missing."),
        ([demand(1)], "Missing: 1 run; 1 of unknown length."),
        ([demand(2, 10.0), demand(0)], "Missing: 2 runs; about 20 s for 2 of them."),
        (
            [demand(2, 10.0, 30.0), demand(3)],
            "Missing: 5 runs; about 40 s for 2 of them, 3 of unknown length.",
        ),
    ],
)
def test_the_sum_of_the_plan(demands: list[GroupPlan], text: str) -> None:
    assert total(demands) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (89, "89 s"), (91, "2 min"), (3600, "60 min"), (5400, "1 h 30 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_no_path_is_needed() -> None:
    assert GROUP.folder(Path("runs")) == Path("runs/voc2012/end-to-end")
