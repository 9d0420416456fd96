"""Files written atomically, read with a limit, and text with a checksum.

A file is written beside its place, flushed to the disk, then renamed: a process that is killed at
any moment leaves what was there. It is written under a random name that nothing had before, so that
a link which somebody laid there is never followed. JSON and YAML can hold the SHA-256 of their
content, so that a flipped bit is found when they are read. Files may come from others: only regular
files are read, and text only up to a size.
"""

import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml

from largeloss.errors import ConfigError, RunError

CHECKSUM = "sha256"
"""The name of the checksum, last in the file."""
PARTIAL = ".partial"
"""How the names of files end that are not written to their end."""
_COMMENT = f"# {CHECKSUM}: "
_EFFECTIVE = os.access in os.supports_effective_ids  # else the rights of the real user are told
LARGEST_JSON = 1 << 28
"""Bytes of a JSON file that are read: results and data sets of ten thousand classes fit."""


def partial_name(path: Path) -> Path:
    """A random name beside ``path``, for what is to take its name."""
    return path.with_name(f"{path.name[:40]}.{secrets.token_hex(8)}{PARTIAL}")


def new_partial(path: Path) -> Path:
    """An empty file beside ``path`` that was not there before, for what is to take its name.

    Raises:
        OSError: it cannot be made.
    """
    partial = partial_name(path)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return partial


def previous(path: Path) -> Path:
    """Where the file before the one in ``path`` is kept."""
    return path.with_name(f"previous-{path.name}")


def keep(path: Path, name: Path) -> None:
    """Gives a file a second ``name``, in place of what had it; it never lacks its own.

    Raises:
        OSError: it cannot be done.
    """
    link = partial_name(name)
    os.link(path, link)
    link.replace(name)
    link.unlink(missing_ok=True)  # where both were one file already, nothing was replaced


def refuse_links(folder: Path) -> None:
    """Makes sure that a folder holds files and folders alone; what lies below is not looked at.

    A folder that comes from somebody else may hold links to any file of the user, which would be
    read or overwritten in its place. The folder itself may be a link. Where none is, it passes.

    Raises:
        ConfigError: it holds a link, or something that is neither a file nor a folder; or it
            cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            held = list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise ConfigError(f"The folder {folder} cannot be read ({error.strerror}).") from None
    for entry in held:
        if entry.is_symlink():
            raise ConfigError(
                f"{entry.path} is a link (to {os.readlink(entry.path)}). A run folder must hold "
                "its own files and folders, since a link could lead to any other file of yours. "
                "Put the file itself there, or remove the link."
            )
        if not (entry.is_file() or entry.is_dir()) and os.path.lexists(entry):
            raise ConfigError(
                f"{entry.path} is neither a file nor a folder. A run folder holds nothing else: "
                "remove it."
            )


@contextmanager
def written_atomically(path: Path) -> Iterator[Path]:
    """A path to write to; at the end of the block the file takes its name, and survives a crash.

    Raises:
        RunError: the disk is full, or cannot be written; what was there is as it was.
    """
    partial = None
    try:
        partial = new_partial(path)
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        forbidden = isinstance(error, PermissionError)  # under Windows also what is open elsewhere
        todo = "close it in other programs, get the right to" if forbidden else "make room"
        raise RunError(
            f"{path} could not be written ({error.strerror or error}). What was there before is as "
            f"it was: {todo}, or choose another place."
        ) from None
    finally:
        if partial is not None:
            with suppress(OSError):  # the disk is gone, and has been told of
                partial.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Makes the names in ``folder`` survive a power failure."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8.

    Raises:
        RunError: as :func:`written_atomically`.
    """
    with written_atomically(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, content: Any) -> None:
    """Writes JSON for others to read.

    Raises:
        RunError: as :func:`written_atomically`.
    """
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def known_fields(kind: type, content: Mapping[str, Any]) -> dict[str, Any]:
    """What ``content`` has of the fields of a dataclass: another version wrote others."""
    return {one.name: content[one.name] for one in fields(kind) if one.name in content}


def checksummed_json(content: Mapping[str, Any]) -> str:
    """JSON with its checksum, for :func:`verified_json`."""
    return (
        json.dumps({**content, CHECKSUM: _checksum(content)}, indent=2, ensure_ascii=False) + "\n"
    )


def verified_json(text: str) -> dict[str, Any]:
    """The content of JSON, verified by its checksum, which is left out. Without one it passes.

    Raises:
        ValueError: no JSON, no object, nested too deeply, or changed since it was written.
    """
    content = loaded_json(text)
    if not isinstance(content, dict):
        raise ValueError(f"it must hold an object with names, but is a {type(content).__name__}")
    checksum = content.pop(CHECKSUM, None)
    if checksum is not None:
        _check(content, checksum)
    return content


def loaded_json(text: str) -> Any:
    """The content of JSON.

    Raises:
        ValueError: no JSON, a key twice in one object, or nested more deeply than Python's
            recursion limit allows.
    """
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("its brackets are nested too deeply") from None


def checksummed_yaml(content: Mapping[str, Any]) -> str:
    """YAML with its checksum in a comment, for :func:`verify_yaml`."""
    text = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True)
    return f"{text}{_COMMENT}{_checksum(yaml.safe_load(text))}\n"


def verify_yaml(text: str, content: Mapping[str, Any]) -> None:
    """Compares ``content``, as read from ``text``, with the checksum there, if there is one.

    Raises:
        ValueError: it has changed since it was written.
    """
    for line in text.splitlines()[-1:]:
        if line.startswith(_COMMENT):
            _check(content, line.removeprefix(_COMMENT))


def check_regular(path: Path) -> None:
    """Refuses, without opening it, what is no file with an end, or may not be read.

    Raises:
        OSError: there is nothing, or a folder, a pipe (FIFO), a device or a socket.
        PermissionError: the user has no right to read it.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe, a device or a socket"
        raise OSError(f"it is {kind}, and no regular file")
    if not os.access(path, os.R_OK, effective_ids=_EFFECTIVE):
        raise PermissionError("you have no right to read it: get that, or a copy of your own")


def read_text(path: Path, limit: int = LARGEST_JSON) -> str:
    """The UTF-8 text of a regular file with at most ``limit`` bytes.

    Raises:
        OSError: as :func:`check_regular`, or it cannot be read.
        ValueError: it is larger, or is no UTF-8.
    """
    check_regular(path)
    with path.open("rb") as file:
        content = file.read(limit + 1)  # files of the system may be longer than they claim
    if len(content) > limit:
        raise ValueError(f"it has more than {limit:,} bytes, the most that are read")
    return content.decode("utf-8")


def digest(path: Path) -> str:
    """SHA-256 of a regular file, in hexadecimal digits."""
    check_regular(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"it has the key {twice!r} twice in one object")
    return found


def _checksum(content: Mapping[str, Any]) -> str:
    plain = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


def _check(content: Mapping[str, Any], checksum: Any) -> None:
    try:
        found = _checksum(content)
    except (TypeError, ValueError):  # of YAML, such as dates or lone surrogates
        found = ""
    if found != checksum:
        raise ValueError("it has changed since it was written: its checksum does not match")
