"""Names of image files that come from somebody's list: they must stay inside their folder."""

from pathlib import PureWindowsPath

from largeloss.errors import DataError


def check_inside(name: str, where: str) -> None:
    """Refuses a file name that leads out of the folder it is meant for.

    Args:
        name: A relative path with slashes.
        where: The file, and the place in it, that the name comes from.

    Raises:
        DataError: the name is empty or absolute, has a part ``.`` or ``..``, a backslash, a drive
            or an unprintable character.
    """
    parts = name.split("/")
    if (
        {"", ".", ".."} & set(parts)
        or "\\" in name
        or PureWindowsPath(name).drive
        or not name.isprintable()
    ):
        raise DataError(
            f"{where}: the file name {name!r} leads out of its folder or is none. Names must be "
            "relative, with '/' between folders and without '..'; correct the list."
        )
