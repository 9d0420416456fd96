"""Layers of settings (files, ``--set a.b=c``, options) merged to one :class:`RunConfig`."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from largeloss.config.models import SECTIONS, RunConfig
from largeloss.errors import ConfigError, meant
from largeloss.files import read_text

LARGEST_YAML = 1_000_000
"""Bytes of settings in YAML: twenty thousand names of classes take half of it."""
COST = 20
"""Each value counts as its characters and so many more: reading them takes time."""
DEEPEST_YAML = 20
"""Settings are nested three deep."""


def make_config(
    layers: Sequence[Mapping[str, Any]], sets: Sequence[str] = (), source: str = "The settings"
) -> RunConfig:
    """Merges nested settings, later ones over earlier ones, then ``a.b=c`` assignments.

    Raises:
        ConfigError: an unknown name (with what may have been meant) or a wrong value.
    """
    try:
        return RunConfig.model_validate(merged(layers, sets))
    except ValidationError as error:
        problems = "\n".join(f"  {text}" for text in _problems(error))
        raise ConfigError(f"{source} cannot be used:\n{problems}") from None


def read_yaml(path: Path) -> dict[str, Any]:
    """Reads a settings file.

    Raises:
        ConfigError: missing, no regular file, not YAML, larger than settings are, or not a mapping.
    """
    try:
        content = load_yaml(read_text(path, LARGEST_YAML))
    except FileNotFoundError:
        raise ConfigError(f"There is no settings file {path}.") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as YAML: {error}") from None
    if not isinstance(content, dict):
        raise ConfigError(
            f"{path} must hold sections ({', '.join(SECTIONS)}), got {type(content).__name__}."
        )
    return content


def load_yaml(text: str) -> Any:
    """The content of YAML, nested at most ``DEEPEST_YAML`` deep.

    An alias stands for a copy of what it names, and copies of copies grow without end: with every
    alias written out, the values may take ``LARGEST_YAML`` characters, ``COST`` of each included.

    Raises:
        ValueError: not YAML, too deep, too large, an alias within what it names, or a name that
            stands twice in one mapping.
    """
    try:
        _check_extent(text)
        return yaml.load(text, _OneOfEachName)
    except (yaml.YAMLError, OverflowError) as error:
        raise ValueError(str(error)) from None


class _OneOfEachName(yaml.SafeLoader):
    """As PyYAML's safe loader, which takes the last of two values of one name without a word."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                name, line = (key.tag, key.value), key.start_mark.line + 1
                if name in seen:
                    raise yaml.YAMLError(
                        f"the name {key.value!r} stands in line {seen[name]} and again in line "
                        f"{line}: keep one of the two"
                    )
                seen[name] = line
        return node


def _check_extent(text: str) -> None:
    total = 0
    sizes: dict[str, int | None] = {}  # of what an anchor names, None until it is closed
    opened: list[tuple[str | None, int]] = []  # its anchor, and the total before it
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            size = sizes.get(str(event.anchor), 0)
            if size is None:
                raise ValueError(f"the alias *{event.anchor} stands within what it names")
            total += size + COST
        elif isinstance(event, yaml.CollectionStartEvent):
            opened.append((event.anchor, total))
            if event.anchor:
                sizes[event.anchor] = None
            if len(opened) > DEEPEST_YAML:
                raise ValueError(f"it is nested more than {DEEPEST_YAML} deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = opened.pop()
            if anchor:
                sizes[anchor] = total - before
        elif isinstance(event, yaml.ScalarEvent):
            total += len(event.value) + COST
            if event.anchor:
                sizes[event.anchor] = len(event.value) + COST
        if total > LARGEST_YAML:
            raise ValueError(
                f"it has more than {LARGEST_YAML // COST:,} values or {LARGEST_YAML:,} characters, "
                "aliases written out"
            )


def merged(layers: Sequence[Mapping[str, Any]], sets: Sequence[str] = ()) -> dict[str, Any]:
    """Nested settings and ``a.b=c`` assignments, later ones over earlier ones.

    A section of ``layers`` with nothing in it, as ``training:`` in a file, changes nothing.

    Raises:
        ConfigError: an assignment that cannot be read; a section that holds no settings, which a
            later layer would hide.
    """
    every = [
        {name: value for name, value in layer.items() if name not in SECTIONS or value is not None}
        for layer in layers
    ]
    every += [_assignment(text) for text in sets]
    for layer in every:
        for name in SECTIONS.keys() & layer.keys():
            if not isinstance(layer[name], Mapping):
                raise ConfigError(
                    f"{name} is a section and must hold settings by name, such as {name}: "
                    f"{{{next(iter(SECTIONS[name].model_fields))}: …}}, but it is {layer[name]!r}."
                )
    return deep_merged(*every)


def deep_merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Nested settings, later ones over earlier ones, as a new mapping."""
    result: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            if isinstance(value, Mapping):
                below = result.get(name)
                value = deep_merged(below if isinstance(below, Mapping) else {}, value)
            result[name] = value
    return result


def _assignment(text: str) -> dict[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ConfigError(f"--set needs section.name=value, got {text!r}.")
    try:
        nested: Any = load_yaml(value) if value else None
    except ValueError as error:
        raise ConfigError(
            f"--set {text[:100]!r}: the value cannot be read as YAML ({error})."
        ) from None
    for part in reversed(name.strip().split(".")):
        nested = {part: nested}
    return dict(nested)


def _problems(error: ValidationError) -> Iterator[str]:
    """One for each setting: where it may be of several types, what each of them needs."""
    found: dict[str, list[dict[str, Any]]] = {}
    for details in error.errors():
        one = dict[str, Any](details)
        found.setdefault(".".join(map(str, one["loc"][:2])), []).append(one)
    for setting, several in found.items():
        if len(several) > 1 and all(one["input"] is several[0]["input"] for one in several):
            needed = " or ".join(one["msg"] for one in several)
            yield f"{setting}: {needed}, got {several[0]['input']!r}"
        else:
            yield from map(_explained, several)


def _explained(error: dict[str, Any]) -> str:
    location = ".".join(str(part) for part in error["loc"])
    if error["type"] != "extra_forbidden":
        return f"{location}: {error['msg']}, got {error['input']!r}"
    *above, name = map(str, error["loc"])
    known = SECTIONS[above[0]].model_fields if above else SECTIONS
    return f"{location}: there is no such setting; {meant(name, known)}"
