"""The same search for every method: learning rate and the method's own setting, chosen on val."""

import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from largeloss import distributed
from largeloss.config import RunConfig
from largeloss.errors import ConfigError, NonFiniteError, RunError
from largeloss.experiments.out_folder import TUNE, check_group
from largeloss.experiments.runner import Runner, with_method, with_share
from largeloss.experiments.tuned import TunedMethod, Tuning
from largeloss.experiments.variant import Variant
from largeloss.experiments.worth import checked_shares
from largeloss.files import checksummed_json, write_text
from largeloss.losses import FullLabel, find_method, searched_of
from largeloss.losses.settings import constructor_settings
from largeloss.progress import Progress
from largeloss.runs.arguments import check_number
from largeloss.runs.choice import check_observed
from largeloss.runs.data import DataReader, decoded
from largeloss.runs.file_names import TRIALS, TUNED
from largeloss.runs.result import RunResult
from largeloss.runs.settings import resolved
from largeloss.training.evaluation import Evaluators
from largeloss.training.run_folder import RunFolder

RATES = (3e-5, 3e-3)
"""The lowest and the highest learning rate of the first trials, of all methods alike."""
EXTENDED = 10
"""Further trials of a method at most, where its best one lies on an edge."""
_STEP = math.sqrt(10)  # of learning rates beyond the edge


@dataclass(frozen=True)
class Trial:
    """One training of a search, with seed 0."""

    method: str
    lr: float
    value: float | None
    """Of the method's own setting; None for methods that have none."""
    share: float | None = None
    """Of the training images, see :func:`.with_share`; None for all."""

    @property
    def folder(self) -> str:
        """Name of the run's folder."""
        return f"{Variant(self.method, self.value, self.share).label}-lr{self.lr:g}"


def tune(
    make: Callable[[str], RunConfig],
    methods: Sequence[str],
    budget: int,
    out: Path,
    progress: Progress,
    complete: Sequence[float] = (),
) -> Tuning:
    """Searches for every method, by the same rule; writes ``tuned.json``, a CSV file.

    First at most ``budget`` trainings: learning rate × five values of the method's own setting (the
    class says which), or as many learning rates where it has none. While a method's best trial lies
    on an edge the search goes on beyond it, at most :data:`EXTENDED` trials more. The best
    :attr:`~largeloss.runs.result.RunResult.val_figure` wins; test labels choose nothing. Finished
    trials are not repeated; of their models, that of each method's best one is kept.

    Args:
        make: Gives the settings of a method.
        methods: Names.
        budget: First trials of a method, at most.
        out: Holds one folder per trial.
        progress: Is told how it goes on.
        complete: Shares of the training images for which full labels are searched for, too.

    Raises:
        InputError: settings or data that cannot be used; nothing was trained.
        RunError: a trial failed, or was stopped; the same call goes on.
    """
    if not methods or len(set(methods)) < len(methods):
        raise ConfigError("--methods must name at least one method, and each once.")
    check_number("budget", budget, 1)
    check_group(out, TUNE)
    shares = [(FullLabel.name, share) for share in checked_shares(complete)]
    searches: list[tuple[str, float | None]] = [*((method, None) for method in methods), *shares]
    bases = {method: make(method) for method, _ in searches}
    trials = {search: first_trials(search[0], budget, search[1]) for search in searches}
    first = [_settings(bases, trial) for own in trials.values() for trial in own]
    reader = DataReader(decoded, progress.remark)
    runner = Runner(dict(first), out, progress, reader, _check_val)
    progress.expect(runner.work)
    results: dict[Trial, RunResult | None] = {}
    tuned = []
    for own in trials.values():
        for trial in _extended(own, results):
            if trial not in own:
                progress.expect_more(runner.add(dict([_settings(bases, trial)])))
                own.append(trial)
            results[trial] = _trained(runner, trial, progress)
            _shed(out, {done: results[done] for done in own if done in results})
        tuned.append(_chosen({trial: results[trial] for trial in own}, bases[own[0].method]))
    rule = next(result.val_rule for result in results.values() if result is not None)
    found = Tuning(tuple(tuned), rule)
    if distributed.rank() == 0:
        write_text(out / TUNED, checksummed_json(asdict(found)))
        write_text(out / TRIALS, _csv(results))
    return found


def _trained(runner: Runner, trial: Trial, progress: Progress) -> RunResult | None:
    """Its result; None where it diverged, which is told: such a learning rate is no good one."""
    try:
        result = runner.train(trial.folder)
    except NonFiniteError as error:
        if distributed.world_size() > 1:  # the other processes wait for this one
            raise
        progress.message(f"{trial.folder:<24}  diverged")
        progress.remark(f"{trial.folder} diverged, and is not chosen. {error}")
        return None
    name = "mAP" if result.val_auc is None else "AUC"
    progress.message(f"{trial.folder:<24}  val {name} {result.val_figure:.1f}")
    return result


def _figure(result: RunResult | None) -> float:
    return -math.inf if result is None else result.val_figure


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


