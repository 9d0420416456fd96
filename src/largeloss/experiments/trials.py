"""The trials of a search: those to begin with, and those around the best of them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from largeloss.experiments.variant import Variant
from largeloss.losses import find_method, searched_of
from largeloss.losses.settings import constructor_settings
from largeloss.runs.result import RunResult

RATES = (3e-5, 3e-3)
"""The lowest and the highest learning rate of the first trials, of all methods alike."""
EXTENDED = 10
"""Further trials of a method at most, until those around its best one are done."""
_STEP = math.sqrt(10)  # of learning rates beyond the edge


@dataclass(frozen=True)
class Trial:
    """One training of a search, with seed 0."""

    method: str
    lr: float
    value: float | None
    """Of the method's own setting; None for methods that have none."""
    share: float | None = None
    """Of the training images, see :func:`.in_as_many_steps`; None for all."""

    @property
    def folder(self) -> str:
        """Name of the run's folder."""
        return f"{Variant(self.method, self.value, self.share).label}-lr{self.lr:g}"


Results = Mapping[Trial, RunResult | None]
"""Of trials that have ended; None where one diverged."""


def first_trials(method: str, budget: int, share: float | None = None) -> list[Trial]:
    """Learning rates × values of the method's own setting, ``budget`` in all (fewer only above 50,
    where two digits do not tell so many rates apart).

    Where ``budget`` is no multiple of the number of values, those in the middle get one more rate.
    """
    searched = searched_of(method)
    if searched is None:
        return [Trial(method, lr, None, share) for lr in _rates(budget)]
    values = searched[1]
    if budget < len(values):  # those in the middle
        skipped = (len(values) - budget) // 2
        values = values[skipped : skipped + budget]
    each, more = divmod(budget, len(values))
    begin = (len(values) - more) // 2
    return [
        Trial(method, lr, value, share)
        for place, value in enumerate(values)
        for lr in _rates(each + (begin <= place < begin + more))
    ]


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


def extended(first: Sequence[Trial], results: Results) -> Iterator[Trial]:
    """The first trials, then at most :data:`EXTENDED` more, until those around the best are done.

    While all have diverged, lower learning rates alone. ``results`` has those of the trials that
    were given before.
    """
    done, most = list(first), len(first) + EXTENDED  # the caller's list grows with what it is given
    yield from done
    while len(done) < most:
        own = {trial: results[trial] for trial in done}
        if any(result is not None for result in own.values()):
            further = around(best_of(own), done)
        else:
            lowest = min(done, key=lambda trial: trial.lr)
            further = [_at_another_rate(lowest, 1 / _STEP)]
        if not further:
            return
        done.append(further[0])
        yield further[0]


def around(best: Trial, done: Sequence[Trial]) -> list[Trial]:
    """The trials next to ``best`` that are not ``done``: at the next learning rates and values of
    the own setting that were tried at all, and a step beyond the lowest and the highest.

    Learning rates come first: a value that was tried at one rate alone is judged at a better one.
    """
    rates = sorted({trial.lr for trial in done})
    place = rates.index(best.lr)
    found = [
        replace(best, lr=rates[place - 1]) if place else _at_another_rate(best, 1 / _STEP),
        replace(best, lr=rates[place + 1])
        if place + 1 < len(rates)
        else _at_another_rate(best, _STEP),
    ]
    values = sorted({trial.value for trial in done if trial.value is not None})
    if best.value is not None:
        place = values.index(best.value)
        inner = [*values[max(0, place - 1) : place], *values[place + 1 : place + 2]]
        beyond = _further_values(best, values) if best.value in (values[0], values[-1]) else []
        found += [replace(best, value=value) for value in sorted([*inner, *beyond])]
    return [trial for trial in found if trial not in done]


def _at_another_rate(trial: Trial, factor: float) -> Trial:
    return replace(trial, lr=float(f"{trial.lr * factor:.1e}"))


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


def best_of(results: Results) -> Trial:
    """Of equal ones the first."""
    return max(results, key=lambda trial: _figure(results[trial]))


def _figure(result: RunResult | None) -> float:
    return -math.inf if result is None else result.val_figure
