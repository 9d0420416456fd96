"""The weights of a model and what describes it, in one folder that can be carried elsewhere."""

from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from largeloss.errors import CheckpointError, ConfigError
from largeloss.files import (
    checksummed_json,
    digest,
    read_text,
    verified_json,
    write_text,
    written_atomically,
)

WEIGHTS = "model.safetensors"
CONFIG = "config.json"


def save_weights(folder: Path, model: nn.Module, config: dict[str, Any]) -> None:
    """Writes ``model.safetensors`` and ``config.json`` into a folder that is there."""
    tensors = {
        name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()
    }
    path = folder / WEIGHTS
    with written_atomically(path) as partial:
        partial.write_bytes(save(tensors))  # save_file has errors of its own for full disks
        digests = [digest(partial)]
        if path.is_file():
            digests.append(digest(path))  # those are there until the end of the block
        save_config(folder, config | {"weights_sha256": digests})


def save_config(folder: Path, config: dict[str, Any]) -> None:
    """Writes ``config.json``."""
    write_text(folder / CONFIG, checksummed_json(config))


def load_config(folder: Path) -> dict[str, Any]:
    """Reads ``config.json``.

    Raises:
        ConfigError: missing.
        CheckpointError: unreadable, or not as it was written.
    """
    path = folder / CONFIG
    try:
        return verified_json(read_text(path))
    except FileNotFoundError:
        raise ConfigError(
            f"There is no trained model in {folder}: {CONFIG} is missing. Name the folder of a run "
            "that has finished at least one epoch."
        ) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}).") from None


def load_weights(folder: Path) -> dict[str, Tensor]:
    """Reads ``model.safetensors``.

    Raises:
        CheckpointError: missing, damaged, or not the file that was written with its config.
    """
    path = folder / WEIGHTS
    try:
        found = digest(path)
        weights = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}).") from None
    noted = load_config(folder).get("weights_sha256")
    if noted is not None and found not in noted:
        raise CheckpointError(
            f"{path} is not the file that was written: its checksum is not the one in {CONFIG}. It "
            "is damaged or was replaced; restore it, or train again."
        )
    return weights
