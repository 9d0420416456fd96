"""Archives unpacked into a folder, and never beside it."""

import stat
import tarfile
import zipfile
import zlib
from pathlib import Path

from largeloss.data.importers.inside import check_inside
from largeloss.errors import DataError


def unpack(archive: Path, folder: Path) -> bool:
    """Unpacks a ``.zip``, ``.tar`` or ``.tgz``; once, unless the archive has changed since.

    Returns:
        Whether there was something to do.

    Raises:
        DataError: the archive is damaged, a member leads out of ``folder``, or the folder cannot
            be written.
    """
    marker = folder / f".{archive.name}.unpacked"
    state = archive.stat()
    stamp = f"{state.st_size} {state.st_mtime_ns}\n"
    if marker.is_file() and marker.read_text(encoding="utf-8") == stamp:
        return False
    try:
        if archive.suffix == ".zip":
            _unzip(archive, folder)
        else:
            with tarfile.open(archive) as opened:
                opened.extractall(folder, filter="data")
        marker.write_text(stamp, encoding="utf-8")
    except (
        tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError
    ) as error:  # fmt: skip
        problem = str(error).partition("\n")[0].rstrip(":")
        raise DataError(
            f"{archive} cannot be unpacked in {folder} ({problem}). Remove the archive and fetch "
            "it anew."
        ) from None
    return True


def _unzip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            check_inside(member.filename.removesuffix("/"), str(archive))
            if stat.S_ISLNK(member.external_attr >> 16):
                raise DataError(f"{archive}: {member.filename!r} is a link. Fetch another archive.")
        opened.extractall(folder)
