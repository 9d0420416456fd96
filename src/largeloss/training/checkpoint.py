"""Files that survive a crash: written beside, flushed, then renamed into place."""

import json
import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from largeloss.errors import CheckpointError, ConfigError

WEIGHTS = "model.safetensors"
CONFIG = "config.json"


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Writes a state of tensors and plain values, loadable weights-only."""
    partial = path.with_name(path.name + ".partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, partial)
    _into_place(partial, path)


def load_state(path: Path) -> dict[str, Any]:
    """Reads what :func:`save_state` wrote; never runs code of the file.

    Raises:
        CheckpointError: missing, cut off, or not a checkpoint of this kind.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about pickles that are refused anyway
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(
            f"There is no checkpoint {path}: no epoch of this run was finished. Start it afresh, "
            "without --resume, in a new folder."
        ) from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"{path} cannot be read as a checkpoint ({first}). It is damaged or was not written by "
            "largeloss; best/ still holds the best weights if it exists."
        ) from None
    return state


def save_weights(folder: Path, model: nn.Module, config: dict[str, Any]) -> None:
    """Writes ``model.safetensors`` and ``config.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()
    }
    partial = folder / (WEIGHTS + ".partial")
    save_file(tensors, partial)
    _into_place(partial, folder / WEIGHTS)
    save_config(folder, config)


def save_config(folder: Path, config: dict[str, Any]) -> None:
    """Writes ``config.json``."""
    partial = folder / (CONFIG + ".partial")
    partial.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    _into_place(partial, folder / CONFIG)


def load_config(folder: Path) -> dict[str, Any]:
    """Reads ``config.json``.

    Raises:
        ConfigError: missing.
        CheckpointError: unreadable.
    """
    path = folder / CONFIG
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"There is no trained model in {folder}: {CONFIG} is missing. Name the folder of a run "
            "that has finished at least one epoch."
        ) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}).") from None
    return config


def load_weights(folder: Path) -> dict[str, Tensor]:
    """Reads ``model.safetensors``.

    Raises:
        CheckpointError: missing or damaged.
    """
    try:
        return load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{folder / WEIGHTS} cannot be read ({error}).") from None


def _into_place(partial: Path, path: Path) -> None:
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
