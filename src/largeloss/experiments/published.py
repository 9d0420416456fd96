"""The published tables of the large-loss paper, and where a run folder holds our value of a cell.

A table's ``file`` holds values in percent, null where one could not be measured; its ``made_by``
is the command that writes the file:

- ``result.json``: ``{"test_map": 89.2, …}``.
- ``groups.json``: ``{"groups": {"G1": 77.1, …, "G5": 88.8}, "all": 82.0, "split": "test", …}``.
- ``analysis/pointing.json``: ``{"accuracy": 78.9, "split": "test", "tolerance": 0, …}``, the share
  of hits among all pairs of an image and a class that it shows (micro).
- ``analysis/memorization.json``: ``{"TP": {"warm-up": 88.3, "regular": 11.7}, "TN": {…}, …}``, the
  share of the entries of a kind with the highest loss in each phase.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from largeloss.data.importers import coco, cub, nuswide, openimages, voc
from largeloss.training.run_folder import RESULT

_KIM = "Kim, Kim, Akata, Lee, CVPR 2022 (arXiv 2206.03740)"
_END, _INIT = "end-to-end", "linear-init"
_SETS = {"voc2012": "VOC 2012", "coco2014": "COCO 2014", "nuswide": "NUS-WIDE", "cub": "CUB"}

Band = tuple[float, float]


@dataclass(frozen=True)
class Column:
    """A column of a table: the runs that it belongs to, and where they hold its values."""

    block: str
    """The part of the table that has this column."""
    title: str
    collection: str
    """The data set, named as in presets."""
    protocol: str
    keys: tuple[str, ...]
    """The keys, from outer to inner, of the value in the table's file."""


@dataclass(frozen=True)
class PublishedTable:
    """A published table: methods × columns, in percent."""

    name: str
    title: str
    source: str
    columns: tuple[Column, ...]
    values: Mapping[str, tuple[float, ...]]
    """Method → published values, one per column."""
    file: str = RESULT
    """The file of a run folder that holds our values."""
    made_by: str = ""
    """The command that writes ``file``, where RUN is the run folder; empty: training writes it."""
    reruns: Mapping[str, tuple[Band | None, ...]] = field(default_factory=dict)
    """Method → lowest and highest value of independent re-runs, one pair per column."""
    measured_with: dict[str, object] = field(default_factory=dict)
    """What ``file`` must say of how its values were measured."""
    as_in_run: tuple[str, ...] = ()
    """What ``file`` must say as its run does: of ``method``, ``data``, ``entries`` (annotated)."""
    notes: tuple[str, ...] = ()

    @property
    def protocols(self) -> tuple[str, ...]:
        """The protocols of its columns."""
        return tuple(dict.fromkeys(column.protocol for column in self.columns))

    @property
    def collections(self) -> tuple[str, ...]:
        """The collections of its columns."""
        return tuple(dict.fromkeys(column.collection for column in self.columns))

    def published(self, method: str, column: Column) -> float | None:
        """The published value; None where nothing was published."""
        values = self.values.get(method)
        return None if values is None else values[self.columns.index(column)]

    def band(self, method: str, column: Column) -> Band | None:
        """Lowest and highest value of independent re-runs; None where there were none."""
        bands = self.reruns.get(method)
        return None if bands is None else bands[self.columns.index(column)]


ARTIFICIAL = PublishedTable(
    name="artificial",
    title="One positive label per image: test mAP (%)",
    source=_KIM,
    columns=tuple(
        Column(protocol, title, collection, protocol, ("test_map",))
        for protocol in (_END, _INIT)
        for collection, title in _SETS.items()
    ),
    values={
        "full": (90.2, 78.0, 54.5, 32.9, 91.1, 77.2, 54.9, 34.0),
        "an": (85.1, 64.1, 42.0, 19.1, 86.9, 68.7, 47.6, 20.9),
        "wan": (86.5, 64.8, 46.3, 20.3, 87.1, 68.0, 47.5, 21.1),
        "lsan": (86.7, 66.9, 44.9, 17.9, 86.5, 69.2, 50.5, 16.6),
        "epr": (85.5, 63.3, 46.0, 20.0, 84.9, 66.8, 48.1, 21.2),
        "role": (87.9, 66.3, 43.1, 15.0, 88.2, 69.0, 51.0, 16.8),
        "ll-r": (89.2, 71.0, 47.4, 19.5, 89.4, 71.9, 49.1, 21.5),
        "ll-ct": (89.0, 70.5, 48.0, 20.4, 89.3, 71.6, 49.6, 21.8),
        "ll-cp": (88.4, 70.7, 48.3, 20.1, 88.3, 71.0, 49.4, 21.4),
    },
    reruns={
        "ll-r": ((87.8, 88.3), (70.1, 70.7), (48.0, 48.8), (19.0, 19.6), None, None, None, None),
    },
    notes=(
        "NUS-WIDE exists in two versions: the re-crawl of Cole et al., 126,034 / 84,226 images "
        "(others count 150,000 / 60,260 in its arrays, which are the same images), and the "
        "official lists, 161,789 / 107,859, with which no published table compares. State which "
        "one was used.",
    ),
)

