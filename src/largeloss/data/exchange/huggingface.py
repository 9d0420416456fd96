"""Labels as ``metadata.jsonl`` of Hugging Face's folders: one column per class, 1, 0 or null."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from largeloss.errors import DataError, LabelError
from largeloss.files import loaded_json, read_text, written_atomically
from largeloss.labels import LabelTable

IMAGE, SPLIT = "file_name", "split"
_STATES = {1: 1, 0: 0, None: -1}
_NULL = {1: 1, 0: 0, -1: None}


def write_huggingface(path: Path, table: LabelTable, splits: Sequence[str] | None = None) -> None:
    """Writes one line per image: ``file_name``, maybe ``split``, and every class.

    Raises:
        LabelError: a class has the name of one of these two.
    """
    if clash := {IMAGE, SPLIT} & set(table.classes):
        raise LabelError(
            f"A class is called {clash.pop()!r}, as a column of metadata.jsonl that is no class. "
            "Rename it, or write --to coco."
        )
    with written_atomically(path) as partial, partial.open("wb") as file:
        for row, name in enumerate(table.images):
            line: dict[str, Any] = {IMAGE: name}
            line |= {} if splits is None else {SPLIT: splits[row]}
            states = table.lookup([row])[0].tolist()
            line |= dict(zip(table.classes, map(_NULL.get, states), strict=True))
            file.write(msgspec.json.encode(line) + b"\n")


def read_huggingface(path: Path) -> LabelTable:
    """The labels of a ``metadata.jsonl``; a class that a line does not name is unobserved there.

    Raises:
        DataError: it cannot be read, or a line is none of this kind; the message has its number.
        LabelError: an image twice.
    """
    try:
        lines = read_text(path).removeprefix("\ufeff").split("\n")
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}).") from None
    images: list[str] = []
    found: list[dict[str, int]] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            name, states = _states(line, f"{path}, line {number}")
            images.append(name)
            found.append(states)
    classes = tuple(dict.fromkeys(name for states in found for name in states))
    if not classes:
        raise DataError(f"{path}: there is no image with a class. Needed: a line for each image.")
    dense = np.array([[states.get(name, -1) for name in classes] for states in found], np.int8)
    return LabelTable.from_dense(dense, images, classes)


def _states(line: str, where: str) -> tuple[str, dict[str, int]]:
    try:
        values = loaded_json(line)
    except ValueError as error:
        raise DataError(f"{where}: this is no JSON object ({error}).") from None
    if not isinstance(values, dict):
        raise DataError(f"{where}: this is no JSON object (it is {type(values).__name__}).")
    name = values.pop(IMAGE, None)
    if not isinstance(name, str) or not name:
        raise DataError(f"{where}: there is no 'file_name', the image that the line is about.")
    values.pop(SPLIT, None)
    for column, value in values.items():
        if isinstance(value, list | dict | str) or value not in _STATES:
            raise DataError(
                f"{where}: {column!r} is {value!r}. Needed: 1 (present), 0 (absent) or null "
                "(unobserved)."
            )
    return name, {column: _STATES[value] for column, value in values.items()}
