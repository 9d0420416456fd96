"""No dependency that users install is under the AGPL."""

import re
from importlib import metadata
from typing import Any


def required(name: str, seen: set[str]) -> set[str]:
    """All distributions that are needed, without extras."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in seen:
        return seen
    try:
        found = metadata.requires(key) or []
    except metadata.PackageNotFoundError:  # for another platform
        return seen
    seen.add(key)
    for line in found:
        if "extra ==" not in line:
            required(re.split(r"[\s;<>=!~\[(]", line, maxsplit=1)[0], seen)
    return seen


def test_no_dependency_is_under_the_agpl() -> None:
    names = required("largeloss", set())
    assert {"torch", "timm", "accelerate", "pyarrow"} < names
    for name in names:
        about: Any = metadata.metadata(name)
        said = [about.get("License-Expression") or "", (about.get("License") or "")[:200]]
        said += [text for text in about.get_all("Classifier") or [] if "License" in text]
        assert not re.search(r"AGPL|Affero", " ".join(said)), name
