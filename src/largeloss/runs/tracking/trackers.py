"""The three trackers, each over accelerate's: where it keeps what, and what it can keep at all.

Their packages are imported when a run is followed. Any of their methods may raise anything.
"""

import os
import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from accelerate import tracking as accelerated

from largeloss.config import RunConfig
from largeloss.errors import ConfigError
from largeloss.runs.tracking.content import Results
from largeloss.training.run_folder import REPORT, TENSORBOARD

PROJECT = "largeloss"
"""Of Weights & Biases, and MLflow's experiment, where nothing else names them."""
LONGEST = 5000
"""Characters of a setting's value; MLflow refuses more than 6000."""


class Tracker(ABC):
    """One tracker of one run.

    Args:
        folder: The run folder.
        group: What the run belongs to, such as a comparison; None for a run of its own.
    """

    name: str
    """Also that of its package."""

    def __init__(self, folder: Path, group: str | None) -> None:
        self.folder, self.group = folder.resolve(), group

    def new_id(self) -> str | None:
        """The name of a new run, where it is not the tracker's server that gives it."""
        return None

    @abstractmethod
    def begin(self, run: str | None) -> str:
        """Begins a run, or goes on with it; gives its name."""

    @abstractmethod
    def settings(self, settings: RunConfig) -> None:
        """All settings, once per run."""

    @abstractmethod
    def epoch(self, values: Mapping[str, float], epoch: int, position: int) -> None:
        """Figures after an epoch, which is the ``position``-th of all phases."""

    @abstractmethod
    def results(self, results: Results, settings: RunConfig, position: int) -> None:
        """At the end of the run."""

    @abstractmethod
    def end(self, finished: bool) -> None:
        """No more comes now; ``finished``: nor ever."""

    @property
    @abstractmethod
    def where(self) -> str:
        """How it is looked at, in a sentence."""


class TensorBoard(Tracker):
    """Event files in the run folder. It keeps no files: report and weights are named in a text."""

    name = "tensorboard"

    def begin(self, run: str | None) -> str:
        self._inner = accelerated.TensorBoardTracker(TENSORBOARD, self.folder)
        self._inner.start()
        return TENSORBOARD

    def settings(self, settings: RunConfig) -> None:
        self._text("settings", _table(("setting", "value"), flat_settings(settings).items()))

    def epoch(self, values: Mapping[str, float], epoch: int, position: int) -> None:
        self._inner.log(dict(values), step=epoch)

    def results(self, results: Results, settings: RunConfig, position: int) -> None:
        named = {f"result/{name}": value for name, value in results.figures.items()}
        # the run's own folder, and not one more run beside it
        self._inner.tracker.add_hparams(flat_settings(settings), named, run_name=".")
        ap = {f"test_ap/{name}": value for name, value in results.ap.items()}
        self._inner.log(ap, step=results.best_epoch)
        figures = [(name, f"{value:.1f}") for name, value in results.figures.items()]
        self._text("result", _table(("figure", "value"), figures))
        titles = ("class", "test AP (%)", "present", "absent", "unknown")
        classes = [
            (name, f"{results.ap[name]:.1f}" if name in results.ap else "–", *counts)
            for name, counts in results.counts.items()
        ]
        self._text("classes", _table(titles, classes))
        files = [*(path.name for path in results.files), f"{results.best.name}/"]
        self._text("files", f"In `{self.folder}`: " + ", ".join(f"`{one}`" for one in files))

    def end(self, finished: bool) -> None:
        self._inner.finish()

    @property
    def where(self) -> str:
        return f"TensorBoard: tensorboard --logdir {self.folder.parent}"

    def _text(self, name: str, text: str) -> None:
        self._inner.log({name: text}, step=0)


