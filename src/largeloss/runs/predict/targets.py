"""Where predictions may be written, asked before a model is loaded."""

from collections.abc import Sequence
from pathlib import Path

from largeloss.errors import ConfigError
from largeloss.files import PARTIAL
from largeloss.runs.output_file import check_output
from largeloss.runs.output_kinds import PREDICTIONS

MANIFEST = "_prediction.json"
SKIPPED = "_skipped"
SKIPPED_HEADER = "image,problem"
LOCK = ".lock"


def check_file(
    path: Path, bad_images: str, run: Path | None = None, lists: Sequence[Path] = ()
) -> None:
    """Makes sure that predictions (of ``run``, for the images of ``lists``) can be written to a
    file, and beside it the list of images that cannot be read.

    Raises:
        ConfigError: as :func:`.check_output`; or another file has the name of that list.
    """
    check_output(path, PREDICTIONS, run=run, inputs=lists)
    skipped = skipped_list(path)
    check_output(skipped, run=run, inputs=lists)
    if bad_images == "skip" and skipped.exists() and not is_skipped_list(skipped):
        raise ConfigError(
            f"{skipped} is where images that cannot be read would be listed, and holds something "
            "else. Rename it, or choose another --out; nothing was changed."
        )


def check_folder(folder: Path, resume: bool) -> None:
    """Makes sure that shards may be written to ``folder``; changes nothing.

    Raises:
        ConfigError: it holds something else, or shards that are not to be continued.
    """
    if not folder.parent.is_dir():
        raise ConfigError(f"The folder {folder.parent} of --out does not exist.")
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file; with --shards, --out is a folder. Name another.")
    if (folder / MANIFEST).exists():
        if not resume:
            raise ConfigError(
                f"{folder} already holds predictions. Continue them with --resume, or choose "
                "another --out; nothing was changed."
            )
        return
    allowed = {LOCK, SKIPPED}  # of a process that was killed at once
    held = [
        path.name
        for path in (sorted(folder.iterdir()) if folder.is_dir() else [])
        if path.name not in allowed and not path.name.endswith(PARTIAL)
    ]
    if held:
        raise ConfigError(
            f"{folder} is not empty (it holds {', '.join(held[:3])}) and holds no predictions in "
            "shards. Choose another --out; nothing was changed."
        )


def skipped_list(path: Path) -> Path:
    """Where the images that cannot be read are listed, beside ``path``."""
    return path.with_name(f"{path.stem}-skipped.csv")


def is_skipped_list(path: Path) -> bool:
    """Whether a file begins as such a list does."""
    try:
        with path.open("rb") as file:
            return path.is_file() and file.readline(64).rstrip(b"\r\n") == SKIPPED_HEADER.encode()
    except OSError:
        return False


def nothing_kept(path: Path) -> str:
    """What is kept of a file when a signal asks to stop."""
    return f"{path} was not written; no prediction is kept. With --shards, finished parts are."


def parts_kept(folder: Path) -> str:
    """What is kept of a folder when the work stops."""
    return f"Finished parts are kept in {folder}; go on with --resume."
