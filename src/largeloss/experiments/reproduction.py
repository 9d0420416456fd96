"""A published table beside our own runs, and the runs that it still wants."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from largeloss.experiments.finished import Group
from largeloss.experiments.grid import Planned, Variant, plan
from largeloss.experiments.published import Band, Column, PublishedTable
from largeloss.training.run_folder import RunFolder


@dataclass(frozen=True)
class Cell:
    """A cell: ours beside what was published. Percent."""

    method: str
    column: Column
    values: tuple[float, ...]
    """Ours, a value a seed."""
    seeds: tuple[int, ...]
    """Those of ``values``."""
    num_finished: int
    """Runs that are finished, measured or not."""
    published: float | None
    reruns: Band | None
    """The least and the most that independent re-runs gave."""

    @property
    def mean(self) -> float | None:
        """None where nothing was measured."""
        return statistics.fmean(self.values) if self.values else None

    @property
    def std(self) -> float | None:
        """Sample standard deviation; None for fewer than two seeds."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None


@dataclass(frozen=True)
class Layout:
    """A table, filled in as far as there are runs."""

    table: PublishedTable
    methods: tuple[str, ...]
    columns: tuple[Column, ...]
    cells: tuple[Cell, ...]
    """Method by method, each with all columns."""

    @property
    def blocks(self) -> tuple[str, ...]:
        """The parts of the table."""
        return tuple(dict.fromkeys(column.block for column in self.columns))

    @property
    def groups(self) -> tuple[Group, ...]:
        """Those of its columns, collection by collection."""
        found = dict.fromkeys(Group(c.collection, c.protocol) for c in self.columns)
        names = list(self.table.collections)
        return tuple(sorted(found, key=lambda group: names.index(group.collection)))

    def row(self, method: str, block: str) -> list[Cell]:
        """A method's cells in a part."""
        return [c for c in self.cells if c.method == method and c.column.block == block]

    @property
    def unmeasured(self) -> bool:
        """Whether a run is finished, but its value was not measured."""
        return any(len(cell.values) < cell.num_finished for cell in self.cells)

    def as_json(self) -> dict[str, Any]:
        """For a file; percent."""
        table = self.table
        return {
            "table": table.name,
            "title": table.title,
            "source": table.source,
            "file": table.file,
            "made_by": table.made_by or "largeloss train",
            "notes": list(table.notes),
            "cells": [
                {
                    "method": cell.method,
                    **asdict(cell.column),
                    "mean": cell.mean,
                    "std": cell.std,
                    "values": cell.values,
                    "seeds": cell.seeds,
                    "finished": cell.num_finished,
                    "published": cell.published,
                    "reruns": cell.reruns,
                }
                for cell in self.cells
            ],
        }


@dataclass(frozen=True)
class Demand:
    """What a group of runs still wants."""

    group: Group
    wanted: tuple[Planned, ...]
    missing: tuple[Planned, ...]
    """Those of ``wanted`` that are not finished, seed by seed."""
    num_begun: int
    """Those of ``missing`` that have begun and go on after their last epoch."""
    seconds: tuple[float, ...]
    """How long each finished run of the group took, of whatever method and seed."""

    @property
    def seconds_per_run(self) -> float | None:
        """Mean over the finished runs; None where there are none."""
        return statistics.fmean(self.seconds) if self.seconds else None

    @property
    def estimate(self) -> float | None:
        """Seconds for all that is missing, one run after another; None where nothing is known."""
        if not self.missing:
            return 0.0
        return None if self.seconds_per_run is None else self.seconds_per_run * len(self.missing)

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return {
            "collection": self.group.collection,
            "protocol": self.group.protocol,
            "wanted": len(self.wanted),
            "missing": [planned.folder for planned in self.missing],
            "begun": self.num_begun,
            "seconds_per_run": self.seconds_per_run,
            "seconds_from_runs": len(self.seconds),
            "estimated_seconds": self.estimate,
        }


def lay_out(
    table: PublishedTable, runs: Path, methods: Sequence[str], protocols: Sequence[str]
) -> Layout:
    """The table, with our values where runs have them, of whatever seeds.

    Raises:
        ConfigError: a folder holds another run than its name says.
        RunError: a file with values cannot be read.
    """
    columns = tuple(column for column in table.columns if column.protocol in protocols)
    cells = []
    for method in methods:
        for column in columns:
            found = Group(column.collection, column.protocol).finished(runs, method)
            values = {run.seed: run.value(table.file, column.keys) for run in found}
            measured = {seed: value for seed, value in values.items() if value is not None}
            cells.append(
                Cell(
                    method,
                    column,
                    tuple(measured.values()),
                    tuple(measured),
                    len(found),
                    table.published(method, column),
                    table.band(method, column),
                )
            )
    return Layout(table, tuple(methods), columns, tuple(cells))


def plan_missing(
    layout: Layout, runs: Path, num_seeds: int, can_run: Callable[[Group, str], bool]
) -> list[Demand]:
    """Which runs the table still wants, group by group.

    Args:
        layout: The table.
        runs: The folder of all runs.
        num_seeds: Runs a method; more that are there already do no harm.
        can_run: Whether there are settings for a group's runs of a method.

    Raises:
        ConfigError: nothing to run, or a method twice.
        RunError: a result cannot be read.
    """
    grid = plan([Variant(method) for method in layout.methods], num_seeds)
    return [
        _demand(group, tuple(run for run in grid if can_run(group, run.variant.method)), runs)
        for group in layout.groups
    ]


def _demand(group: Group, wanted: tuple[Planned, ...], runs: Path) -> Demand:
    folders = {planned: RunFolder(group.folder(runs) / planned.folder) for planned in wanted}
    missing = tuple(planned for planned, folder in folders.items() if not folder.finished)
    methods = dict.fromkeys(planned.variant.method for planned in wanted)
    finished = [run for method in methods for run in group.finished(runs, method)]
    seconds = (run.value("result.json", ("seconds",)) for run in finished)
    return Demand(
        group,
        wanted,
        missing,
        sum(folders[planned].config_file.is_file() for planned in missing),
        tuple(value for value in seconds if value is not None),
    )