OPENIMAGES = PublishedTable(
    name="openimages",
    title="OpenImages V3: mAP (%) over annotated entries, by groups of 1,000 classes",
    source=_KIM,
    columns=tuple(
        Column("OpenImages V3", keys[-1], "openimages-v3", _END, keys)
        for keys in (*(("groups", f"G{number}") for number in range(1, 6)), ("all",))
    ),
    values={
        "iu": (69.5, 70.3, 74.8, 79.2, 85.5, 75.9),
        "curriculum": (70.4, 71.3, 76.2, 80.5, 86.8, 77.1),
        "imcl": (71.0, 72.6, 77.6, 81.8, 87.3, 78.1),
        "an": (77.1, 78.7, 81.5, 84.1, 88.8, 82.0),
        "wan": (71.8, 72.8, 76.3, 79.7, 84.7, 77.0),
        "lsan": (68.4, 69.3, 73.7, 77.9, 85.6, 75.0),
        "ll-r": (77.4, 79.1, 82.0, 84.5, 89.5, 82.5),
        "ll-ct": (77.7, 79.3, 82.1, 84.7, 89.4, 82.6),
        "ll-cp": (77.6, 79.1, 81.9, 84.6, 89.4, 82.5),
    },
    file="groups.json",
    made_by="largeloss evaluate RUN --groups 5 --out RUN/groups.json",
    measured_with={"split": "test", "rule": "observed"},
    as_in_run=("entries",),
)

POINTING = PublishedTable(
    name="pointing",
    title="Pointing game on the test split: accuracy (%)",
    source=_KIM,
    columns=tuple(
        Column(_END, _SETS[collection], collection, _END, ("accuracy",))
        for collection in ("voc2012", "coco2014")
    ),
    values={
        "an": (78.9, 46.4),
        "wan": (79.8, 47.7),
        "lsan": (79.5, 49.1),
        "epr": (80.2, 48.1),
        "role": (82.5, 51.5),
        "ll-r": (83.7, 54.0),
        "ll-ct": (83.7, 54.1),
        "ll-cp": (83.5, 53.3),
    },
    file="analysis/pointing.json",
    made_by="largeloss analyze pointing RUN",
    measured_with={"split": "test", "tolerance": 0, "unshared_classes": []},
    as_in_run=("method", "data"),
    notes=("Ours is hits / (hits + misses) over all pairs of an image and a class (micro).",),
)

MEMORIZATION = PublishedTable(
    name="memorization",
    title="Memorisation: phase of the highest loss, share of the entries of a kind (%)",
    source=_KIM,
    columns=tuple(
        Column(_SETS[collection], f"{kind} {phase}", collection, _END, (kind, phase))
        for collection in ("voc2012", "coco2014")
        for kind in ("TP", "TN", "FN")
        for phase in ("warm-up", "regular")
    ),
    values={"an": (88.3, 11.7, 90.7, 9.3, 23.8, 72.2, 64.0, 36.0, 82.6, 17.4, 17.3, 82.7)},
    file="analysis/memorization.json",
    made_by="largeloss analyze memorization RUN",
    as_in_run=("method",),
    notes=(
        "The published FN of VOC add up to 96 %, not 100 %: a misprint.",
        "TP: observed positives; TN: unobserved, truly absent; FN: unobserved, truly present.",
    ),
)

SIZES: Mapping[str, Mapping[str, int]] = {
    "voc2012": voc.published_sizes(2012),
    "coco2014": coco.PUBLISHED[2014],
    "nuswide": nuswide.PUBLISHED["spml"],
    "cub": cub.PUBLISHED,
    "openimages-v3": openimages.PUBLISHED,
}
"""Collection → images of ``train`` (with val, unless that has a size of its own), ``val`` and
``test``, and ``classes``."""

TABLES = {table.name: table for table in (ARTIFICIAL, OPENIMAGES, POINTING, MEMORIZATION)}
