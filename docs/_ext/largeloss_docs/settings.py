"""Every setting: type, default, meaning, where its values are published, which methods use it."""

import types
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from largeloss.config import flat_names
from largeloss.config.models import SECTIONS
from largeloss.losses import LOSSES, RECIPES, settings_of
from largeloss.presets import presets
from largeloss_docs.markdown import code, prose

KINDS = {
    int: "whole number",
    float: "number",
    bool: "true or false",
    str: "text",
    Path: "path",
    type(None): "null",
}
LIMITS = (("gt", "above"), ("ge", "at least"), ("lt", "below"), ("le", "at most"))
TITLES = {"data": "Data", "method": "Method", "model": "Model", "training": "Training"}


def markdown() -> str:
    """A section of the page for each section of the settings, an entry for each setting."""
    names = {place: flat for flat, place in flat_names().items()}
    values = _published()
    text = []
    for section, model in SECTIONS.items():
        text += [f"## {TITLES[section]}", prose(model.__doc__ or "")]
        for name, field in model.model_fields.items():
            text += _entry(section, name, field, names[section, name], values[f"{section}.{name}"])
    return "\n\n".join(text) + "\n"


def methods_with(setting: str) -> list[str]:
    """The methods that have a setting of that name."""
    return [name for name in (*LOSSES, *RECIPES) if setting in settings_of(name)]


def _entry(
    section: str, name: str, field: Any, flat: str, published: dict[str, list[str]]
) -> Iterator[str]:
    yield f"### `{section}.{name}`"
    kind = words(field.annotation, field.metadata)
    default = field.get_default(call_default_factory=True)
    facts = [f"Type: {kind}", f"Default: {code(shown(default))}"]
    if field.json_schema_extra["flag"]:
        facts.append(f"Option: `--{flat.replace('_', '-')}`")
    facts.append(f"Python: `{flat}=`")
    yield prose(field.description)
    if section == "method" and name != "name":
        facts.append(f"Methods: {', '.join(map(code, methods_with(name)))}")
    if published:
        said = "; ".join(f"{code(value)} ({', '.join(of)})" for value, of in published.items())
        facts.append(f"In presets: {said}")
    yield "\n".join(f"- {fact}" for fact in facts)


def words(kind: Any, limits: Any = ()) -> str:
    """A type in words: ``number above 0, or null``."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        found = words(inner[0], [m for one in inner[1:] for m in getattr(one, "metadata", [one])])
    elif origin in (Union, types.UnionType):
        parts = sorted(inner, key=lambda one: one is type(None))
        found = ", or ".join(words(part) for part in parts)
    elif origin is Literal:
        found = " or ".join(code(str(choice)) for choice in inner)
    elif origin is list:
        found = f"list of {words(inner[0])}"
    elif origin is dict:
        found = "names with values"
    else:
        found = KINDS[kind]
    said = [
        f"{word} {_number(value)}"
        for limit in limits
        for attribute, word in LIMITS
        if (value := getattr(limit, attribute, None)) is not None
    ]
    lengths = [one.min_length for one in limits if getattr(one, "min_length", None) is not None]
    if lengths:
        found = found.replace("list of", f"list of {lengths[0]} times:")
    return f"{found} {' and '.join(said)}" if said else found


def shown(value: Any) -> str:
    """A value as a settings file has it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _number(value: float) -> str:
    return f"2{_power(value)}" if value in (2**31, 2**32) else f"{value:g}"


def _power(value: float) -> str:
    return "³¹" if value == 2**31 else "³²"


def _published() -> dict[str, dict[str, list[str]]]:
    """``section.name`` → value → the collections and presets that have it."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    sizes: dict[str, int] = defaultdict(int)
    for name, preset in presets().items():
        sizes[name.split("/")[0]] += 1
        for section, settings in preset.settings.items():
            for setting, value in settings.items():
                if (section, setting) != ("method", "name"):
                    found[f"{section}.{setting}"][shown(value)].add(name)
    return defaultdict(
        dict,
        {
            setting: {value: _grouped(names, sizes) for value, names in values.items()}
            for setting, values in found.items()
        },
    )


def _grouped(names: set[str], sizes: dict[str, int]) -> list[str]:
    """Collections where all or many presets agree, presets otherwise."""
    by_collection: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        by_collection[name.split("/")[0]].append(name)
    grouped = []
    for collection, members in by_collection.items():
        if len(members) == sizes[collection]:
            grouped.append(collection)
        elif len(members) > 4:
            grouped.append(f"most of {collection}")
        else:
            grouped += members
    return grouped
