"""The same search for every method: learning rate and the method's own setting, chosen on val."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from largeloss import distributed
from largeloss.config import RunConfig
from largeloss.errors import ConfigError, LargelossError, NonFiniteError, RunError
from largeloss.experiments.earlier import Row, remark_on_lost
from largeloss.experiments.fitted import fitted_names
from largeloss.experiments.out_folder import TUNE, check_group
from largeloss.experiments.run_settings import in_as_many_steps, with_method, with_share
from largeloss.experiments.runner import Runner
from largeloss.experiments.trials import Results, Trial, around, best_of, extended, first_trials
from largeloss.experiments.tuned import TunedMethod, Tuning
from largeloss.experiments.variant import Variant
from largeloss.experiments.worth import checked_shares
from largeloss.files import checksummed_json, write_text
from largeloss.losses import FullLabel, searched_of
from largeloss.progress import Progress
from largeloss.runs.arguments import check_number
from largeloss.runs.choice import check_observed
from largeloss.runs.data import DataReader, decoded
from largeloss.runs.file_names import TRIALS, TUNED
from largeloss.runs.result import RunResult
from largeloss.runs.settings import resolved
from largeloss.training.evaluation import Evaluators
from largeloss.training.run_folder import RunFolder


def tune(
    make: Callable[[str], RunConfig],
    methods: Sequence[str],
    budget: int,
    out: Path,
    progress: Progress,
    complete: Sequence[float] = (),
) -> Tuning:
    """Searches for every method, by the same rule; writes ``tuned.json``, a CSV file.

    First ``budget`` trainings: learning rate × five values of the method's own setting (the
    class says which), or as many learning rates where it has none. Then those next to the best
    trial of a method, see :func:`.around`, at most :data:`.EXTENDED`. The best
    :attr:`~largeloss.runs.result.RunResult.val_figure` wins; test labels choose nothing. Finished
    trials are not repeated; of their models, that of each method's best one is kept.

    Args:
        make: Gives the settings of a method.
        methods: Names.
        budget: First trials of a method.
        out: Holds one folder per trial.
        progress: Is told how it goes on.
        complete: Shares of the training images for which full labels are searched for, too.

    Raises:
        InputError: settings or data that cannot be used; nothing was trained.
        RunError: a trial failed, or was stopped: the same call goes on; or all trials of a method
            diverged: ``tuned.json`` has the others.
    """
    if not methods or len(set(methods)) < len(methods):
        raise ConfigError("--methods must name at least one method, and each once.")
    check_number("budget", budget, 1)
    check_group(out, TUNE)
    earlier = _listed(out)
    shares = [(FullLabel.name, share) for share in checked_shares(complete)]
    reader = DataReader(decoded, progress.remark)
    names = fitted_names(methods, make, reader, progress.remark)
    searches: list[tuple[str, float | None]] = [*((name, None) for name in names), *shares]
    bases = {method: make(method) for method, _ in searches}
    trials = {search: first_trials(search[0], budget, search[1]) for search in searches}
    settings = partial(_settings, bases, out, reader)
    first = settings([trial for own in trials.values() for trial in own])
    runner = Runner(first, out, progress, reader, _check_val)
    progress.expect(runner.work)
    now = [(method, None, share or 1.0) for method, share in searches]
    if text := remark_on_lost(TUNED, earlier, now):
        progress.remark(text)
    results: dict[Trial, RunResult | None] = {}
    tuned = []
    for own in trials.values():
        for trial in extended(own, results):
            if trial not in own:
                progress.expect_more(runner.add(settings([trial])))
                own.append(trial)
            results[trial] = _trained(runner, trial, progress)
            _shed(out, {done: results[done] for done in own if done in results})
        if (chosen := _chosen({trial: results[trial] for trial in own}, bases)) is not None:
            tuned.append(chosen)
    found = Tuning(tuple(tuned), next((one.val_rule for one in results.values() if one), ""))
    if distributed.rank() == 0 and tuned:
        write_text(out / TUNED, checksummed_json(asdict(found)))
        write_text(out / TRIALS, _csv(results))
    if lost := [search for search in trials if search not in {(t.method, t.share) for t in tuned}]:
        raise _diverged(lost, TUNED if tuned else None)
    return found


def _listed(out: Path) -> list[Row]:
    """What ``tuned.json`` has; nothing where there is none that can be read."""
    try:
        return [(one.method, None, one.share or 1.0) for one in Tuning.read(out).methods]
    except LargelossError:
        return []


def _diverged(searches: Sequence[tuple[str, float | None]], file: str | None) -> RunError:
    """Of methods all trials of which diverged; ``file`` has what was found for the others."""
    names = ", ".join(Variant(method, share=share).label for method, share in searches)
    return RunError(
        f"All trials of {names} diverged: the logits became infinite at every learning rate. Look "
        "at the inputs, or leave out of --methods what diverged."
        + (f" {file} has what was found for the others." if file else "")
    )


def _trained(runner: Runner, trial: Trial, progress: Progress) -> RunResult | None:
    """Its result; None where it diverged, which is told: such a learning rate is no good one."""
    try:
        result = runner.train(trial.folder)
    except NonFiniteError as error:
        if distributed.world_size() > 1:  # the other processes wait for this one
            raise
        progress.message(f"{trial.folder:<24}  diverged")
        why = str(error).removeprefix(f"{trial.folder}: ")
        progress.remark(f"{trial.folder} diverged, and is not chosen. {why}")
        return None
    name = "mAP" if result.val_log_rank is None else "log rank"
    progress.message(f"{trial.folder:<24}  val {name} {result.val_figure:.1f}")
    return result


def _check_val(evaluators: Evaluators) -> None:
    what = "Settings cannot be chosen on val"
    check_observed(evaluators.val, what)
    if not evaluators.val.deciding.any():
        number = evaluators.val.table.num_images
        raise ConfigError(
            f"{what}: each class is present in all of its {number} images, or in none, so that all "
            "models measure alike. Give val images that have a tag and images that do not; "
            "'largeloss data split' draws other images."
        )


def _chosen(results: Results, bases: Mapping[str, RunConfig]) -> TunedMethod | None:
    """The best trial of a method, of equal ones the first; None where all have diverged."""
    best = best_of(results)
    result = results[best]
    if result is None:
        return None
    assert result.val_map is not None  # a val without labels was refused
    searched = searched_of(best.method)
    return TunedMethod(
        best.method,
        None if searched is None else searched[0],
        best.value,
        best.lr,
        result.val_map,
        len(results),
        resolved(with_method(bases[best.method], best.method, {})).plain(),
        bool(around(best, list(results))),
        best.share,
        result.val_log_rank,
        result.fingerprints,
    )


def _shed(out: Path, results: Results) -> None:
    """Hundreds of models would fill a disk: of a method's trials, the best keeps its own."""
    if distributed.rank() == 0:
        best = best_of(results)
        for trial, result in results.items():
            if result is not None:
                RunFolder(out / trial.folder).shed(weights=trial != best)


