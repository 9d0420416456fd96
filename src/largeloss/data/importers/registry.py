"""Collections by name, each with its reader and the options that it takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from largeloss.data.importers import (
    arff,
    class_folders,
    coco,
    cub,
    label_file,
    nuswide,
    openimages,
    voc,
)
from largeloss.data.importers.imported import Imported
from largeloss.errors import ConfigError
from largeloss.labels.names import suggestion


@dataclass(frozen=True)
class Choices:
    """Options of single readers; None where nothing was said."""

    version: str | None = None
    num_labels: int | None = None
    unlisted: str | None = None
    coding: str | None = None
    images: Path | None = None

    @property
    def given(self) -> list[str]:
        """Names of the options that were given."""
        return [one.name for one in fields(self) if getattr(self, one.name) is not None]


def _nuswide(root: Path, choices: Choices) -> Imported:
    if choices.version is None:
        raise ConfigError(
            "There are two versions of NUS-WIDE, with different images in train and test. Say "
            "--version official or --version spml."
        )
    return nuswide.read(root, choices.version)


def _label_file(root: Path, choices: Choices) -> Imported:
    return label_file.read(
        root, images=choices.images, unlisted=choices.unlisted, coding=choices.coding
    )


READERS: Mapping[str, Callable[[Path, Choices], Imported]] = {
    "voc2012": lambda root, _: voc.read(root, 2012),
    "voc2007": lambda root, _: voc.read(root, 2007),
    "coco2014": lambda root, _: coco.read(root, 2014),
    "coco2017": lambda root, _: coco.read(root, 2017),
    "nuswide": _nuswide,
    "cub": lambda root, _: cub.read(root),
    "openimages-v3": lambda root, _: openimages.read(root),
    "folder": lambda root, choices: class_folders.read(root, choices.unlisted),
    "csv": _label_file,
    "arff": lambda root, choices: arff.read(root, choices.num_labels),
}
TAKES: Mapping[str, tuple[str, ...]] = {
    "nuswide": ("version",),
    "arff": ("num_labels",),
    "folder": ("unlisted",),
    "csv": ("unlisted", "coding", "images"),
}
"""Name → options of its reader; none where it is not listed."""


def check_choices(name: str, choices: Choices) -> None:
    """Refuses an unknown name, and options that its reader does not have.

    Raises:
        ConfigError: the message says what there is.
    """
    if name not in READERS:
        near = suggestion(name, list(READERS))
        raise ConfigError(f"There is no collection {name!r}.{near} All are {', '.join(READERS)}.")
    for option in choices.given:
        if option not in TAKES.get(name, ()):
            takers = " and ".join(one for one, taken in TAKES.items() if option in taken)
            raise ConfigError(
                f"--{option.replace('_', '-')} is for {takers}, not for {name}. Leave it out."
            )


def read_collection(name: str, root: Path, choices: Choices) -> Imported:
    """What the owners' files in ``root`` say.

    Raises:
        ConfigError: as :func:`check_choices`.
        DataError: files are missing or cannot be understood.
        LabelError: as ``DataError``, of label files.
    """
    check_choices(name, choices)
    return READERS[name](root, choices)