def first_trials(method: str, budget: int, share: float | None = None) -> list[Trial]:
    """Learning rates × values of the method's own setting, at most ``budget`` in all."""
    searched = searched_of(method)
    if searched is None:
        return [Trial(method, lr, None, share) for lr in _rates(budget)]
    values = searched[1]
    if budget < len(values):  # those in the middle
        skipped = (len(values) - budget) // 2
        values = values[skipped : skipped + budget]
    rates = _rates(budget // len(values))
    return [Trial(method, lr, value, share) for value in values for lr in rates]


def _rates(number: int) -> list[float]:
    """Evenly spaced on a logarithmic scale, to two digits; of many the equal ones once."""
    low, high = RATES
    if number == 1:
        spaced = [math.sqrt(low * high)]
    elif number == 2:  # the ends would be a hundredfold apart, with nothing between
        spaced = [low * _STEP, high / _STEP]
    else:
        spaced = np.geomspace(low, high, number).tolist()
    return list(dict.fromkeys(float(f"{rate:.1e}") for rate in spaced))


def _extended(first: Sequence[Trial], results: Mapping[Trial, RunResult | None]) -> Iterator[Trial]:
    """The first trials, then at most :data:`EXTENDED` beyond an edge, while the best lies there.

    ``results`` has those of the trials that were given before.
    """
    done, most = list(first), len(first) + EXTENDED  # the caller's list grows with what it is given
    yield from done
    while len(done) < most:
        best = max(done, key=lambda trial: _figure(results[trial]))
        further = [trial for trial in _beyond(best, done) if trial not in done]
        if not further:
            return
        done.append(further[0])
        yield further[0]


def _beyond(best: Trial, done: Sequence[Trial]) -> list[Trial]:
    """Trials beyond the edges that ``best`` lies on: another learning rate, another own value."""
    found = []
    rates = [trial.lr for trial in done]
    if best.lr == min(rates):
        found.append(replace(best, lr=float(f"{best.lr / _STEP:.1e}")))
    if best.lr == max(rates):
        found.append(replace(best, lr=float(f"{best.lr * _STEP:.1e}")))
    values = sorted({trial.value for trial in done if trial.value is not None})
    if best.value in (values[:1] + values[-1:]):
        found += [replace(best, value=value) for value in _further_values(best, values)]
    return found


def _further_values(best: Trial, tried: Sequence[float]) -> list[float]:
    """Of the method's own setting beyond the edge of ``tried`` on which ``best`` lies: in the same
    ratio, and not beyond what the setting may be; where one value was tried, its neighbours.
    """
    setting, values = cast(tuple[str, tuple[float, ...]], searched_of(best.method))
    if len(tried) == 1:
        place = values.index(tried[0])
        return [*values[max(0, place - 1) : place], *values[place + 1 : place + 2]]
    edge, inner = tried[:2] if best.value == tried[0] else (tried[-1], tried[-2])
    beyond = float(f"{edge * edge / inner:.2g}")
    limits = constructor_settings(find_method(best.method))[setting].range
    if limits is not None:
        beyond = min(max(beyond, limits.least), limits.most)
    further = type(edge)(beyond)
    return [further] if further != edge and (limits is None or further in limits) else []


def _chosen(results: Mapping[Trial, RunResult | None], base: RunConfig) -> TunedMethod:
    """The best trial; of equal ones the first.

    Raises:
        RunError: all have diverged.
    """
    best = _best(results)
    result = results[best]
    if result is None:
        raise RunError(
            f"All {len(results)} trials of {best.method} diverged: its logits became infinite at "
            "every learning rate. Look at the inputs, or leave it out of --methods."
        )
    assert result.val_map is not None  # a val without labels was refused
    searched = searched_of(best.method)
    beyond = [trial for trial in _beyond(best, list(results)) if trial not in results]
    return TunedMethod(
        best.method,
        None if searched is None else searched[0],
        best.value,
        best.lr,
        result.val_map,
        len(results),
        resolved(with_method(base, best.method, {})).plain(),
        bool(beyond),
        best.share,
        result.val_auc,
    )


def _shed(out: Path, results: Mapping[Trial, RunResult | None]) -> None:
    """Hundreds of models would fill a disk: of a method's trials, the best keeps its own."""
    if distributed.rank() == 0:
        best = _best(results)
        for trial, result in results.items():
            if result is not None:
                RunFolder(out / trial.folder).shed(weights=trial != best)


def _best(results: Mapping[Trial, RunResult | None]) -> Trial:
    """Of equal ones the first."""
    return max(results, key=lambda trial: _figure(results[trial]))


def _settings(bases: Mapping[str, RunConfig], trial: Trial) -> tuple[str, RunConfig]:
    """Folder and settings of a trial."""
    searched = searched_of(trial.method)
    own = {} if searched is None else {searched[0]: trial.value}
    made = with_method(bases[trial.method], trial.method, own)
    if trial.share is not None:
        made = with_share(made, trial.share)
    return trial.folder, made.with_values(training={"lr": trial.lr, "seed": 0})


def _csv(results: Mapping[Trial, RunResult | None]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["method", "share", "lr", "value", "val_map", "val_auc"])
    for trial, result in results.items():
        own = "" if trial.value is None else f"{trial.value:g}"
        share = f"{trial.share or 1:g}"
        figures = ["", ""]  # of a trial that diverged
        if result is not None:
            area = "" if result.val_auc is None else f"{result.val_auc:.4f}"
            figures = [f"{result.val_map:.4f}", area]
        writer.writerow([trial.method, share, f"{trial.lr:g}", own, *figures])
    return file.getvalue()
