"""A published table beside our own runs, and the runs that are missing for it."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from largeloss.experiments.finished import Group
from largeloss.experiments.grid import PlannedRun, plan
from largeloss.experiments.published import Band, Column, PublishedTable
from largeloss.experiments.variant import Variant
from largeloss.training.run_folder import RESULT, RunFolder


@dataclass(frozen=True)
class Cell:
    """A cell of a table: our values beside the published one. Percent."""

    method: str
    column: Column
    values: tuple[float, ...]
    """Our values, one per seed."""
    seeds: tuple[int, ...]
    """The seeds of ``values``."""
    num_finished: int
    """Finished runs, with or without a measured value."""
    published: float | None
    reruns: Band | None
    """Lowest and highest value of independent re-runs."""

    @property
    def mean(self) -> float | None:
        """Mean of our values; None without any."""
        return statistics.fmean(self.values) if self.values else None

    @property
    def std(self) -> float | None:
        """Sample standard deviation; None for fewer than two seeds."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None


@dataclass(frozen=True)
class FilledTable:
    """A published table with the values of our finished runs."""

    table: PublishedTable
    methods: tuple[str, ...]
    columns: tuple[Column, ...]
    cells: tuple[Cell, ...]
    """Method by method; each method has all columns."""

    @property
    def blocks(self) -> tuple[str, ...]:
        """Names of the table's parts."""
        return tuple(dict.fromkeys(column.block for column in self.columns))

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups of runs of its columns, collection by collection."""
        found = dict.fromkeys(Group(c.collection, c.protocol) for c in self.columns)
        names = list(self.table.collections)
        return tuple(sorted(found, key=lambda group: names.index(group.collection)))

    def row(self, method: str, block: str) -> list[Cell]:
        """The cells of a method in a part of the table."""
        return [c for c in self.cells if c.method == method and c.column.block == block]

    @property
    def unmeasured(self) -> bool:
        """Whether a run is finished, but its value has not been measured."""
        return any(len(cell.values) < cell.num_finished for cell in self.cells)

    def as_json(self) -> dict[str, Any]:
        """Content of a JSON file; percent."""
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
class GroupPlan:
    """Finished and missing runs of a group."""

    group: Group
    wanted: tuple[PlannedRun, ...]
    """All runs that the table needs."""
    missing: tuple[PlannedRun, ...]
    """Runs of ``wanted`` that are not finished, seed by seed."""
    num_begun: int
    """Runs of ``missing`` that were interrupted and will be resumed."""
    seconds: tuple[float, ...]
    """Time of each finished run of the group, of any method and seed."""

    @property
    def seconds_per_run(self) -> float | None:
        """Mean over the finished runs; None without any."""
        return statistics.fmean(self.seconds) if self.seconds else None

    @property
    def estimate(self) -> float | None:
        """Seconds for all missing runs, one after another; None without a finished run."""
        if not self.missing:
            return 0.0
        return None if self.seconds_per_run is None else self.seconds_per_run * len(self.missing)

    def as_json(self) -> dict[str, Any]:
        """Content of a JSON file."""
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


def fill_table(
    table: PublishedTable, runs: Path, methods: Sequence[str], protocols: Sequence[str]
) -> FilledTable:
    """Fills a published table with the values of finished runs, of all seeds.

    ``methods`` are its rows; columns of these ``protocols`` are kept; all runs lie in ``runs``.

    Raises:
        ConfigError: a folder holds another run than its name tells.
        RunError: a file with values cannot be read.
    """
    columns = tuple(column for column in table.columns if column.protocol in protocols)
    cells = []
    for method in methods:
        for column in columns:
            found = Group(column.collection, column.protocol).finished(runs, method)
            values = {run.seed: run.value(table.file, column.keys) for run in found}
            measured = {seed: value for seed, value in values.items() if value is not None}
            ours = tuple(measured.values()), tuple(measured), len(found)
            theirs = table.published(method, column), table.band(method, column)
            cells.append(Cell(method, column, *ours, *theirs))
    return FilledTable(table, tuple(methods), columns, tuple(cells))


def plan_missing(
    filled: FilledTable, runs: Path, num_seeds: int, can_run: Callable[[Group, str], bool]
) -> list[GroupPlan]:
    """The missing runs of a table, group by group; all runs lie in ``runs``.

    Each method is to have ``num_seeds`` runs; further finished ones are kept. ``can_run`` says
    whether there are settings for runs of a method in a group.

    Raises:
        ConfigError: no method, no seed, or a method twice.
        RunError: a result cannot be read.
    """
    grid = plan([Variant(method) for method in filled.methods], num_seeds)
    plans = []
    for group in filled.groups:
        wanted = tuple(planned for planned in grid if can_run(group, planned.variant.method))
        folders = {planned: RunFolder(group.folder(runs) / planned.folder) for planned in wanted}
        missing = tuple(planned for planned, folder in folders.items() if not folder.finished)
        num_begun = sum(folders[planned].config_file.is_file() for planned in missing)
        methods = dict.fromkeys(planned.variant.method for planned in wanted)
        finished = [run for method in methods for run in group.finished(runs, method)]
        times = (run.value(RESULT, ("seconds",)) for run in finished)
        seconds = tuple(value for value in times if value is not None)
        plans.append(GroupPlan(group, wanted, missing, num_begun, seconds))
    return plans
