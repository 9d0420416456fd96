"""Where the owners of the collections keep them, as far as they can be fetched by a program.

The addresses are those that the owners give; this project has never fetched anything from them.
MD5 sums of VOC are those in torchvision, that of CUB is CaltechDATA's; COCO publishes none.
"""

from collections.abc import Mapping
from typing import NamedTuple

from largeloss.data.importers import coco, openimages_lists
from largeloss.data.importers.nuswide_official import OWNERS as NUSWIDE
from largeloss.data.importers.voc_tree import ARCHIVES as VOC
from largeloss.errors import ConfigError


class Archive(NamedTuple):
    """A file to fetch and unpack."""

    url: str
    file: str
    """What it is called here."""
    md5: str | None
    """In hex; None where nobody publishes one."""


_MD5 = {
    "VOCtrainval_06-Nov-2007.tar": "c52e279531787c972589f7e41ab4ae64",
    "VOCtest_06-Nov-2007.tar": "b6e924de25625d8de591ea690078ad9f",
    "VOCtrainval_11-May-2012.tar": "6cd6e144f989b92b3379bac3b3de84fd",
}


def _archive(url: str) -> Archive:
    file = url.rsplit("/", 1)[-1]
    return Archive(url, file, _MD5.get(file))


def _coco(year: int) -> tuple[Archive, ...]:
    parts = ("zips/train{}", "zips/val{}", "annotations/annotations_trainval{}")
    return tuple(_archive(f"{coco.OWNERS}/{part.format(year)}.zip") for part in parts)


SOURCES: Mapping[str, tuple[Archive, ...]] = {
    **{
        f"voc{year}": tuple(_archive(url) for url in dict.fromkeys(a.file for a in parts.values()))
        for year, parts in VOC.items()
    },
    **{f"coco{year}": _coco(year) for year in coco.PUBLISHED},
    "cub": (
        Archive(
            "https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz?download=1",
            "CUB_200_2011.tgz",
            "97eceeb196236b17998738112f37df78",
        ),
    ),
}
"""Name → archives, each to be unpacked in one folder."""

BY_HAND: Mapping[str, str] = {
    "nuswide": (
        f"Fetch the images, ImageList.zip, ConceptsList.zip and Groundtruth.zip from {NUSWIDE} "
        "(the owners want a form filled in), or for --version spml the files that "
        "https://github.com/elijahcole/single-positive-multi-label names."
    ),
    "openimages-v3": (
        f"Fetch and unpack {', '.join(sorted(set(openimages_lists.ARCHIVES.values())))}; the "
        "images come from the addresses in images.csv."
    ),
}
"""Name → what to fetch without this program."""


def find_archives(name: str) -> tuple[Archive, ...]:
    """What makes up the collection ``name``.

    Raises:
        ConfigError: it cannot be fetched by a program; the message says what to do.
    """
    if name not in SOURCES:
        hand = BY_HAND.get(name, "It is made of files of your own.")
        raise ConfigError(
            f"--download fetches {', '.join(SOURCES)}, but not {name}. {hand} Leave --download out."
        )
    return SOURCES[name]
