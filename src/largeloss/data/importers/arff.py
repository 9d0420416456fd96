"""Multi-label ARFF files of MULAN and MEKA: features and labels in one table.

Source: https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/ for the file,
https://waikato.github.io/meka/datasets/ for ``-C`` in the relation's name.
"""

import gzip
import re
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from largeloss.data.importers.arff_header import Attribute, Header, read_header
from largeloss.data.importers.arff_rows import read_rows
from largeloss.data.importers.imported import Imported
from largeloss.errors import DataError
from largeloss.labels import UNOBSERVED, LabelTable


def read(path: Path, num_labels: int | None = None) -> Imported:
    """The labels and the features of an ARFF file, dense or sparse, ``.arff`` or ``.arff.gz``.

    Args:
        path: The file.
        num_labels: So many attributes are labels: the first ones where positive (MEKA), the last
            ones where negative (most files of MULAN). By default what the relation's name says:
            ``-C 6``.

    Returns:
        One row a line, named ``"0"``, ``"1"``, …; all are in the split ``train``. A label that is
        ``?`` is unobserved. Nominal features become numbers from 0, in the order in which the
        attribute lists its values.

    Raises:
        DataError: the file cannot be read or understood, an attribute that should be a label is
            not {0,1}, a feature is missing, or ``num_labels`` contradicts the file.
    """
    path = Path(path)
    lines = _read_lines(path)
    header = read_header(path, lines)
    count = _number_of_labels(path, header, num_labels)
    is_label = np.zeros(len(header.attributes), dtype=np.bool_)
    is_label[slice(count) if count > 0 else slice(count, None)] = True
    labels = [header.attributes[column] for column in np.flatnonzero(is_label)]
    inputs = [header.attributes[column] for column in np.flatnonzero(~is_label)]
    _check_labels(path, labels)
    values, numbers = read_rows(path, lines, header.end, header.attributes)
    states = _states(labels, values[:, is_label])
    table = LabelTable.from_dense(states, classes=[name for name, _ in labels])
    return Imported(
        name=path.name.removesuffix(".gz").removesuffix(".arff"),
        table=table,
        splits={"train": np.arange(len(values), dtype=np.int64)},
        features=_features(path, inputs, values[:, ~is_label], numbers),
        notes=_notes(count, labels, inputs, table),
    )


def _read_lines(path: Path) -> list[str]:
    if not path.is_file():
        raise DataError(f"{path}: there is no such file.")
    try:
        data = path.read_bytes()
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path}: bytes that are no UTF-8. Save the file as UTF-8 text.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error}). Fetch the file anew.") from None
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _number_of_labels(path: Path, header: Header, asked: int | None) -> int:
    """Positive: the first attributes; negative: the last."""
    found = re.search(r"(?<!\S)-[Cc]\s+(-?\d{1,6})(?!\S)", header.relation)
    said = int(found[1]) if found else None
    if asked is None and said is None:
        raise DataError(
            f"{path}: the relation's name {header.relation!r} does not say with -C how many "
            "attributes are labels. Give the number of labels: positive where they come first, "
            "negative where they come last."
        )
    if asked is not None and said is not None and asked != said:
        raise DataError(
            f"{path}: {asked} labels were asked for, but the relation's name says -C {said}. "
            "Positive means the first attributes, negative the last. Leave the number away, or "
            "correct the file."
        )
    count = asked if asked is not None else said
    if not count or abs(count) >= len(header.attributes):
        raise DataError(
            f"{path}: {count} labels of {len(header.attributes)} attributes. Needed: at least one "
            "label and one feature."
        )
    return count


def _check_labels(path: Path, labels: list[Attribute]) -> None:
    for name, choices in labels:
        if choices is None or set(choices) != {"0", "1"}:
            kind = "a number" if choices is None else "{" + ",".join(choices[:10]) + "}"
            raise DataError(
                f"{path}: the attribute {name!r} should be a label, but is {kind}; needed is "
                "{0,1}. Are there so many labels, and do they come first (a positive number of "
                "labels) or last (a negative one)?"
            )


def _states(labels: list[Attribute], values: NDArray[np.float64]) -> NDArray[np.int8]:
    """(N, C): 1, 0, or -1 where the value is missing."""
    states = np.full(values.shape, UNOBSERVED, dtype=np.int8)
    for column, (_, choices) in enumerate(labels):
        for index, choice in enumerate(choices or ()):
            states[values[:, column] == index, column] = int(choice)
    return states


def _features(
    path: Path, inputs: list[Attribute], values: NDArray[np.float64], numbers: NDArray[np.int64]
) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        features = values.astype(np.float32)
    wrong = ~np.isfinite(features)
    if wrong.any():
        row, column = (int(index) for index in np.argwhere(wrong)[0])
        kind = "is missing" if np.isnan(values[row, column]) else "is too large for float32"
        raise DataError(
            f"{path}, line {numbers[row]}: the feature {inputs[column].name!r} {kind} "
            f"({int(wrong.sum())} such values in all). Features must be complete: fill them in, or "
            "leave these rows out."
        )
    return features


def _notes(
    count: int, labels: list[Attribute], inputs: list[Attribute], table: LabelTable
) -> tuple[str, ...]:
    place = "first" if count > 0 else "last"
    notes = [
        f"The {place} {abs(count)} attributes are the labels: {labels[0].name} to "
        f"{labels[-1].name}."
    ]
    nominal = [name for name, values in inputs if values is not None]
    if nominal:
        shown = ", ".join(nominal[:3]) + (", …" if len(nominal) > 3 else "")
        notes.append(
            f"{len(nominal)} of {len(inputs)} features are nominal ({shown}): their values are "
            "numbered from 0 in the order of the file."
        )
    if not table.is_complete:
        missing = table.num_images * table.num_classes - table.num_observed
        notes.append(f"{missing} labels are missing (?) and so unobserved.")
    return tuple(notes)
