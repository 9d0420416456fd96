"""Files that survive a crash: written beside, flushed, then renamed into place."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from largeloss.errors import CheckpointError, ConfigError
from largeloss.training.container import sync_folder

WEIGHTS = "model.safetensors"
CONFIG = "config.json"


def save_weights(folder: Path, model: nn.Module, config: dict[str, Any]) -> None:
    """Writes ``model.safetensors`` and ``config.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()
    }
    partial = folder / (WEIGHTS + ".partial")
    save_file(tensors, partial)
    digests = [_digest(partial)]
    if (folder / WEIGHTS).is_file():
        digests.append(_digest(folder / WEIGHTS))  # those are there until the last line is done
    save_config(folder, config | {"weights_sha256": digests})
    _into_place(partial, folder / WEIGHTS)


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
        CheckpointError: missing, damaged, or not the file that was written with its config.
    """
    path = folder / WEIGHTS
    try:
        digest = _digest(path)
        weights = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}).") from None
    noted = load_config(folder).get("weights_sha256")
    if noted is not None and digest not in noted:
        raise CheckpointError(
            f"{path} is not the file that was written: its checksum is not the one in {CONFIG}. It "
            "is damaged or was replaced; restore it, or train again."
        )
    return weights


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _into_place(partial: Path, path: Path) -> None:
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)
