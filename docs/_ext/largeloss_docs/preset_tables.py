"""Every preset: what all of a collection share, and what each has of its own."""

from collections import Counter
from itertools import groupby
from typing import Any

import yaml

from largeloss.presets import presets
from largeloss_docs.markdown import cell, code, prose, table
from largeloss_docs.settings import shown


def markdown() -> str:
    """A section for each collection."""
    text = []
    for collection, found in groupby(presets().values(), lambda one: one.name.split("/")[0]):
        members = list(found)
        flat = {one.name: _flat(one.settings) for one in members}
        shared = _usual(list(flat.values()))
        text += [
            f"## {collection}",
            "These settings, unless the table has others:",
            f"```yaml\n{_yaml(shared)}```",
        ]
        rows = [
            (
                code(one.name),
                ", ".join(
                    code(f"{key}={value}")
                    for key, value in flat[one.name].items()
                    if (key, value) not in shared.items() and key != "method.name"
                ),
                cell(prose(one.source)),
            )
            for one in members
        ]
        text.append(table(("preset", "its own", "source"), rows))
    return "\n\n".join(text) + "\n"


def _usual(presets: list[dict[str, str]]) -> dict[str, str]:
    """The settings that most of a collection's presets have."""
    pairs = Counter(pair for values in presets for pair in values.items())
    return {
        key: value
        for (key, value), count in pairs.items()
        if count > len(presets) / 2 and key != "method.name"
    }


def _flat(settings: dict[str, Any]) -> dict[str, str]:
    return {
        f"{section}.{name}": shown(value)
        for section, values in settings.items()
        for name, value in values.items()
    }


def _yaml(flat: dict[str, str]) -> str:
    nested: dict[str, Any] = {}
    for key in sorted(flat):
        section, name = key.split(".")
        nested.setdefault(section, {})[name] = yaml.safe_load(flat[key])
    return yaml.safe_dump(nested, sort_keys=False, default_flow_style=None)