class Wandb(Tracker):
    """Weights & Biases: its usual folder, server and variables; files as artifacts."""

    name = "wandb"

    def new_id(self) -> str:
        return secrets.token_hex(4)

    def begin(self, run: str | None) -> str:
        import wandb

        settings: dict[str, Any] = {}
        if "WANDB_FINISH_TIMEOUT" not in os.environ:  # a job must not wait for a network for ever
            settings = {"finish_timeout": 600.0, "finish_timeout_raises": True}
        self._inner = accelerated.WandBTracker(
            os.environ.get("WANDB_PROJECT", PROJECT),
            id=run,
            resume="allow",
            name=self.folder.name,
            group=self.group or os.environ.get("WANDB_RUN_GROUP"),
            reinit="create_new",  # a notebook may have a run of its own
            settings=wandb.Settings(**settings),
        )
        self._inner.start()
        # phases have epochs of their own, and wandb one ascending count
        self._inner.tracker.define_metric("*", step_metric="epoch")
        return str(run)

    def settings(self, settings: RunConfig) -> None:
        self._inner.tracker.config.update(settings.plain(), allow_val_change=True)

    def epoch(self, values: Mapping[str, float], epoch: int, position: int) -> None:
        self._inner.log({**values, "epoch": epoch}, step=position)

    def results(self, results: Results, settings: RunConfig, position: int) -> None:
        import wandb

        run = self._inner.tracker
        run.summary.update({f"result/{name}": value for name, value in results.figures.items()})
        run.summary.update({f"test_ap/{name}": value for name, value in results.ap.items()})
        rows = [[name, results.ap.get(name), *counts] for name, counts in results.counts.items()]
        shown: dict[str, Any] = {
            "classes": wandb.Table(["class", "AP (%)", "present", "absent", "unknown"], rows)
        }
        for path in results.files:
            if path.name == REPORT:
                shown["report"] = wandb.Html(str(path), inject=False)
        self._inner.log(shown, step=position)
        model = wandb.Artifact(f"model-{run.id}", type="model")
        model.add_dir(str(results.best))
        files = wandb.Artifact(f"run-{run.id}", type="run")
        for path in results.files:
            files.add_file(str(path))
        for artifact in (model, files):
            run.log_artifact(artifact)

    def end(self, finished: bool) -> None:
        self._inner.tracker.finish(exit_code=0 if finished else 1)

    @property
    def where(self) -> str:
        run = self._inner.tracker
        place = run.url or f"offline; to upload it: wandb sync {Path(run.dir).parent}"
        return f"Weights & Biases: {place}"


class MLflow(Tracker):
    """MLflow: its usual store and variables (``MLFLOW_TRACKING_URI``); files as artifacts."""

    name = "mlflow"

    def begin(self, run: str | None) -> str:
        self._inner = accelerated.MLflowTracker(
            (self.group or PROJECT).replace("'", ""),  # accelerate puts it in quotes
            run_id=run,
            run_name=self.folder.name,
            nested_run=True,  # a notebook may have a run of its own
        )
        self._inner.start()
        return str(self._inner.tracker.info.run_id)

    def settings(self, settings: RunConfig) -> None:
        self._inner.store_init_configuration(flat_settings(settings))

    def epoch(self, values: Mapping[str, float], epoch: int, position: int) -> None:
        self._inner.log(dict(values), step=epoch)

    def results(self, results: Results, settings: RunConfig, position: int) -> None:
        figures = {f"result/{name}": value for name, value in results.figures.items()}
        for names in _chunks([*figures], 500):
            self._inner.log({name: figures[name] for name in names}, step=results.best_epoch)
        ap = {f"test_ap/{_allowed(name)}": value for name, value in results.ap.items()}
        for names in _chunks([*ap], 500):
            self._inner.log({name: ap[name] for name in names}, step=results.best_epoch)
        for path in results.files:
            self._inner.log_artifact(str(path))
        self._inner.log_artifacts(str(results.best), results.best.name)

    def end(self, finished: bool) -> None:
        import mlflow

        mlflow.end_run("FINISHED" if finished else "KILLED")

    @property
    def where(self) -> str:
        import mlflow

        return f"MLflow: mlflow ui --backend-store-uri {mlflow.get_tracking_uri()}"


TRACKERS: dict[str, type[Tracker]] = {one.name: one for one in (TensorBoard, Wandb, MLflow)}


def check_trackers(names: Iterable[str]) -> None:
    """Makes sure that the packages of trackers are installed.

    Raises:
        ConfigError: one is missing.
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"--track needs {', '.join(missing)}, which is not installed. Install it with\n"
            f"  pip install {' '.join(missing)}\n"
            "or all trackers with\n"
            "  pip install 'largeloss[tracking]'"
        )


def flat_settings(settings: RunConfig) -> dict[str, str | bool | int | float]:
    """``section.name`` → value, without those left empty; lists as text, long ones cut."""
    return {
        name: value if isinstance(value, bool | int | float) else str(value)[:LONGEST]
        for name, value in settings.flat().items()
        if value is not None
    }


def _table(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """In Markdown."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(_cell(one) for one in line) + " |" for line in lines)


def _cell(value: Any) -> str:
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", str(value).replace("\n", " "))


def _allowed(name: str) -> str:
    """A class as MLflow allows it in the name of a metric."""
    return re.sub(r"[^\w\-. :/]", "_", name)


def _chunks(names: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    """MLflow takes a thousand figures at once, at most."""
    return (names[place : place + size] for place in range(0, len(names), size))
