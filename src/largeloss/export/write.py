"""Exports written: what exists is refused, and nothing appears that was not compared."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from largeloss.errors import ConfigError, RunError
from largeloss.export.formats import Program, check_packages, to_onnx, to_torch_export
from largeloss.export.model_card import model_card
from largeloss.export.parity import check_parity, expected_scores, real_inputs
from largeloss.export.scorer import description
from largeloss.export.target import beside, check_target
from largeloss.files import partial_name, sync_folder, write_json, write_text, written_atomically
from largeloss.runs.load import TrainedClassifier, load
from largeloss.runs.result import RunResult
from largeloss.runs.settings import saved_settings
from largeloss.training.run_folder import RunFolder
from largeloss.training.weights import CONFIG, WEIGHTS

_PROGRAMS: dict[str, Callable[[TrainedClassifier], Program]] = {
    "onnx": to_onnx,
    "torch-export": to_torch_export,
}
CARD = "README.md"


@dataclass(frozen=True)
class Exported:
    """What was written."""

    files: tuple[Path, ...]
    difference: float
    """The greatest difference of a score from those of ``predict``."""
    num_inputs: int
    """It was compared on."""


def export(run: Path, to: str, out: Path, images: Sequence[Path] | None = None) -> Exported:
    """Writes a trained model for other programs, after it gave the scores of ``predict``.

    ``onnx``: one file, and beside it a ``.json`` file that says how images are resized, and the
    classes and thresholds, as the metadata of the ONNX file do. ``torch-export``: the same for
    ``torch.export.load``. ``hub-folder``: weights, ``config.json`` and a model card; it loads with
    ``largeloss.load``.

    Args:
        run: A run folder, or a folder of such an export; ``hub-folder`` needs a finished run.
        to: One of :data:`.FORMATS`.
        out: A file, or a folder, that is not there.
        images: Files, or folders, that the scores are compared on; None takes val of the run.

    Raises:
        ConfigError: no such format, a target that exists, packages that are missing, no run.
        CheckpointError: weights that cannot be read.
        DataError, LabelError: nothing to compare on.
        RunError: the scores differ, or the file cannot be written.
    """
    check_target(to, out)
    if to == "onnx":
        check_packages()
    model = load(run)
    if to == "hub-folder" and not RunFolder(run).finished:
        raise ConfigError(
            f"A model card needs the result of a finished run, and {run} has none. Finish it with "
            f"'largeloss train --resume --out {run}'."
        )
    inputs = real_inputs(run, model, images)
    expected = expected_scores(model, inputs)

    def compared(scores: Callable[[NDArray[Any]], Any]) -> float:
        return check_parity(scores, inputs, expected, f"The model as {to}")

    if to == "hub-folder":
        with _folder_written_atomically(out) as partial:
            _fill(partial, run, out.name, model)
            again = load(partial)
            difference = compared(lambda part: expected_scores(again, torch.from_numpy(part)))
        files = [out / name for name in (CONFIG, WEIGHTS, CARD)]
        return Exported(tuple(files), difference, len(inputs))
    program = _PROGRAMS[to](model)
    difference = compared(program.scores)
    about = beside(out)
    parity = {"inputs": len(inputs), "greatest_difference": difference}
    write_json(about, {**description(model), "parity": parity})
    try:
        with written_atomically(out) as partial:
            partial.write_bytes(program.content)
    except BaseException:
        about.unlink(missing_ok=True)  # it describes what is not there
        raise
    return Exported((out, about), difference, len(inputs))


def _fill(folder: Path, run: Path, name: str, model: TrainedClassifier) -> None:
    best = RunFolder(run).best
    for file in (CONFIG, WEIGHTS):
        shutil.copyfile(best / file, folder / file)
    card = model_card(name, model, saved_settings(run), RunResult.read(run))
    write_text(folder / CARD, card)


@contextmanager
def _folder_written_atomically(path: Path) -> Iterator[Path]:
    """A new folder to write to; at the end of the block it takes its name."""
    partial = partial_name(path)
    try:
        partial.mkdir()
        yield partial
        for file in partial.iterdir():
            with file.open("rb+") as written:
                os.fsync(written.fileno())
        partial.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        raise RunError(
            f"{path} could not be written ({error.strerror or error}). Make room, or choose "
            "another place."
        ) from None
    finally:
        with suppress(OSError):
            shutil.rmtree(partial)
