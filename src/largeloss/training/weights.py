"""The weights of a model and what describes it, in one folder that can be carried elsewhere.

``model.safetensors`` also holds a digest of the names of the classes and of the head, so that the
names of another model, or in another order, are noticed.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from largeloss.errors import CheckpointError
from largeloss.files import (
    checksummed_json,
    digest,
    read_text,
    verified_json,
    write_text,
    written_atomically,
)
from largeloss.training.description import Description
from largeloss.training.run_folder import CONFIG, WEIGHTS, no_model

_NAMED_HEAD = "classes_and_head_sha256"
"""In the metadata of the weights."""


def save_weights(folder: Path, model: nn.Module, config: Mapping[str, Any]) -> str:
    """Writes ``model.safetensors`` and ``config.json`` into a folder that is there.

    Args:
        folder: Is there already.
        model: Its tensors are written.
        config: As :class:`~largeloss.training.description.Description`, but for the checksums.

    Returns:
        The SHA-256 of the weights file.
    """
    tensors = {
        name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()
    }
    named = {_NAMED_HEAD: _named_head(config["classes"], tensors)}
    path = folder / WEIGHTS
    with written_atomically(path) as partial:
        # save_file has errors of its own for full disks
        partial.write_bytes(save(tensors, named))
        digests = [digest(partial)]
        if path.is_file():
            digests.append(digest(path))  # those are there until the end of the block
        save_config(folder, {**config, "weights_sha256": digests})
    return digests[0]


def save_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Writes ``config.json``."""
    write_text(folder / CONFIG, checksummed_json(config))


def load_config(folder: Path) -> dict[str, Any]:
    """Reads ``config.json``, which may come from anybody: names, types and ranges are checked.

    Returns:
        What :class:`~largeloss.training.description.Description` lists.

    Raises:
        ConfigError: missing.
        CheckpointError: unreadable, not as it was written, or of another version.
    """
    content = _read(folder)
    try:
        return Description.of(content).model_dump(exclude_unset=True)
    except ValueError as error:
        raise CheckpointError(f"{folder / CONFIG} cannot be used: {error}.") from None


def load_weights(folder: Path) -> dict[str, Tensor]:
    """Reads ``model.safetensors``.

    Raises:
        ConfigError: there is no ``config.json`` beside it.
        CheckpointError: missing, damaged, not the file that was written with its config, or with
            other names of classes.
    """
    path, noted = folder / WEIGHTS, _read(folder)
    try:
        found = digest(path)
        weights = load_file(path)
        with safe_open(path, framework="pt") as file:
            named = (file.metadata() or {}).get(_NAMED_HEAD)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}).") from None
    if found not in noted.get("weights_sha256", ()):
        raise CheckpointError(
            f"{path} is not the file that was written: its checksum is not the one in {CONFIG}. It "
            "is damaged or was replaced; restore it, or train again."
        )
    if named != _named_head(noted.get("classes", ()), weights):
        raise CheckpointError(
            f"{CONFIG} in {folder} names other classes than the weights were saved with, or in "
            "another order. Restore it, or train again."
        )
    return weights


def _read(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    try:
        return verified_json(read_text(path))
    except FileNotFoundError:
        raise no_model(folder) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}).") from None


def _named_head(classes: Sequence[str], tensors: Mapping[str, Tensor]) -> str:
    head = {name: value for name, value in tensors.items() if name.startswith("head.")}
    return hashlib.sha256(json.dumps(list(classes)).encode() + save(head)).hexdigest()
