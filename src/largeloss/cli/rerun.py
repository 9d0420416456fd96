"""What ``reproduce`` starts: the runs that a table wants, by their presets."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from largeloss import distributed
from largeloss.cli.console import note, say
from largeloss.cli.gridrun import GridRunner
from largeloss.cli.groups import measure_groups
from largeloss.cli.opened import OpenedRun, open_run, open_with
from largeloss.cli.options import Settings
from largeloss.cli.prepare import RunData
from largeloss.cli.progress import Clock
from largeloss.config import RunConfig
from largeloss.errors import ConfigError
from largeloss.experiments.finished import Group
from largeloss.experiments.published import PublishedTable
from largeloss.experiments.reproduction import Demand
from largeloss.files import checksummed_json, write_text
from largeloss.presets import presets

GROUPS_FILE = "groups.json"
NUM_GROUPS = 5
"""Of OpenImages' classes, as published."""


def has_preset(group: Group, method: str) -> bool:
    """Whether there are published settings for it."""
    return f"{group.collection}/{method}" in presets()


def check_settings(demands: Sequence[Demand], settings: Settings, data: Mapping[str, Path]) -> None:
    """Makes the settings of everything that could be run, so that wrong ones are refused.

    Raises:
        ConfigError: an unknown setting, a wrong value, or one that is not for the user to say.
    """
    if settings.preset is not None:
        raise ConfigError("reproduce takes the preset of each collection; leave --preset out.")
    for demand in demands:
        if demand.group.collection in data:
            make = maker(settings, demand.group, data[demand.group.collection])
            for method in dict.fromkeys(run.variant.method for run in demand.wanted):
                make(method)


def remarks(
    demands: Sequence[Demand], methods: Sequence[str], data: Mapping[str, Path], run: bool
) -> dict[Group, str]:
    """Why something that is missing will not be run."""
    found = {}
    for demand in demands:
        group = demand.group
        without = [method for method in methods if not has_preset(group, method)]
        parts = [f"no preset for {', '.join(without)}"] if without else []
        if demand.missing and group.collection not in data:
            parts.append("shown only: no --data")
        elif demand.missing and not run:
            parts.append("started with --run")
        found[group] = "; ".join(parts)
    return found


def maker(settings: Settings, group: Group, data: Path) -> Callable[[str], RunConfig]:
    """Gives the settings of a method's runs: the preset, and what the command line says over it."""

    def make(method: str) -> RunConfig:
        chosen = settings._replace(preset=group.collection)
        over = {
            "data": {"path": str(data)},
            "method": {"name": method},
            "training": {"protocol": group.protocol},
        }
        config = chosen.made(over=over)
        given = config.training
        decided = (method, group.protocol, str(data), 0)
        if (config.method.name, given.protocol, str(config.data.path), given.seed) != decided:
            raise ConfigError(
                "reproduce itself decides the method, the protocol, the data and the seed of a "
                "run. Leave them out, and choose with --methods, --protocols, --data and --seeds."
            )
        return config

    return make


def start_missing(
    table: PublishedTable,
    demands: Sequence[Demand],
    settings: Settings,
    data: Mapping[str, Path],
    runs: Path,
) -> None:
    """Trains what is missing and measures what is not measured; all is checked before the first.

    Raises:
        ConfigError: settings that do not go together, or that another run was begun with.
        DataError, LabelError: data that cannot be read or trained on.
        RunError: a run failed.
    """
    reads: dict[str, RunData] = {}
    runners = {
        demand: GridRunner(
            maker(settings, demand.group, data[demand.group.collection]),
            demand.wanted,
            demand.group.folder(runs),
            reads,
        )
        for demand in demands
        if demand.group.collection in data and demand.wanted
    }
    by_groups = table.file == GROUPS_FILE
    if by_groups:
        _check_classes(reads)
    epochs = (runner.configs[run].num_epochs for d, runner in runners.items() for run in d.missing)
    clock = Clock(sum(epochs))
    for demand, runner in runners.items():
        runner.clock = clock
        if demand.missing:
            say(f"{demand.group.name}:")
        for planned in demand.wanted:
            path = demand.group.folder(runs) / planned.folder
            if planned in demand.missing:
                runner(planned, path)
                if by_groups:
                    _write_groups(open_with(path, runner.data(planned).reference), path)
            elif by_groups and not (path / GROUPS_FILE).is_file():
                _write_groups(open_run(path, split="test"), path)


def _check_classes(reads: Mapping[str, RunData]) -> None:
    for data in reads.values():
        number = data.reference.labels.num_classes
        if number < NUM_GROUPS:
            raise ConfigError(
                f"{data.reference.name} has {number} classes, too few for the {NUM_GROUPS} groups "
                "of this table."
            )


def _write_groups(opened: OpenedRun, run: Path) -> None:
    figures = measure_groups(opened, "test", NUM_GROUPS)
    if distributed.rank() == 0:
        write_text(run / GROUPS_FILE, checksummed_json(figures.plain))
    distributed.barrier()
    note(figures.remark)
