"""Train, compare and tune, from Python.

Settings are keyword arguments by their flat names, listed by ``help(largeloss.train)``; a method's
own settings may be given, too. Errors are exceptions of :mod:`largeloss.errors`. Torch's random
streams are afterwards as they were before.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from largeloss.api.keywords import (
    AnyPath,
    check_data,
    layers_of,
    resumed,
    settings_by_method,
    takes_settings,
    under,
)
from largeloss.config import RunConfig
from largeloss.errors import CompleteLabelsWarning, ConfigError
from largeloss.experiments.decided import check_compared, check_searched
from largeloss.experiments.variant import Variant
from largeloss.lazy import without_bars_of_others
from largeloss.progress import silent_progress, usual_progress
from largeloss.runs.arguments import check_runs, check_settings, check_tuned
from largeloss.training.run_folder import RunFolder
from largeloss.watch import shown_by

# What brings torch is imported where it is used: a wrong path is told at once.
if TYPE_CHECKING:
    from largeloss.api.results import MethodComparison, MethodTuning, Run


@takes_settings
@without_bars_of_others()
def train(
    data: AnyPath | None = None,
    *,
    out: AnyPath = "runs/train",
    resume: bool = False,
    preset: str | None = None,
    config: AnyPath | RunConfig | None = None,
    progress: bool = True,
    **settings: Any,
) -> "Run":
    """Trains a classifier and writes a run folder with its report.

    Ctrl-C saves the last step and raises :class:`~largeloss.errors.Interrupted`.

    Args:
        data: A folder with ``labels.csv`` (or ``.parquet``) and images or features; it may be left
            out with ``resume``, and with the preset of the digit scenes.
        out: The run folder; it must be new, unless ``resume``.
        resume: Continue the run in ``out``, exactly; a finished run is only read.
        preset: Published settings by name, such as ``"voc2012/ll-r"``.
        config: Settings, or a YAML file of them; keyword arguments override it.
        progress: Whether a bar and one line per epoch are shown.
        **settings: By flat name, see below; settings of the chosen method alone, too.

    Raises:
        InputError: wrong settings, data or labels; nothing was trained.
        RunError: the run was stopped, or failed.
    """
    folder, layers = Path(out), layers_of(data, preset, config, settings)
    shown = usual_progress() if progress else silent_progress()
    if resume:
        check_runs([folder])
        made = resumed(folder, layers, config)
    else:
        made = layers.made(under(config))
    check_data(made)
    if not resume:
        check_settings(made)
        RunFolder(folder).check_free()
    from largeloss.api.results import Run
    from largeloss.pages.run import write_run_report
    from largeloss.runs import train as training
    from largeloss.runs.settings import resolved
    from largeloss.runs.tracking import tracked

    shown.expect(resolved(made).work)
    shower = shown.listener(made.method.name, made.data.train_share)
    with _left_as_found(), shown_by(shown.bar), tracked(made, folder, shower) as listener:
        training.train(made, folder, resume=resume, listener=listener)
        write_run_report(folder, shown.remark)
    return Run.read(folder)


@takes_settings
@without_bars_of_others()
def compare(
    data: AnyPath | None = None,
    *,
    methods: Sequence[str] = ("full", "an", "ll-r"),
    seeds: int = 3,
    out: AnyPath = "runs/compare",
    tuned: AnyPath | None = None,
    vary_labels: bool = False,
    complete: Sequence[float] = (),
    preset: str | None = None,
    config: AnyPath | RunConfig | None = None,
    progress: bool = True,
    **settings: Any,
) -> "MethodComparison":
    """Trains several methods on the same data with the same seeds; finished runs are skipped.

    Args:
        data: As of :func:`train`.
        methods: Names, with Δ in percent where wanted: ``"ll-r:0.5"``.
        seeds: Runs of each method.
        out: Holds one folder per run.
        tuned: The ``out`` of :func:`tune`: each method as it was chosen there.
        vary_labels: Whether the seed also draws which labels ``observe`` hides.
        complete: Shares of the training images on which full labels are tried, too, such as
            ``(0.1, 0.2, 0.4)``: what the labels of each method are worth is read off them.
        preset: Published settings: a collection, such as ``"voc2012"``.
        config: Settings, or a YAML file of them; keyword arguments override it.
        progress: Whether bars and lines are shown.
        **settings: By flat name, see below; each method takes those that it has.

    Raises:
        InputError: wrong settings, data or labels; nothing was trained.
        RunError: a run was stopped, or failed; call again to go on.
    """
    if clash := {"method", "delta_rel", "seed"} & settings.keys():
        raise ConfigError(
            f"compare decides {', '.join(sorted(clash))} itself: name methods with their Δ in "
            'methods=["ll-r:0.5"], and the number of seeds in seeds=3.'
        )
    folder, layers = Path(out), layers_of(data, preset, config, settings, methods)
    shown = usual_progress() if progress else silent_progress()
    check_compared(layers.named)
    variants = [Variant.parse(text) for text in methods]
    made_of = settings_by_method(layers, config)
    check_tuned(None if tuned is None else Path(tuned))
    for variant in variants:
        made_of(variant.method)
    from largeloss.api.results import MethodComparison
    from largeloss.experiments import compare as comparing
    from largeloss.experiments.tuned import Tuning
    from largeloss.pages.comparison import Heading, write_comparison

    chosen = None if tuned is None else Tuning.read(Path(tuned))
    if chosen:
        chosen.refuse(layers.named, variants)

    def make(variant: Variant) -> RunConfig:
        return made_of(variant.method)

    with _left_as_found(), shown_by(shown.bar):
        compared = comparing.compare(
            make, variants, seeds, folder, shown, vary_labels, complete, chosen
        )
        name = Path(data).name if data is not None else "Digit scenes"
        heading = Heading.of(name, compared.comparison, f"largeloss report {folder}")
        write_comparison(compared, heading, shown.remark)
    return MethodComparison(**vars(compared.comparison), path=folder, folders=compared.folders)


@takes_settings
@without_bars_of_others()
def tune(
    data: AnyPath | None = None,
    *,
    methods: Sequence[str] = ("full", "an", "ll-r", "ll-ct", "ll-cp"),
    budget: int = 15,
    complete: Sequence[float] = (),
    out: AnyPath = "runs/tune",
    preset: str | None = None,
    config: AnyPath | RunConfig | None = None,
    progress: bool = True,
    **settings: Any,
) -> "MethodTuning":
    """Chooses the learning rate and the own setting of each method on val, by the same search.

    Args:
        data: As of :func:`train`.
        methods: Names.
        budget: First trainings of each method, with seed 0; up to ten more follow, until
            those next to the best of them are done.
        complete: Shares of the training images for which full labels are searched for, too.
        out: Holds one folder per training; :func:`compare` takes it as ``tuned``.
        preset: As of :func:`compare`.
        config: Settings, or a YAML file of them; keyword arguments override it, and so do the
            learning rates, the seed and the values that are searched.
        progress: Whether bars and lines are shown.
        **settings: By flat name, see below; each method takes those that it has.

    Raises:
        InputError: wrong settings, data or labels; nothing was trained.
        RunError: a training was stopped, or failed: call again to go on; or all trainings of a
            method diverged: ``tuned.json`` has what was found for the others.
    """
    if clash := {"method", "delta_rel", "lr", "seed"} & settings.keys():
        raise ConfigError(f"tune decides {', '.join(sorted(clash))} itself: leave them out.")
    layers = layers_of(data, preset, config, settings, methods)
    shown = usual_progress() if progress else silent_progress()

    for text in check_searched(layers.named, methods, layers.of_file):
        shown.remark(text)
    make = settings_by_method(layers, config)
    for method in methods:
        make(method)
    from largeloss.api.results import MethodTuning
    from largeloss.experiments import tune as tuning

    with _left_as_found(), shown_by(shown.bar):
        found = tuning.tune(make, list(methods), budget, Path(out), shown, complete)
    return MethodTuning(**vars(found))


@contextmanager
def _left_as_found() -> Iterator[None]:
    """Torch's random streams are put back; what a run reports as a remark is no warning, too."""
    import torch

    with (
        torch.random.fork_rng(devices=range(torch.cuda.device_count())),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", CompleteLabelsWarning)
        yield
