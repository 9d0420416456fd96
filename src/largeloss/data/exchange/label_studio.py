"""Tasks for Label Studio, and what people answered there.

Every class is a choice of its own, ``yes``, ``no`` or ``unsure``, so that an absence is an answer
like a presence. What is known goes as predictions of the version ``labels``, what a model says as
predictions of the version ``largeloss``. Only annotations are read back.

Source: https://labelstud.io/guide/task_format and https://labelstud.io/guide/predictions
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import msgspec
import numpy as np
from numpy.typing import NDArray

from largeloss.errors import DataError, LabelError
from largeloss.files import read_text, write_text, written_atomically
from largeloss.labels import LabelTable
from largeloss.watch import watched

LOCAL_FILES = "/data/local-files/?d="
"""Where Label Studio serves files from below its LOCAL_FILES_DOCUMENT_ROOT."""
WORDS = {"yes": 1, "no": 0, "unsure": -1}
_KNOWN, _MODEL = "labels", "largeloss"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class ModelSays(NamedTuple):
    """Of the images of a table, by row."""

    probabilities: Mapping[int, NDArray[np.floating[Any]]]
    """Row → (C,), NaN for classes that the model does not know; rows may be missing."""
    thresholds: NDArray[np.floating[Any]]
    """(C,) probabilities above which a class is tagged."""


def label_config(table: LabelTable) -> str:
    """The labelling interface of the project, as XML.

    Raises:
        LabelError: the name of a class cannot stand in XML.
    """
    parts = [f'  <Image name={quoteattr(_picture(table))} value="$image"/>']
    for name in table.classes:
        if wrong := _NOT_IN_XML.search(name):
            raise LabelError(
                f"The class {name!r} has the character {wrong[0]!r}, which XML cannot hold. "
                "Rename it."
            )
        parts.append(
            f"  <Header value={quoteattr(name)}/>\n"
            f"  <Choices name={quoteattr(name)} toName={quoteattr(_picture(table))} "
            'choice="single-radio" showInline="true">\n'
            + "".join(f'    <Choice value="{word}"/>\n' for word in WORDS)
            + "  </Choices>"
        )
    return "<View>\n" + "\n".join(parts) + "\n</View>\n"


def write_label_studio(
    path: Path, table: LabelTable, model: ModelSays | None = None, prefix: str = LOCAL_FILES
) -> Path:
    """Writes a list of tasks, and beside it the labelling interface (``.xml``), whose path it
    returns.

    Args:
        path: A ``.json`` file.
        table: One task per image.
        model: What it says of the unobserved entries.
        prefix: What the addresses of images begin with; their names follow, percent-encoded.

    Raises:
        LabelError: as :func:`label_config`.
    """
    config, picture = label_config(table), _picture(table)
    words = {state: word for word, state in WORDS.items()}
    with written_atomically(path) as partial, partial.open("wb") as file:
        for row in watched(range(table.num_images), "Tasks", table.num_images):
            states = table.lookup([row])[0]
            known = [
                _result(table.classes[column], picture, words[int(states[column])])
                for column in np.flatnonzero(states >= 0).tolist()
            ]
            predictions: list[dict[str, Any]] = []
            if known:
                predictions.append({"model_version": _KNOWN, "result": known})
            if model is not None and row in model.probabilities:
                asked = np.flatnonzero((states < 0) & ~np.isnan(model.probabilities[row]))
                if asked.size:
                    predictions.append(_prediction(table, picture, asked, row, model))
            name = table.images[row]
            data = {"image": prefix + quote(name), "name": name}
            task = msgspec.json.encode({"data": data, "predictions": predictions})
            file.write((b",\n" if row else b"[\n") + task)
        file.write(b"\n]\n")
    write_text(path.with_suffix(".xml"), config)
    return path.with_suffix(".xml")


def _picture(table: LabelTable) -> str:
    """The name of the image in the interface, which no class has."""
    name = "image"
    while name in table.classes:
        name += "_"
    return name


def _result(name: str, picture: str, word: str) -> dict[str, Any]:
    return {"from_name": name, "to_name": picture, "type": "choices", "value": {"choices": [word]}}


def _prediction(
    table: LabelTable, picture: str, chosen: NDArray[np.int64], row: int, model: ModelSays
) -> dict[str, Any]:
    """Of the ``chosen`` classes of an image; the score of all is that of the likeliest."""
    scores = model.probabilities[row]
    result = [
        _result(table.classes[column], picture, "yes" if scores[column] > limit else "no")
        | {"score": round(float(scores[column]), 6)}
        for column, limit in zip(chosen.tolist(), model.thresholds[chosen].tolist(), strict=True)
    ]
    return {
        "model_version": _MODEL,
        "score": round(float(scores[chosen].max()), 6),
        "result": result,
    }


class _Value(msgspec.Struct):
    choices: list[str] = []


class _Result(msgspec.Struct):
    from_name: str = ""
    type: str = ""
    value: _Value | None = None


class _Annotation(msgspec.Struct):
    result: list[_Result] = []
    completed_by: int | str | dict[str, Any] | None = None
    was_cancelled: bool = False
    updated_at: str | None = None
    created_at: str | None = None


class _Data(msgspec.Struct):
    name: str | None = None


class _Task(msgspec.Struct):
    data: _Data
    annotations: list[_Annotation] = []


class Answered(NamedTuple):
    """One answer of an annotator."""

    image: str
    class_name: str
    state: int
    """1 or 0; -1 for unsure."""
    annotator: str
    """As Label Studio names them; empty where it does not."""
    time: str


def read_label_studio(path: Path) -> list[Answered]:
    """What the annotations of an export say (its format "JSON"), in their order.

    Skipped tasks, predictions and other controls than choices are left out.

    Raises:
        DataError: it cannot be read, or has tasks that :func:`write_label_studio` did not write.
    """
    try:
        tasks = msgspec.json.decode(read_text(path), type=list[_Task])
    except (msgspec.MsgspecError, OSError, ValueError, RecursionError) as error:
        raise DataError(
            f'{path}: this is no export of Label Studio ({error}). Needed is its format "JSON": a '
            "list of tasks with 'data' and 'annotations'."
        ) from None
    found = []
    for number, task in enumerate(tasks):
        if task.data.name is None:
            raise DataError(
                f"{path}, $[{number}]: 'data' has no 'name', the image's name. Needed are tasks of "
                "'largeloss labels export --to label-studio'."
            )
        for annotation in task.annotations:
            if annotation.was_cancelled:
                continue
            who, time = _who(annotation.completed_by), annotation.updated_at
            for result in annotation.result:
                if result.type != "choices":
                    continue
                given = [] if result.value is None else result.value.choices
                if len(given) != 1 or given[0] not in WORDS:
                    raise DataError(
                        f"{path}, $[{number}]: the answer to {result.from_name!r} is {given!r}. "
                        "Needed is one of yes, no, unsure."
                    )
                time = time or annotation.created_at or ""
                answer = Answered(task.data.name, result.from_name, WORDS[given[0]], who, time)
                found.append(answer)
    return found


def _who(completed_by: int | str | dict[str, Any] | None) -> str:
    if isinstance(completed_by, dict):
        completed_by = completed_by.get("email") or completed_by.get("id")
    return "" if completed_by is None else str(completed_by)
