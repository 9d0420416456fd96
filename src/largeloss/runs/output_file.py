"""Whether a command may write its file to a place: asked early, by all that write one.

A file of before is replaced where it was the same command's. What has another meaning is not: the
own files of a run, of a comparison or of a data folder, what the command itself reads, and whatever
else does not hold what this command writes.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from largeloss.config import read_yaml
from largeloss.data.folder.boxes import BOXES
from largeloss.data.folder.dataset_json import DESCRIPTION
from largeloss.data.folder.place import FEATURES, LABELS
from largeloss.errors import ConfigError
from largeloss.runs.file_names import COMPARISON, SENT, TABLE, TRIALS, TUNED
from largeloss.runs.output_kinds import OutputKind, content
from largeloss.training.run_folder import (
    CONFIG,
    FILES,
    HEAD,
    REPORT,
    SETTINGS,
    TEACHER,
    TENSORBOARD,
    WEIGHTS,
    is_run,
)

_KEPT = (  # what such a folder is, the files by which it is known, and those that are its own
    ("the run", (SETTINGS,), (*FILES, SENT)),
    ("the model", (CONFIG,), (CONFIG, WEIGHTS)),
    ("the comparison", (COMPARISON,), (COMPARISON, TABLE, REPORT)),
    ("the search", (TUNED,), (TUNED, TRIALS, TABLE)),
    ("the data folder", LABELS, (*LABELS, DESCRIPTION, BOXES, FEATURES)),
)
_FOLDERS = ("best", "last", "recorded", "review", "analysis", "folds", HEAD, TENSORBOARD)


def check_output(
    path: Path,
    kind: OutputKind | None = None,
    *,
    run: Path | None = None,
    inputs: Iterable[Path] = (),
    own: str = "",
) -> None:
    """Makes sure that a command's file can be written to ``path``, and replaces nothing else.

    Args:
        path: The file.
        kind: What the command writes: how the name may end, and which file it may replace. None
            where the command has looked at the file itself.
        run: Whose label file is not to be replaced, wherever it is.
        inputs: Files that the command reads.
        own: The name of a file that it may replace in a run or comparison, whatever that holds.

    Raises:
        ConfigError: it cannot, or would.
    """
    if kind is not None and kind.suffixes and path.suffix not in kind.suffixes:
        raise ConfigError(f"--out must end in {', '.join(kind.suffixes)}, got {path}.")
    if path.is_dir():
        raise ConfigError(f"{path} is a folder. Name a file for --out.")
    if not path.parent.is_dir():
        raise ConfigError(f"The folder {path.parent} of --out does not exist.")
    if not os.access(path.parent, os.W_OK | os.X_OK) or (path.exists() and not path.is_file()):
        raise ConfigError(f"{path} cannot be written. Choose another --out.")
    place = path.parent.resolve() / path.name  # a link there is replaced, not what it leads to
    read = [*inputs, *_label_files(run)]
    if place in {file.parent.resolve() / file.name for file in read} | {f.resolve() for f in read}:
        raise _refused(path, "is read by this command")
    its_own = False
    for what, known_by, names in _KEPT:
        is_one = any((place.parent / name).is_file() for name in known_by)
        if is_one and place.name in names:
            if place.name != own:
                raise _refused(path, f"is a file of {what} in {path.parent}")
            its_own = True
    folder = place.parent.name
    if (folder in _FOLDERS or folder.startswith(TEACHER)) and is_run(place.parent.parent):
        raise _refused(path, f"is in a folder that the run in {path.parent.parent} has for itself")
    if kind is None or its_own or not path.is_file() or not path.stat().st_size:
        return
    if not kind.wrote(path):
        raise ConfigError(
            f"{path} is there, and is not what this command writes: {content(path)}. {kind.unknown}"
            "Move it away, or choose another --out; nothing was changed."
        )


def _refused(path: Path, why: str) -> ConfigError:
    return ConfigError(f"{path} {why}. Choose another --out; nothing was changed.")


def _label_files(run: Path | None) -> Iterator[Path]:
    """That a run was told to take in place of its data folder's own."""
    if run is None or not is_run(run):
        return
    try:
        data = read_yaml(run / SETTINGS).get("data")
    except ConfigError:  # what opens the run says so
        return
    if isinstance(data, dict) and isinstance(data.get("labels"), str):
        yield Path(data["labels"])
