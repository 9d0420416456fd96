"""The runs that a published table still lacks: their settings, checked and trained."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from largeloss import distributed
from largeloss.config import RunConfig
from largeloss.errors import ConfigError
from largeloss.experiments.finished import Group
from largeloss.experiments.published import PublishedTable
from largeloss.experiments.reproduction import GroupPlan
from largeloss.experiments.runner import GridRunner
from largeloss.experiments.variant import Variant
from largeloss.files import checksummed_json, write_text
from largeloss.presets import SettingsLayers, presets
from largeloss.progress import Progress
from largeloss.runs.data import DataReader, decoded
from largeloss.runs.grouped_map import measure_groups
from largeloss.runs.load import load
from largeloss.runs.opened import LoadedRun, open_run
from largeloss.runs.settings import saved_settings

GROUPS_FILE = "groups.json"
NUM_GROUPS = 5
"""Of OpenImages' classes, as published."""


def has_preset(group: Group, method: str) -> bool:
    """Whether there are published settings for it."""
    return f"{group.collection}/{method}" in presets()


def check_settings(
    demands: Sequence[GroupPlan], layers: SettingsLayers, data: Mapping[str, Path]
) -> None:
    """Makes the settings of everything that could be run, so that wrong ones are refused.

    Raises:
        ConfigError: an unknown setting, a wrong value, or one that is not for the user to choose.
    """
    if layers.preset is not None:
        raise ConfigError("reproduce takes the preset of each collection; leave --preset out.")
    for demand in demands:
        if path := data.get(demand.group.collection):
            for method in dict.fromkeys(run.variant.method for run in demand.wanted):
                _settings(layers, demand.group, path, Variant(method))


def reasons(
    demands: Sequence[GroupPlan], methods: Sequence[str], data: Mapping[str, Path], run: bool
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


def _settings(layers: SettingsLayers, group: Group, data: Path, variant: Variant) -> RunConfig:
    """Of a method's runs: the preset, and what the user says over it."""
    method = variant.method
    over = {
        "data": {"path": str(data)},
        "method": {"name": method},
        "training": {"protocol": group.protocol},
    }
    settings = layers._replace(preset=group.collection).made(over=over)
    training = settings.training
    found = (settings.method.name, training.protocol, str(settings.data.path), training.seed)
    if found != (method, group.protocol, str(data), 0):
        raise ConfigError(
            "reproduce itself decides the method, the protocol, the data and the seed of a "
            "run. Leave them out, and choose with --methods, --protocols, --data and --seeds."
        )
    return settings


def start_missing(
    table: PublishedTable,
    demands: Sequence[GroupPlan],
    layers: SettingsLayers,
    data: Mapping[str, Path],
    runs: Path,
    progress: Progress,
) -> None:
    """Trains what is missing and measures what is not measured; all is checked before the first.

    Raises:
        ConfigError: settings that do not go together, or that another run was begun with.
        DataError, LabelError: data that cannot be read or trained on.
        RunError: a run failed.
    """
    reader = DataReader(decoded, progress.remark)
    runners = {
        demand: GridRunner(
            partial(_settings, layers, demand.group, data[demand.group.collection]),
            demand.missing,  # finished ones stay, with whatever settings
            demand.group.folder(runs),
            progress,
            reader,
        )
        for demand in demands
        if demand.group.collection in data and demand.wanted
    }
    by_groups = table.file == GROUPS_FILE
    for demand, runner in runners.items():
        for planned in demand.missing if by_groups else ():
            dataset = runner.data(planned).reference
            if dataset.labels.num_classes < NUM_GROUPS:
                raise ConfigError(
                    f"{dataset.name} has {dataset.labels.num_classes} classes, too few for the "
                    f"{NUM_GROUPS} groups of this table."
                )
    progress.expect(sum(runner.work for runner in runners.values()))
    for demand, runner in runners.items():
        if demand.missing:
            progress.message(f"{demand.group.name}:")
        for planned in demand.wanted:
            path = demand.group.folder(runs) / planned.folder
            if planned in demand.missing:
                runner(planned, path)
                if by_groups:
                    data_set = runner.data(planned).reference
                    opened = LoadedRun(load(path), saved_settings(path), data_set)
                    progress.remark(_write_groups(opened, path))
            elif by_groups and not (path / GROUPS_FILE).is_file():
                progress.remark(_write_groups(open_run(path, split="test"), path))


def _write_groups(opened: LoadedRun, run: Path) -> str:
    """Measures a run by groups; what was counted, in a sentence."""
    figures = measure_groups(opened, "test", NUM_GROUPS)
    if distributed.rank() == 0:
        write_text(run / GROUPS_FILE, checksummed_json(figures.plain))
    distributed.barrier()
    return figures.remark
