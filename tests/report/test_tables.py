"""The comparison table on the screen and in Markdown."""

import math
from dataclasses import replace

from rich.console import Console

from largeloss.experiments.results import ComparedRun, Comparison
from largeloss.report.tables import (
    below_comparison,
    comparison_markdown,
    comparison_rows,
    comparison_table,
)


def run(
    method: str,
    delta: float | None = None,
    *,
    seed: int = 0,
    best: float = 50.0,
    last: float = 40.0,
) -> ComparedRun:
    return ComparedRun(method, delta, seed, best, last, best_epoch=3, seconds=1.0)


def comparison() -> Comparison:
    return Comparison.of(
        [
            run("full", best=90, last=88),
            run("full", seed=1, best=92, last=86),
            run("an", best=70, last=60),
            run("an", seed=1, best=72, last=61),
            run("ll-r", 0.5, best=80, last=79),
            run("ll-r", 0.5, seed=1, best=82, last=80),
            run("ll-r", 1.0, best=66, last=65),
        ]
    )


def screen(table: object) -> str:
    console = Console(width=120, color_system=None)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def test_rows_say_what_was_measured() -> None:
    cells = [row.cells for row in comparison_rows(comparison())]
    assert cells == [
        ("Full labels", "", "91.0 ± 1.4", "87.0", "100 %", "2"),
        ("Naive AN", "", "71.0 ± 1.4", "60.5", "0 %", "2"),
        ("LL-R", "0.5 %", "81.0 ± 1.4", "79.5", "50 %", "2"),
        ("LL-R", "1 %", "66.0", "65.0", "−20 %", "1"),
    ]


def test_an_unknown_gap_is_a_dash() -> None:
    (row,) = comparison_rows(Comparison.of([run("an")]))
    assert row.gap_closed is None
    assert row.cells[4] == "–"


def test_what_is_not_finite_is_a_dash() -> None:
    runs = [run("full", best=90), run("an", best=math.nan, last=math.nan)]
    assert comparison_rows(Comparison.of(runs))[1].cells == ("Naive AN", "", "–", "–", "–", "1")


def test_unknown_methods_keep_their_names() -> None:
    assert comparison_rows(Comparison.of([run("new")]))[0].method == "new"


def test_screen() -> None:
    lines = [" ".join(line.split()) for line in screen(comparison_table(comparison())).splitlines()]
    assert lines[0] == "Method Δ Test mAP (%) Last epoch (%) Gap closed Seeds"
    assert lines[3] == "LL-R 0.5 % 81.0 ± 1.4 79.5 50 % 2"


def test_screen_shows_names_as_they_are() -> None:
    assert "[red]x[/red]" in screen(comparison_table(Comparison.of([run("[red]x[/red]")])))


def test_markdown() -> None:
    lines = comparison_markdown(comparison()).splitlines()
    assert lines[:2] == [
        "| Method | Δ | Test mAP (%) | Last epoch (%) | Gap closed | Seeds |",
        "| :-- | --: | --: | --: | --: | --: |",
    ]
    assert lines[4] == "| LL-R | 0.5 % | 81.0 ± 1.4 | 79.5 | 50 % | 2 |"
    assert "| a\\|b |" in comparison_markdown(Comparison.of([run("a|b")]))


def test_nothing_compared_is_a_table_without_rows() -> None:
    empty = Comparison.of([])
    assert comparison_rows(empty) == []
    assert comparison_table(empty).row_count == 0


def test_below_the_table_stands_by_which_labels_test_was_measured() -> None:
    runs = [replace(run(name, seed=seed), test_rule="observed") for name in "ab" for seed in (0, 1)]
    assert below_comparison(Comparison.of(runs)) == ["Test was measured by observed entries only."]
    assert "\nTest was measured by observed" in comparison_markdown(Comparison.of(runs))


def test_one_seed_tells_no_methods_apart() -> None:
    (text,) = below_comparison(Comparison.of([run("an"), run("ll-r", 1.0)]))  # an earlier version
    assert "one seed, which cannot tell methods apart" in text
    assert below_comparison(Comparison.of([run("an")])) == []  # nothing is compared
    assert below_comparison(comparison()) == []
