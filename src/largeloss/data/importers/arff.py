"""Multi-label ARFF files of MULAN and MEKA: features and labels in one table.

Source: https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/ for the file,
https://waikato.github.io/meka/datasets/ for ``-C`` in the relation's name.
"""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import arff
import numpy as np
from numpy.typing import NDArray

from largeloss.data.importers.imported import Imported
from largeloss.errors import DataError
from largeloss.files import check_regular
from largeloss.labels import UNOBSERVED, LabelTable
from largeloss.labels.names import first_names

LARGEST = 1 << 30
"""Bytes of text that are read, unpacked."""
Attribute = tuple[str, str | list[str]]
"""A name, and either a kind of number or what a nominal attribute can be."""


def read(path: Path, num_labels: int | None = None) -> Imported:
    """The labels and the features of an ARFF file, dense or sparse, ``.arff`` or ``.arff.gz``.

    ``num_labels`` attributes are labels: the first ones where positive (MEKA), the last ones where
    negative (most files of MULAN); by default as in the relation's name, ``-C 6``.

    Returns:
        One row per line, named ``"0"``, ``"1"``, …; all are in the split ``train``. A label that is
        ``?`` is unobserved. Nominal features become numbers from 0, in the order in which the
        attribute lists its values.

    Raises:
        DataError: the file cannot be read or understood, an attribute that should be a label is
            not {0,1}, a feature is missing, or ``num_labels`` contradicts the file.
    """
    relation, attributes, values = _parse(path, _read_text(path))
    count = _number_of_labels(path, relation, len(attributes), num_labels)
    first = slice(count) if count > 0 else slice(count, None)
    others = slice(count, None) if count > 0 else slice(count)
    labels, inputs = attributes[first], attributes[others]
    table = LabelTable.from_dense(
        _states(path, labels, values[:, first]), classes=[name for name, _ in labels]
    )
    return Imported(
        name=path.name.removesuffix(".gz").removesuffix(".arff"),
        table=table,
        splits={"train": np.arange(len(values), dtype=np.int64)},
        features=_features(path, inputs, values[:, others]),
        notes=_notes(count, labels, inputs, table),
    )


def _read_text(path: Path) -> str:
    try:
        check_regular(path)
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with (gzip.open if packed else open)(path, "rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise DataError(f"{path}: more than {LARGEST:,} bytes of text are not read.")
        return data.decode("utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: bytes that are no UTF-8. Save the file as UTF-8 text.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error}). Fetch the file again.") from None


def _parse(path: Path, text: str) -> tuple[str, list[Attribute], NDArray[np.float64]]:
    """The relation's name, the A attributes, and values (N, A): NaN where they are missing.

    Nominal values are numbered from 0.
    """
    number = 0

    def lines() -> Iterator[str]:
        nonlocal number
        for line in re.split(r"\r\n|\r|\n", text):
            number += 1
            yield line

    try:
        content: dict[str, Any] = arff.load(
            lines(), encode_nominal=True, return_type=arff.DENSE_GEN
        )
        attributes: list[Attribute] = content["attributes"]
        for name, kind in attributes:
            if isinstance(kind, str) and kind not in ("NUMERIC", "REAL", "INTEGER"):
                raise ValueError(f"the attribute {name!r} has the type {kind}")
        rows = [np.array(row, dtype=np.float64) for row in content["data"]]
    except Exception as error:  # the parser raises anything when it meets damage
        problem = str(getattr(error, "message", error)).replace("%d", str(number))
        raise DataError(
            f"{path}, line {number}: this is no ARFF that can be used ({problem}). Supported are "
            "attributes that are numeric, real, integer or a list of values such as {0,1}, and "
            "rows with a value, or ? where it is missing, for each of them."
        ) from None
    if not rows:
        raise DataError(f"{path}: there is no row after @data. At least one is needed.")
    return content["relation"], attributes, np.stack(rows)


def _number_of_labels(path: Path, relation: str, num_attributes: int, asked: int | None) -> int:
    """Positive: the first attributes; negative: the last."""
    found = re.search(r"(?<!\S)-[Cc]\s+(-?\d{1,6})(?!\S)", relation)
    written = int(found[1]) if found else None
    if asked is None and written is None:
        raise DataError(
            f"{path}: the relation's name {relation!r} does not say with -C how many attributes "
            "are labels. Give the number of labels: positive where they come first, negative where "
            "they come last."
        )
    if asked is not None and written is not None and asked != written:
        raise DataError(
            f"{path}: {asked} labels were asked for, but the relation's name says -C {written}. "
            "Positive means the first attributes, negative the last. Leave the number away, or "
            "correct the file."
        )
    count = asked if asked is not None else written
    if not count or abs(count) >= num_attributes:
        raise DataError(
            f"{path}: {count} labels of {num_attributes} attributes. Needed: at least one label "
            "and one feature."
        )
    return count


def _states(
    path: Path, labels: Sequence[Attribute], values: NDArray[np.float64]
) -> NDArray[np.int8]:
    """(N, C): 1, 0, or -1 where the value is missing."""
    states = np.full(values.shape, UNOBSERVED, dtype=np.int8)
    for column, (name, choices) in enumerate(labels):
        if isinstance(choices, str) or set(choices) != {"0", "1"}:
            kind = "a number" if isinstance(choices, str) else "{" + ",".join(choices[:10]) + "}"
            raise DataError(
                f"{path}: the attribute {name!r} should be a label, but is {kind}; needed is "
                "{0,1}. Are there so many labels, and do they come first (a positive number of "
                "labels) or last (a negative one)?"
            )
        for index, choice in enumerate(choices):
            states[values[:, column] == index, column] = int(choice)
    return states


def _features(
    path: Path, inputs: Sequence[Attribute], values: NDArray[np.float64]
) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        features = values.astype(np.float32)
    wrong = np.argwhere(~np.isfinite(features))
    if len(wrong):
        row, column = (int(index) for index in wrong[0])
        raise DataError(
            f"{path}, row {row + 1}: the feature {inputs[column][0]!r} is missing, infinite or too "
            f"large for float32 ({len(wrong)} such values in all). Features must be complete: fill "
            "them in, or leave these rows out."
        )
    return features


def _notes(
    count: int, labels: Sequence[Attribute], inputs: Sequence[Attribute], table: LabelTable
) -> tuple[str, ...]:
    place = "first" if count > 0 else "last"
    notes = [
        f"The {place} {abs(count)} attributes are the labels: {labels[0][0]} to {labels[-1][0]}."
    ]
    nominal = [name for name, kind in inputs if not isinstance(kind, str)]
    if nominal:
        notes.append(
            f"{len(nominal)} of {len(inputs)} features are nominal ({first_names(nominal)}): their "
            "values are numbered from 0 in the order of the file."
        )
    if not table.is_complete:
        missing = table.num_images * table.num_classes - table.num_observed
        notes.append(f"{missing} labels are missing (?) and so unobserved.")
    return tuple(notes)
