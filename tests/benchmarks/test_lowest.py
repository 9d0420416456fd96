"""The lowest versions that ``make test-lowest`` installs."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOWEST = runpy.run_path(str(ROOT / "benchmarks/lowest.py"))["lowest"]
PROJECT = """
[project]
dependencies = ["numpy>=1.26", "liac-arff>=2.5"]
[project.optional-dependencies]
fast = ["simplejpeg>=1.7"]
dev = ["ruff>=0.9"]
"""


def test_bounds_become_versions_but_for_developers_tools() -> None:
    assert LOWEST(PROJECT) == ["numpy==1.26", "liac-arff==2.5", "simplejpeg==1.7"]


def test_a_dependency_without_a_lower_bound_is_named() -> None:
    with pytest.raises(SystemExit, match="'numpy' has no lower bound"):
        LOWEST(PROJECT.replace("numpy>=1.26", "numpy"))


def test_every_dependency_has_a_lower_bound() -> None:
    pins = LOWEST((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert {"torch", "filelock", "typer"} <= {pin.partition("==")[0] for pin in pins}
