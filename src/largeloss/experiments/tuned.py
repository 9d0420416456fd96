"""What a search chose for each method, written and taken over by a comparison."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from largeloss.config import RunConfig
from largeloss.errors import ConfigError, RunError, meant
from largeloss.experiments.run_settings import with_method
from largeloss.experiments.variant import Variant
from largeloss.files import known_fields, read_text, verified_json
from largeloss.runs.arguments import check_tuned
from largeloss.runs.file_names import TUNED
from largeloss.runs.settings import resolved


@dataclass(frozen=True)
class TunedMethod:
    """What a search chose for a method."""

    method: str
    setting: str | None
    """Name of the method's own setting, where it has one."""
    value: float | None
    lr: float
    val_map: float
    """In percent, of the best epoch of the best trial."""
    trials: int
    settings: dict[str, Any]
    """What all trials had, but for ``setting``, lr, share and seed; resolved, as YAML holds it."""
    on_edge: bool
    """Whether trials next to the best one were left out: they may be better."""
    share: float | None = None
    """Of the training images; None for all."""
    val_log_rank: float | None = None
    """By which the trials were compared where blanks of val count as absent."""
    fingerprints: dict[str, str] = field(default_factory=dict)
    """Of the inputs, labels and start weights of the best trial; empty in files of earlier
    versions."""

    @property
    def own(self) -> dict[str, float]:
        """The method's own setting, as settings hold it."""
        return {} if self.setting is None or self.value is None else {self.setting: self.value}


@dataclass(frozen=True)
class Tuning:
    """The searches of several methods on the same data."""

    methods: tuple[TunedMethod, ...]
    val_rule: str
    """By which labels of val the trials were compared."""

    @property
    def chosen_by(self) -> str:
        """What the trials were compared by, in words."""
        ranked = any(one.val_log_rank is not None for one in self.methods)
        return "val log rank" if ranked else "val mAP"

    @classmethod
    def read(cls, path: Path) -> Self:
        """What :func:`tune` wrote.

        Args:
            path: ``tuned.json``, or the folder that holds it.

        Raises:
            ConfigError: no such file.
            RunError: it is not as it was written.
        """
        check_tuned(path)
        path = path / TUNED if path.is_dir() else path
        try:
            content = verified_json(read_text(path))
            methods = tuple(
                TunedMethod(**known_fields(TunedMethod, method)) for method in content["methods"]
            )
            found = cls(methods, content["val_rule"])
            by_area = any(method.get("val_auc") is not None for method in content["methods"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(
                f"{path} cannot be read ({error}). Needed: the --out of a 'largeloss tune' that "
                "has ended. The same command writes it again, and skips finished trials."
            ) from None
        if by_area:
            raise RunError(
                f"{path} was written by an earlier version of largeloss, which chose by the area "
                "under the ROC curve. Search again, with another --out."
            )
        return found

    def refuse(self, given: Iterable[str], variants: Iterable[Variant]) -> None:
        """Makes sure that nobody asks for another value of what the search has chosen.

        Args:
            given: Names of settings, as ``training.lr``.
            variants: What is to be compared.

        Raises:
            ConfigError: one of them is a learning rate or a setting that was searched.
        """
        if any(variant.delta_rel is not None for variant in variants):
            raise ConfigError("--tuned has the Δ of each method: name methods without, as in ll-r.")
        chosen = {f"method.{one.setting}" for one in self.methods if one.setting is not None}
        if clash := sorted({"training.lr", *chosen} & set(given)):
            raise ConfigError(
                f"--tuned has {', '.join(clash)} of each method, as chosen on val: leave it out, "
                "or leave out --tuned."
            )

    def found(self, variant: Variant) -> TunedMethod:
        """What was chosen for a method, on a share of the training images.

        Raises:
            ConfigError: the method was not tuned, or not on such a share.
        """
        method, share = variant.method, variant.share
        found = {one.method: one for one in self.methods if one.share == share}
        if method not in found and share is not None:
            raise ConfigError(
                f"--tuned has no learning rate of {method!r} on {100 * share:g} % of the images. "
                f"Tune with --complete, too: each share's curve needs its own (--complete "
                f"{share:g})."
            )
        if method not in found:
            raise ConfigError(f"--tuned has no {method!r}; {meant(method, found)}")
        return found[method]

    def applied(self, variant: Variant, base: RunConfig) -> RunConfig:
        """``base`` with what was chosen for a method, on a share of the training images.

        Raises:
            ConfigError: as of :meth:`found`; or ``base`` differs from what the method was tuned
                with.
        """
        method, chosen = variant.method, self.found(variant)
        # The same training in all else: a rate chosen for another one would not be a fair one.
        asked = resolved(with_method(base, method, {}))
        tried = resolved(RunConfig.model_validate(chosen.settings))
        free = {"training.lr", "training.seed", f"method.{chosen.setting}"}
        if chosen.fingerprints:  # the data themselves are compared, wherever they are
            free |= {"data.path", "data.labels"}
        different = [
            line for line in tried.differences(asked) if line.partition(":")[0] not in free
        ]
        if different:
            lines = "\n".join(f"  {line}" for line in different)
            raise ConfigError(
                f"{method} was tuned with other settings (tuned with → asked for):\n{lines}\n"
                "Give compare the same ones, or tune again."
            )
        return with_method(base, method, chosen.own).with_values(training={"lr": chosen.lr})
