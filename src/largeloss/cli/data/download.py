"""``largeloss data import --download``: the owners' archives fetched and unpacked."""

from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from largeloss.cli.console import out, say
from largeloss.data.fetching import fetch
from largeloss.data.importers.sources import find_archives
from largeloss.data.unpacking import unpack


def download_collection(name: str, root: Path) -> None:
    """Fetches what makes up the collection ``name`` into ``root``, and unpacks it there.

    Raises:
        ConfigError: the collection must be fetched by hand, or the downloader is not installed.
        DownloadError: a file could not be fetched, or has another checksum.
        DataError: an archive cannot be unpacked.
    """
    for archive in find_archives(name):
        path = root / archive.file
        if not path.is_file():
            say(f"Fetching {archive.url} …")
            columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
            with Progress(
                *columns, TransferSpeedColumn(), console=out, transient=True,
                disable=not out.is_terminal,
            ) as bar:  # fmt: skip
                task = bar.add_task(archive.file, total=None)
                fetch(
                    archive.url,
                    path,
                    archive.md5,
                    lambda done, total: bar.update(task, completed=done, total=total),  # noqa: B023
                )
        else:
            fetch(archive.url, path, archive.md5)  # looks at its checksum
        if unpack(path, root):
            say(f"Unpacked {path}.")
