"""Large files from the web: resumed where they were cut off, and checked before they are used."""

import hashlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from largeloss.errors import ConfigError, DownloadError

ATTEMPTS = 5
"""So often a cut connection is taken up again."""
PAUSE = 2.0
"""Seconds before the next attempt."""

Report = Callable[[int, int | None], None]
"""Is told the bytes that are there, and of how many if that is known."""


def fetch(url: str, path: Path, md5: str | None = None, report: Report | None = None) -> None:
    """Fetches ``url`` to ``path``, unless it is there; the file appears when it is complete.

    A cut connection is taken up where it ended, also by a later call, if the server serves ranges
    and tells by an ETag that the file is still the same.

    Raises:
        ConfigError: the downloader is not installed.
        DownloadError: the file could not be fetched, or has another checksum.
    """
    if path.is_file():
        _check(path, url, md5)
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadError(
            f"{path.parent} cannot be made ({error}). Choose another ROOT."
        ) from None
    partial = path.with_name(path.name + ".part")
    for attempt in range(ATTEMPTS):
        problem = _attempt(url, partial, report or (lambda done, total: None))
        if problem is None:
            _check(partial, url, md5, remove=True)
            partial.replace(path)
            return
        if 400 <= getattr(problem, "status", 0) < 500:
            break
        time.sleep(PAUSE if attempt < ATTEMPTS - 1 else 0)
    status = getattr(problem, "status", None)
    raise DownloadError(
        f"{url} could not be fetched: "
        + (f"the server answers {status}." if status else f"{problem}.")
        + f" Run the command again to go on, or put the file to {path} by hand."
    )


def _attempt(url: str, partial: Path, report: Report) -> Exception | None:
    """What went wrong."""
    try:
        from pypdl import Pypdl
    except ImportError:
        raise ConfigError(
            "--download needs the package pypdl: pip install 'largeloss[download]'."
        ) from None
    heard = _Heard()
    downloader = Pypdl(logger=heard.logger)
    future = downloader.start(url, str(partial), segments=1, retries=0, block=False, display=False)
    try:
        while not (downloader.completed or downloader.is_idle):
            report(downloader.current_size, downloader.size)
            time.sleep(0.1)
    except KeyboardInterrupt:
        downloader.shutdown()
        raise
    future.result()
    if downloader.failed or not partial.is_file():
        return heard.problem or ConnectionError("the connection was cut")
    report(partial.stat().st_size, partial.stat().st_size)
    return None


class _Heard(logging.Handler):
    """Keeps the last exception that the downloader logs."""

    def __init__(self) -> None:
        super().__init__()
        self.problem: Exception | None = None
        self.logger = logging.Logger("largeloss.fetching", logging.ERROR)
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        found: Any = record.exc_info[1] if record.exc_info else record.msg
        if isinstance(found, Exception):
            self.problem = found


def _check(path: Path, url: str, md5: str | None, remove: bool = False) -> None:
    if md5 is None:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    if found != md5:
        if remove:
            path.unlink()
        raise DownloadError(
            f"{path.name.removesuffix('.part')} of {url} has the MD5 {found}, expected was {md5}: "
            + ("it is damaged or another file, and was removed." if remove else f"remove {path}.")
            + " Run the command again."
        )
