"""Where predictions may be written, asked before a model is loaded."""

from pathlib import Path

from largeloss.errors import ConfigError
from largeloss.files import PARTIAL

FILES = (".csv", ".jsonl", ".json", ".parquet")
"""How the names of files of predictions end."""
MANIFEST = "_prediction.json"
SKIPPED = "_skipped"
LOCK = ".lock"


def check_file(path: Path) -> None:
    """Makes sure that predictions can be written to a file.

    Raises:
        ConfigError: another suffix, or no such folder.
    """
    if path.suffix not in FILES:
        raise ConfigError(f"--out must end in {', '.join(FILES)}, got {path}.")
    if path.is_dir():
        raise ConfigError(f"{path} is a folder. Name a file, or write parts with --shards.")
    if not path.parent.is_dir():
        raise ConfigError(f"The folder {path.parent} of --out does not exist.")


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


def nothing_kept(path: Path) -> str:
    """What is kept of a file when a signal asks to stop."""
    return f"{path} was not written; no prediction is kept. With --shards, finished parts are."


def parts_kept(folder: Path) -> str:
    """What is kept of a folder when the work stops."""
    return f"Finished parts are kept in {folder}; go on with --resume."
