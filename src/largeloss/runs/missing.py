"""What Δ auto is told of missing tags: a percentage, or the audit of a review, read as one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from largeloss.config import MethodConfig
from largeloss.data import Dataset
from largeloss.errors import ConfigError
from largeloss.labels.audit import Audit, read_audit

_SAME = 0.1
"""Of the tags that an audit found missing: so many entries may have been labelled since."""


@dataclass(frozen=True)
class OwnSettings:
    """The settings of a method that its constructor takes."""

    values: dict[str, Any]
    remarks: tuple[str, ...] = ()


def own_settings(method: MethodConfig, dataset: Dataset | None = None) -> OwnSettings:
    """The settings that the user has given, ``missing`` as a number.

    Args:
        method: Where ``missing`` is the path of an ``audit.json``, it is read.
        dataset: What is trained on; an audit must be of its classes.

    Raises:
        ConfigError: no such file, without an answer, or of other classes.
        LabelError: it is damaged.
    """
    values, path = method.given(), method.missing
    if not isinstance(path, Path):
        return OwnSettings(values)
    audit = read_audit(path)
    if audit is None:
        raise ConfigError(
            f"missing is {path}, which is neither a number from 0 to 100 nor a file. Give the "
            "percentage of unobserved entries that are present, or RUN/review/audit.json, which "
            "'largeloss review RUN' writes when its audit is answered."
        )
    overall = audit.overall
    if overall.estimate is None:
        raise ConfigError(
            f"{path} has no answer yet. Answer its sample in 'largeloss review', or leave --missing"
            " out."
        )
    values["missing"] = 100 * overall.estimate
    if dataset is None:
        return OwnSettings(values)
    _check_classes(path, audit, dataset)
    told = (
        f"By the audit {path}, {values['missing']:.1f} % of the unobserved entries are present "
        f"({100 * overall.low:.1f} to {100 * overall.high:.1f} % in 95 of 100 samples; "
        f"{overall.answered} answers, {len(audit.answered)} of {len(audit.classes)} classes)."
    )
    return OwnSettings(values, (told, *_changes(audit, dataset)))


def _check_classes(path: Path, audit: Audit, dataset: Dataset) -> None:
    other = [name for name in audit.classes if name not in dataset.labels.classes]
    absent = [name for name in dataset.labels.classes if name not in audit.classes]
    if other or absent:
        raise ConfigError(
            f"{path} is an audit of other classes: "
            + "; ".join(
                f"{what} {', '.join(names[:4])}{', …' if len(names) > 4 else ''}"
                for what, names in (("it has", other), ("it lacks", absent))
                if names
            )
            + ". Needed is one of a run on the same classes."
        )


def _changes(audit: Audit, dataset: Dataset) -> list[str]:
    """That labels have been added since."""
    blank = dataset.labels.select(dataset.rows("train")).counts().unobserved
    now = dict(zip(dataset.labels.classes, blank.tolist(), strict=True))
    answered = [(one.population, now[name]) for name, one in audit.answered]
    before, after = np.sum(answered, axis=0).tolist()
    if abs(after - before) <= _SAME * (audit.overall.estimate or 0) * before:
        return []
    return [
        f"When the audit was drawn, {before} entries of its classes were unobserved; now {after} "
        "are. The share that is missing may have changed with them."
    ]
