"""Whether a comparison or a search may be written to a folder: asked before data are read."""

import re
from pathlib import Path
from typing import NamedTuple

from largeloss.data.folder.place import LABELS
from largeloss.errors import ConfigError
from largeloss.files import PARTIAL, loaded_json, read_text
from largeloss.runs.file_names import COMPARISON, TUNED
from largeloss.training.run_folder import is_run


class Group(NamedTuple):
    """Runs side by side, and by what their folder is known."""

    title: str
    file: str
    """That is written at their end."""
    names: frozenset[str]
    """In that file; others have files of its name, too."""
    run: re.Pattern[str]
    """The names of the runs' folders."""

    def ended(self, folder: Path) -> bool:
        """Whether its file is there."""
        try:
            found = loaded_json(read_text(folder / self.file))
        except (OSError, ValueError):
            return False
        return isinstance(found, dict) and self.names <= found.keys()

    def begun(self, folder: Path) -> bool:
        """Whether a folder is there that has the name of one of its runs."""
        return any(self.run.fullmatch(path.name) and path.is_dir() for path in folder.iterdir())


COMPARE = Group(
    "a comparison", COMPARISON, frozenset(("runs", "summary")), re.compile(r".+-seed\d+")
)
TUNE = Group("a search", TUNED, frozenset(("methods", "val_rule")), re.compile(r".+-lr[\d.e+-]+"))


def check_group(out: Path, own: Group) -> None:
    """Makes sure that ``out`` is new or empty, or holds what is to go on; changes nothing.

    What somebody has put beside a comparison or a search that was begun is left alone.

    Raises:
        ConfigError: it holds a run, a data folder, the other of the two, or something else.
    """
    if not out.is_dir():
        return  # what makes it says why it cannot
    try:
        _check(out, own)
    except OSError as error:
        raise ConfigError(f"The folder {out} cannot be read ({error}).") from None


def _check(out: Path, own: Group) -> None:
    if own.ended(out) or own.begun(out):
        return
    other = TUNE if own is COMPARE else COMPARE
    holds = None
    if is_run(out):
        holds = "a run"
    elif any((out / name).is_file() for name in LABELS):
        holds = "the labels of a data folder"
    elif other.ended(out):
        holds = other.title
    if holds is not None:
        raise ConfigError(
            f"{out} holds {holds}, and {own.title} needs a folder for itself. Choose another "
            "--out; nothing was changed."
        )
    held = sorted(path.name for path in out.iterdir())
    # hidden files are of programs, and none of them is replaced
    strangers = [name for name in held if not name.startswith(".") and not name.endswith(PARTIAL)]
    if strangers:
        raise ConfigError(
            f"{out} is not empty (it holds {', '.join(strangers[:3])}) and was not begun as "
            f"{own.title}. Choose another --out; nothing was changed."
        )
