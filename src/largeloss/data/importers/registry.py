"""Collections by name, each with its reader and the options that it takes."""

from collections.abc import Callable, Mapping, Sequence
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
    """Options of single readers; None, or empty, where they are not given."""

    root: Path | None = None
    version: str | None = None
    num_labels: int | None = None
    unlisted: str | None = None
    coding: str | None = None
    annotations: Sequence[str] = ()
    images: Sequence[str] = ()

    @property
    def given(self) -> list[str]:
        """Names of the options that are given."""
        return [one.name for one in fields(self) if getattr(self, one.name) not in (None, ())]

    @property
    def folder(self) -> Path:
        """The folder, or the file, to read; ConfigError where none is given."""
        if self.root is None:
            raise ConfigError("ROOT is missing: the folder to read, or the file of csv and arff.")
        return self.root


def _coco(choices: Choices) -> Imported:
    if choices.root is not None:
        raise ConfigError(
            "coco takes --annotations FILE and --images FOLDER, and no ROOT. The official releases "
            "are coco2014 and coco2017."
        )
    return coco.read_files(choices.annotations, choices.images, choices.unlisted)


def _nuswide(choices: Choices) -> Imported:
    if choices.version is None:
        raise ConfigError(
            "There are two versions of NUS-WIDE, with different images in train and test. Say "
            "--version official or --version spml."
        )
    return nuswide.read(choices.folder, choices.version)


def _label_file(choices: Choices) -> Imported:
    if len(choices.images) > 1:
        raise ConfigError(f"csv takes one --images FOLDER, got {len(choices.images)}.")
    images = Path(choices.images[0]) if choices.images else None
    return label_file.read(
        choices.folder, images=images, unlisted=choices.unlisted, coding=choices.coding
    )


READERS: Mapping[str, Callable[[Choices], Imported]] = {
    "voc2012": lambda choices: voc.read(choices.folder, 2012),
    "voc2007": lambda choices: voc.read(choices.folder, 2007),
    "coco2014": lambda choices: coco.read(choices.folder, 2014),
    "coco2017": lambda choices: coco.read(choices.folder, 2017),
    "coco": _coco,
    "nuswide": _nuswide,
    "cub": lambda choices: cub.read(choices.folder),
    "openimages-v3": lambda choices: openimages.read(choices.folder),
    "folder": lambda choices: class_folders.read(choices.folder, choices.unlisted),
    "csv": _label_file,
    "arff": lambda choices: arff.read(choices.folder, choices.num_labels),
}
TAKES: Mapping[str, tuple[str, ...]] = {
    "nuswide": ("version",),
    "arff": ("num_labels",),
    "coco": ("annotations", "images", "unlisted"),
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
        if option != "root" and option not in TAKES.get(name, ()):
            takers = " and ".join(one for one, taken in TAKES.items() if option in taken)
            raise ConfigError(
                f"--{option.replace('_', '-')} is for {takers}, not for {name}. Leave it out."
            )


def read_collection(name: str, choices: Choices) -> Imported:
    """The collection ``name``, read from its official release or from files of the user's own.

    Raises:
        ConfigError: as :func:`check_choices`.
        DataError: files are missing or cannot be understood.
        LabelError: as ``DataError``, of label files.
    """
    check_choices(name, choices)
    return READERS[name](choices)