def _settings(
    bases: Mapping[str, RunConfig], out: Path, reader: DataReader, trials: Sequence[Trial]
) -> dict[str, RunConfig]:
    """The settings of trials, by folder; ``bases`` are those of each method."""
    made = {trial.folder: _own_settings(bases[trial.method], trial) for trial in trials}
    shares = {t.folder: resolved(made[t.folder]) for t in trials if t.share is not None}
    return made | in_as_many_steps(shares, out, reader)


def _own_settings(base: RunConfig, trial: Trial) -> RunConfig:
    """On a share without its further epochs."""
    searched = searched_of(trial.method)
    own = {} if searched is None else {searched[0]: trial.value}
    made = with_method(base, trial.method, own)
    if trial.share is not None:
        made = with_share(made, trial.share)
    return made.with_values(training={"lr": trial.lr, "seed": 0})


def _csv(results: Results) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["method", "share", "lr", "value", "val_map", "val_log_rank"])
    for trial, result in results.items():
        own = "" if trial.value is None else f"{trial.value:g}"
        share = f"{trial.share or 1:g}"
        figures = ["", ""]  # of a trial that diverged
        if result is not None:
            ranked = "" if result.val_log_rank is None else f"{result.val_log_rank:.4f}"
            figures = [f"{result.val_map:.4f}", ranked]
        writer.writerow([trial.method, share, f"{trial.lr:g}", own, *figures])
    return file.getvalue()
