"""What readers of official releases share: what to fetch, and the text files in the archives."""

import os
import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from largeloss.data.dataset import Rows
from largeloss.errors import DataError
from largeloss.files import check_regular


class Archive(NamedTuple):
    """A file of an official release."""

    url: str
    size: str
    """As the release gives it, such as ``2 GB``."""


def how_to_fetch(archives: Iterable[Archive], folder: Path) -> str:
    """Commands that fetch ``archives``, resuming where a connection was cut, for messages."""
    lines = [f"  curl -C - -O {archive.url}    # {archive.size}" for archive in archives]
    title = f"Fetch these files of the official release and unpack them in {folder}:"
    return "\n".join([title, *lines])


def find_folder(candidates: Iterable[Path], needed: Sequence[str]) -> tuple[Path, list[str]]:
    """The candidate that has most of the files or folders ``needed``, and what it lacks."""
    missing = {
        folder: [name for name in needed if not os.path.exists(folder / name)]
        for folder in candidates
    }
    return min(missing.items(), key=lambda item: len(item[1]))


def read_lines(path: Path) -> list[str]:
    """The lines of a text file, without their ends.

    Raises:
        DataError: it cannot be read, is no UTF-8, or holds nothing but blanks.
    """
    try:
        check_regular(path)
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: cannot be read ({error}). Fetch it again from the official release."
        ) from None
    if not text.strip():
        raise DataError(f"{path}: the list is empty. Fetch it again from the official release.")
    return text.splitlines()


def distinct_names(names: Iterable[str], where: str, *, inside: bool = True) -> list[str]:
    """``names`` without surrounding blanks; those that are nothing else are left out.

    Messages put the number of a name behind ``where``, such as ``"list.txt, line"``. Names of files
    are checked to be ``inside`` a folder.

    Raises:
        DataError: a name occurs twice, or as :func:`check_inside`.
    """
    found: dict[str, int] = {}
    for number, name in enumerate(map(str.strip, names), 1):
        if name and inside:
            check_inside(name, f"{where} {number}")
        if name and found.setdefault(name, number) != number:
            raise DataError(
                f"{where} {number}: {name!r} stands in line {found[name]} already. Remove one."
            )
    return list(found)


def read_numbers(path: Path, columns: Sequence[int] | None = None) -> NDArray[np.int64]:
    """(lines, columns): whole numbers between blanks; empty lines are skipped.

    With ``columns`` only these are read, and lines may differ in length.

    Raises:
        DataError: the file cannot be read or is empty, or something else than numbers is there.
    """
    try:
        check_regular(path)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of empty files, and numbers that are not whole
            return np.loadtxt(
                path, np.int64, comments=None, usecols=columns, ndmin=2, encoding="utf-8-sig"
            )
    except (OSError, ValueError, Warning) as error:
        raise DataError(
            f"{path}: needed are whole numbers between blanks ({error}). Unpack the official "
            "release again."
        ) from None


def positions_of_ids(wanted: NDArray[Any], known: NDArray[Any], order: Rows | None = None) -> Rows:
    """(M,) where each of the numbers ``wanted`` (M,) stands in ``known`` (n,), -1 if it does not.

    ``order`` (n,) sorts ``known``; it is computed where it is not given.
    """
    if not len(known):
        return np.full(len(wanted), -1, dtype=np.int64)
    order = np.argsort(known) if order is None else order
    nearest = order[np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)]
    return np.where(known[nearest] == wanted, nearest, -1)


def check_inside(name: str, where: str) -> None:
    """Refuses a file name that leads out of the folder it is meant for; ``where`` it was found.

    Raises:
        DataError: the name is empty or absolute, has a part ``.`` or ``..``, a backslash, a drive
            or a control character.
    """
    if unseen := [one for one in name if unicodedata.category(one) in ("Cc", "Cf", "Cs")]:
        raise DataError(
            f"{where}: the file name {name!r} has a character that cannot be seen, "
            f"U+{ord(unseen[0]):04X}. Rename the file and correct the list."
        )
    drive = PureWindowsPath(name).drive
    if "\\" in name and not drive:
        raise DataError(
            f"{where}: the file name {name!r} has a backslash; correct the list: between folders "
            "is '/', as in 'cats/1.jpg'."
        )
    if {"", ".", ".."} & set(name.split("/")) or drive:
        raise DataError(
            f"{where}: the file name {name!r} leads out of its folder or is none. Names must be "
            "relative, with '/' between folders and without '..'; correct the list."
        )
