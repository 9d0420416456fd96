"""The header of a label file: which layout it has, and which columns mean what."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import pyarrow as pa

from largeloss.errors import ConfigError
from largeloss.labels.files.layouts import SPLITS
from largeloss.labels.files.raw import HEADER, RawTable

UNLISTED = ("unknown", "absent")
_OF_TAGS = ("labels", "label", "tags", "tag")


class Header(NamedTuple):
    """Which columns of a file mean what."""

    layout: str
    """``wide``, ``long`` or ``list``."""
    split: int | None
    """The position of the column ``split``."""
    labels: tuple[int, ...]
    """Positions: all classes (wide); label and value (long); labels (list)."""


def header_of(names: Sequence[str]) -> Header:
    """What the header means: ``image``, maybe ``split``, and one of the three layouts."""
    rest = {name: index for index, name in enumerate(names) if index}
    split = rest.pop("split", None)
    if set(rest) == {"label", "value"}:
        return Header("long", split, (rest["label"], rest["value"]))
    return Header("list" if set(rest) == {"labels"} else "wide", split, tuple(rest.values()))


def likely_columns(names: Sequence[str]) -> str:
    """What columns may be meant otherwise than as classes, in sentences that begin with a blank.

    Only for refusals: a class may really be called 'tags'.
    """
    header = header_of(names)
    others = [names[position] for position in header.labels]
    splits = [name for name in others if header.split is None and name.strip().lower() == "split"]
    hints = [f"If {name!r} names the splits, write 'split' in lower case." for name in splits]
    more = [repr(name) for name in others if name != "labels" and name not in splits]
    if "labels" not in others:
        hints += [
            f"If {name!r} lists the tags of an image, rename the column to 'labels'."
            for name in others
            if name.strip().lower() in _OF_TAGS
        ]
    elif more:
        hints.append(
            f"If 'labels' lists the tags of an image, remove the column{'s' * (len(more) > 1)} "
            f"{', '.join(more[:3])}{', …' * (len(more) > 3)}."
        )
    return "".join(f" {hint}" for hint in hints)


def check_header(raw: RawTable) -> None:
    """Refuses a header without ``image`` or labels, column names that are empty or repeated, and
    columns of Parquet that hold neither text nor numbers."""
    names = raw.header
    if not names or names[0] != "image":
        raise raw.refusal(
            f"the first column must be named 'image', got {names[0] if names else ''!r}. Headers "
            "are 'image,cat,dog' (wide), 'image,label,value' (long) or 'image,labels' (list); "
            "each may have a column 'split'.",
            HEADER,
        )
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        if not name.strip():
            raise raw.refusal(f"column {index + 1} of the header has no name.", HEADER)
        if first.setdefault(name, index) != index:
            raise raw.refusal(
                f"columns {first[name] + 1} and {index + 1} of the header are both {name!r}.",
                HEADER,
            )
    header = header_of(names)
    for place, column in enumerate(raw.columns):
        kind, lists = getattr(column, "type", None), header.layout == "list"
        if kind and pa.types.is_nested(kind) and not (lists and place in header.labels):
            raise raw.refusal(
                f"the column {names[place]!r} holds values of type {kind}. Needed are text, "
                "numbers or booleans; leave this column out.",
                HEADER,
            )
    if not header.labels:
        raise raw.refusal("the header names no class. A wide one is 'image,cat,dog'.", HEADER)
    if not len(raw.columns[0]):
        raise raw.refusal("there is a header, but no image below it.", HEADER)


def unlisted_by_split(text: str, splits: Iterable[str]) -> dict[str, str]:
    """``unknown`` or ``absent`` for each of the splits: one word, or ``train=unknown,test=absent``.

    Raises:
        ConfigError: it is anything else, lacks one of the splits, or names one twice.
    """
    if text in UNLISTED:
        return dict.fromkeys(splits, text)
    pairs = [part.strip().partition("=") for part in text.split(",")]
    found = {split: word for split, _, word in pairs}
    if len(found) < len(pairs):
        raise ConfigError(f"--unlisted {text} has two words for one split. Keep one of them.")
    if not (found.keys() <= set(SPLITS) and set(found.values()) <= set(UNLISTED)):
        raise ConfigError(
            f"unlisted must be 'unknown' or 'absent', got {text!r}. A word for each split is "
            "written train=unknown,val=absent,test=absent."
        )
    lacking = [split for split in splits if split not in found]
    if lacking:
        raise ConfigError(f"--unlisted {text} says nothing of the split {lacking[0]!r}. Add it.")
    return found


def check_one_word(text: str, what: str) -> None:
    """Refuses a word for each split where ``what`` is read before images are drawn into splits.

    Raises:
        ConfigError: it is not one word for all.
    """
    if text not in UNLISTED:
        raise ConfigError(
            f"--unlisted {text} has a word for each split, but {what}: images are drawn into "
            "splits after reading. Say one word for all (unknown or absent), or "
            "name the split of each image in a column 'split' of a label file."
        )


def check_unlisted(raw: RawTable, layout: str, unlisted: str | None) -> None:
    """Refuses a list whose unlisted labels have no declared meaning, and another file's that do."""
    if unlisted is not None:
        unlisted_by_split(unlisted, ())
    if layout == "list" and unlisted is None:
        raise raw.refusal(
            "the file lists the labels of each image. What does it mean that a label is not "
            "listed? Say --unlisted unknown (nobody knows: it may be there), or --unlisted absent "
            "(somebody looked: it is not there).",
            HEADER,
        )
    if layout != "list" and unlisted is not None:
        hints = likely_columns(raw.header) if layout == "wide" else ""
        otherwise = f"{hints} Otherwise leave" if hints else " Leave"
        raise ConfigError(
            f"--unlisted is for files with a column 'labels', but {raw.path} is {layout}: there a "
            f"blank is unobserved and 0 is absent.{otherwise} --unlisted out."
        )


def meaning_of_unlisted(
    unlisted: str | None, question: str, splits: Collection[str] = ("train",)
) -> dict[str, str]:
    """``unknown`` or ``absent`` for each of the splits; ``question`` says what it decides.

    Raises:
        ConfigError: it is not given, or anything else; or it has a word for another split.
    """
    try:
        words = unlisted_by_split(unlisted or "", splits)
    except ConfigError as error:
        raise ConfigError(
            f"{question} Say --unlisted unknown (nobody knows), or --unlisted absent (somebody "
            f"looked: they are not there){'.' if unlisted is None else f'. {error}'}"
        ) from None
    for split in words:
        if split not in splits:
            raise ConfigError(
                f"--unlisted {unlisted} has a word for {split}, but what is read names only "
                f"{', '.join(splits)}: images of {split} are drawn later, from train. Leave "
                f"{split} out, or say one word for all."
            )
    return words
