"""Which images are meant: by files, folders, patterns and lists."""

import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from largeloss.data.folder.place import FEATURES
from largeloss.data.inputs.suffixes import SUFFIXES
from largeloss.errors import DataError
from largeloss.runs.predict.lists import STDIN, listed_paths, no_list
from largeloss.runs.predict.path_list import PathList

AnyPath = str | os.PathLike[str]
_PIXELS = (
    " Pixels (H, W, 3) uint8 go through the model itself: "
    "model.scores(model(model.preprocess(pixels)[None]))."
)


def as_paths(given: AnyPath | Sequence[AnyPath]) -> list[Path]:
    """One path, or several.

    Raises:
        DataError: something else, such as pixels.
    """
    if isinstance(given, str | os.PathLike) or not isinstance(given, Iterable):
        return [as_path(given, _PIXELS)]
    return [as_path(path, _PIXELS) for path in given]


def as_path(given: AnyPath, more: str = "") -> Path:
    """A path; the error says ``more``.

    Raises:
        DataError: something else.
    """
    if not isinstance(given, str | os.PathLike):
        raise DataError(
            "Needed is a path of a file or a folder, as text or pathlib.Path, but got "
            f"{type(given).__name__}.{more}"
        )
    return Path(given)


@dataclass(frozen=True)
class FoundImages:
    """The images that were named."""

    paths: PathList
    left_out: Mapping[str, int]
    """Suffix → files in folders that are no images by their suffix."""


def find_images(paths: Sequence[Path], lists: Sequence[Path] = ()) -> FoundImages:
    """The images among files, in folders and all that is below them, that match patterns such as
    ``photos/*.jpg``, and that lists name; folders are sorted. Each is there once.

    Files in folders that are no images by their suffix are counted, unless they begin with a dot.
    Whether what a list names exists is not looked at.

    Raises:
        DataError: a path does not exist, a folder or list cannot be read, or there is no image.
    """
    others: Counter[str] = Counter()

    def named() -> Iterator[str]:
        for path in paths:
            yield from _images_at(path, others)
        for path in lists:
            yield from listed_paths(path)

    found = PathList(named())
    if not found:
        given = ", ".join(map(str, [*paths, *lists])) or "nothing"
        raise DataError(
            f"There are no images in {given} (looked for {', '.join(sorted(SUFFIXES))})."
            f"{passed_over(others)}"
        )
    return FoundImages(found, dict(others.most_common()))


def check_sources(paths: Sequence[Path], lists: Sequence[Path] = ()) -> None:
    """Makes sure that what is named is there; patterns are not looked at, nor is what lists name.

    Raises:
        DataError: it is not.
    """
    for path in paths:
        if not os.path.lexists(path) and not glob.has_magic(str(path)):
            raise _missing(path)
    for path in lists:
        if path != STDIN and not path.exists():
            raise no_list(path)


def passed_over(others: Mapping[str, int]) -> str:
    """A sentence that begins with a blank, on files that are no images by their suffix; or none."""
    if not others:
        return ""
    total = sum(others.values())
    files = "1 file of another suffix" if total == 1 else f"{total:,} files of other suffixes"
    listed = ", ".join(f"{number:,} {suffix}" for suffix, number in others.items())
    return f" Left out: {files} ({listed}). Convert what is an image to JPEG or PNG."


def _missing(path: Path) -> DataError:
    return DataError(
        f"{path} does not exist. Give images, or folders of images; for a model of features, its "
        f"{FEATURES}."
    )


def _images_at(path: Path, others: Counter[str]) -> Iterator[str]:
    if path.is_dir():
        yield from _below(str(path), others)
    elif os.path.lexists(path):
        yield str(path)
    elif glob.has_magic(str(path)):
        matches = sorted(glob.iglob(str(path), recursive=True))
        if not matches:
            raise DataError(f"Nothing matches {path}. Give images, folders or patterns of images.")
        for match in matches:
            if os.path.isdir(match):
                yield from _below(match, others)
            elif _is_image(match, others):
                yield str(Path(match))
    else:
        raise _missing(path)


def _below(root: str, others: Counter[str]) -> Iterator[str]:
    """The images in a folder and all below, sorted by the parts of their paths."""
    open_folders = [("" if root == "." else root, _held(root, others))]
    while open_folders:
        folder, names = open_folders[-1]
        if not names:
            open_folders.pop()
            continue
        path = os.path.join(folder, names.pop())
        if path.endswith(os.sep):
            open_folders.append((path, _held(path, others)))
        else:
            yield path


def _held(folder: str, others: Counter[str]) -> list[str]:
    """Names of images, and of folders with a slash at their end; from the last to the first."""
    names = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    names.append(entry.name + os.sep)
                elif entry.is_symlink() and entry.is_dir():
                    others["link to a folder"] += 1
                elif _is_image(entry.name, others):
                    names.append(entry.name)
    except OSError as error:
        raise DataError(f"The folder {folder} cannot be read ({error.strerror}).") from None
    names.sort(key=lambda name: name.removesuffix(os.sep), reverse=True)
    return names


def _is_image(path: str, others: Counter[str]) -> bool:
    """By its suffix; else it is counted."""
    name, suffix = os.path.basename(path), os.path.splitext(path)[1].lower()
    if suffix in SUFFIXES:
        return True
    if not name.startswith("."):
        others[suffix or "no suffix"] += 1
    return False
