"""Every key of ``result.json``: its unit and its meaning, from the docstrings of the class."""

import ast
import inspect
import textwrap
from collections.abc import Iterator

from largeloss.runs.result import RunResult
from largeloss_docs.markdown import cell, code, prose, table

UNITS = ("Percent", "Fraction", "Seconds", "Images", "Classes", "Entries", "Tags per image")
"""What the docstring of a field begins with, where it has a unit."""


def markdown() -> str:
    """A table in the order of the file."""
    rows = [(code(key), unit.lower(), cell(prose(text))) for key, unit, text in _fields()]
    return table(("key", "unit", "meaning"), rows) + "\n"


def _fields() -> Iterator[tuple[str, str, str]]:
    """Name, unit and meaning of each field."""
    (of_class,) = ast.parse(textwrap.dedent(inspect.getsource(RunResult))).body
    assert isinstance(of_class, ast.ClassDef)
    for field, below in zip(of_class.body, [*of_class.body[1:], ast.Pass()], strict=True):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            meaning = ""
            if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                meaning = str(below.value.value)
            unit, colon, rest = meaning.partition(": ")
            if colon and unit in UNITS:
                yield field.target.id, unit, rest[:1].upper() + rest[1:]
            else:
                yield field.target.id, "", meaning
