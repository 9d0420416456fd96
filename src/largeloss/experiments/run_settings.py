"""The settings of each run of a comparison or a search, made of those of its method."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from largeloss.config import RunConfig, make_config
from largeloss.errors import ConfigError
from largeloss.experiments.grid import PlannedRun
from largeloss.experiments.variant import Variant
from largeloss.losses import check_some_method_has, settings_of
from largeloss.losses.large_loss_selection import OF_AUTO
from largeloss.runs.data import DataReader
from largeloss.runs.fitting import fitting
from largeloss.runs.settings import resolved, saved_settings
from largeloss.runs.settings_checks import check_before_data
from largeloss.training.run_folder import RunFolder, is_run
from largeloss.training.start import start


def planned_settings(
    make: Callable[[Variant], RunConfig], grid: Sequence[PlannedRun], vary_labels: bool = False
) -> dict[str, RunConfig]:
    """The resolved settings of the runs of a grid, by folder; without the further epochs of shares.

    Args:
        make: Gives the settings of a method, but for its Delta, its share and the seed.
        grid: The runs.
        vary_labels: Whether the seed also draws which labels are hidden, and the shares' images.

    Raises:
        ConfigError: settings that do not go together, or two runs that are the same.
    """
    settings = {planned.folder: _settings(make, planned, vary_labels) for planned in grid}
    seen: dict[str, Variant] = {}
    for planned in grid:
        given = settings[planned.folder]
        same = seen.setdefault(given.model_dump_json(), planned.variant)
        if same != planned.variant:
            delta = given.method.delta_rel
            raise ConfigError(
                f"{same} and {planned.variant} of --methods are the same run: with these settings "
                f"both are {Variant(given.method.name, delta)}. Name one of them."
            )
    return settings


def check_varied(
    grid: Sequence[PlannedRun], settings: Mapping[str, RunConfig], out: Path, vary_labels: bool
) -> None:
    """Makes sure that the seeds of runs that were begun in ``out`` draw labels as they do now.

    Raises:
        ConfigError: they were begun with ``vary_labels``, and it is not given now, or the reverse.
    """
    for planned in grid:
        folder = out / planned.folder
        if not is_run(folder):
            continue
        before, now = (
            one.data.observe_seed for one in (saved_settings(folder), settings[planned.folder])
        )
        if before != now and before == now - planned.seed * (1 if vary_labels else -1):
            was, fix = ("without", "Leave it out") if vary_labels else ("with", "Give it")
            raise ConfigError(
                f"{folder} was begun {was} --vary-labels (data.observe_seed {before}, and now "
                f"{now}). {fix} to go on, or choose another --out."
            )


def check_chosen(settings: Mapping[str, RunConfig], out: Path) -> None:
    """Makes sure that runs that were begun in ``out`` have what a search has chosen for them.

    Raises:
        ConfigError: it had chosen something else before.
    """
    for name, chosen in settings.items():
        folder = out / name
        differences = saved_settings(folder).differences(chosen) if is_run(folder) else []
        if lines := [line for line in differences if line.startswith(("training.lr:", "method."))]:
            raise ConfigError(
                f"{folder} was begun with what --tuned had chosen before ({'; '.join(lines)}): the "
                "search has gone on since. Choose another --out, or remove the folders of this "
                "method to train them again."
            )


def with_method(base: RunConfig, method: str, own: Mapping[str, object]) -> RunConfig:
    """``base`` with a method and settings of its ``own``, without those that it does not have."""
    given, known = base.method.given(), settings_of(fitting(method, base))
    check_some_method_has(given)
    kept = {name: value for name, value in given.items() if name in known}
    made = make_config([base.plain() | {"method": {**kept, "name": method, **own}}])
    if resolved(made).method.delta_rel in (None, "auto"):
        return made
    return made.with_values(method=dict.fromkeys(OF_AUTO))


def with_share(settings: RunConfig, share: float) -> RunConfig:
    """``settings`` on a share of the training images; :func:`in_as_many_steps` adds the epochs.

    Raises:
        ConfigError: ``settings`` has a share already.
    """
    if settings.data.train_share != 1:
        raise ConfigError(
            f"--complete tries shares of the training images, and data.train_share is "
            f"{settings.data.train_share:g} already. Leave one of them out."
        )
    return settings.with_values(data={"train_share": share})


def in_as_many_steps(
    shares: Mapping[str, RunConfig], out: Path, reader: DataReader
) -> dict[str, RunConfig]:
    """Resolved settings on shares of the training images, by their folder in ``out``, with the
    epochs that take as many steps, to the nearest whole epoch, as those given take on all images.

    In as many epochs, a tenth of the images would be trained on in a tenth of the steps, and what
    more labels are worth would be mixed up with what more training is. No image is decoded.

    Raises:
        ConfigError: settings that cannot work; a share of less than one image.
        DataError, LabelError: data that cannot be read.
    """
    start()
    # wrong settings are told before data are read, which may take minutes
    check_before_data(own for name, own in shares.items() if not RunFolder(out / name).finished)
    return {name: _in_as_many_steps(own, reader) for name, own in shares.items()}


def _in_as_many_steps(settings: RunConfig, reader: DataReader) -> RunConfig:
    data, training = settings.data, settings.training
    whole = settings.with_values(data={"observe": None, "train_share": 1.0})
    every = reader.opened(whole).reference
    kept = every.with_train_share(data.train_share, data.observe_seed)
    batches, own = (
        math.ceil(len(images.rows("train")) / training.batch_size) for images in (every, kept)
    )
    steps, own_steps = (math.ceil(number / training.accumulate) for number in (batches, own))
    return settings.with_values(
        training={
            "epochs": round(training.epochs * steps / own_steps),
            "head_epochs": round(training.head_epochs * batches / own),  # not accumulated
        }
    )


def _settings(
    make: Callable[[Variant], RunConfig], planned: PlannedRun, vary_labels: bool
) -> RunConfig:
    """With the run's Delta, share and seed, without settings that its method does not have."""
    variant = planned.variant
    base = make(variant)
    own: dict[str, object] = {} if variant.delta_rel is None else {"delta_rel": variant.delta_rel}
    made = with_method(base, variant.method, own)
    if variant.share is not None:
        made = with_share(made, variant.share)
    labels = {"observe_seed": made.data.observe_seed + planned.seed} if vary_labels else {}
    return resolved(made.with_values(training={"seed": planned.seed}, data=labels))
