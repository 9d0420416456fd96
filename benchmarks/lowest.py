"""Prints the lowest version of every direct dependency that pyproject.toml allows.

These are constraints for pip: ``make test-lowest`` runs the suite with them. The tools of
developers (the ``dev`` extra) are left at their newest: nobody who uses the package installs them.
"""

import itertools
import re
import tomllib
from pathlib import Path

LOWER_BOUND = re.compile(r"([\w.-]+)>=([\w.]+)")


def lowest(pyproject: str) -> list[str]:
    """``name==version`` of each ``name>=version`` that users install, with extras."""
    project = tomllib.loads(pyproject)["project"]
    extras = [lines for name, lines in project["optional-dependencies"].items() if name != "dev"]
    pins = []
    for requirement in itertools.chain(project["dependencies"], *extras):
        bound = LOWER_BOUND.fullmatch(requirement)
        if bound is None:
            raise SystemExit(f"{requirement!r} has no lower bound: write it as name>=version.")
        pins.append("{}=={}".format(*bound.groups()))
    return pins


if __name__ == "__main__":
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    print("\n".join(lowest(text)))
