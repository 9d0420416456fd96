"""The public names of each package, for autodoc; and docstrings as autodoc understands them."""

import ast
import dataclasses
import importlib
import inspect
import re
from typing import Any

import pydantic

import largeloss
import largeloss.errors

PACKAGES = ("", "losses", "labels", "metrics", "data", "models", "config")
"""Those with ``__all__``: what users import."""
PARTS: dict[str, tuple[str, ...]] = {
    "": (
        "data.indexed.MapStyle",
        "experiments.results.ComparedRun",
        "experiments.results.MethodSummary",
        "experiments.tuned.TunedMethod",
        "experiments.tuned.Tuning",
        "experiments.worth.Budget",
        "experiments.worth.Worth",
        "export.write.Exported",
        "export.write.export",
        "metrics.calibration.Reliability",
        "runs.evaluate.evaluate",
        "runs.mean_over_classes.MeanOverClasses",
        "runs.predict.predictions.Readable",
        "runs.predict.predictions.ScoredBatch",
        "runs.result.RunResult",
        "runs.suggestions.Suggestions",
        "runs.thresholds.ChosenThresholds",
        "training.description.ChosenFor",
        "training.description.Description",
        "training.description.TagRule",
        "training.fingerprints.fingerprints",
    ),
    "losses": (
        "losses.auto_delta.AutoDelta",
        "losses.class_priors.ClassPriors",
        "losses.functional.large_loss",
        "losses.large_loss_selection.LargeLossSelection",
    ),
    "labels": ("labels.entries.Entries", "labels.estimate.best_bin_priors"),
    "models": ("models.classifier.BoostedHead", "models.normalisation.Statistics"),
}
"""What is met in the public names of a package, and imported from where it is."""
WORDS = re.compile(r"^(Shapes?|State|Raises|Source|Memory|Needs|Units?|Returns|Cost): +(?=\S)")
"""What begins a paragraph of a docstring in this project, beside Google's sections."""


def markdown(package: str) -> str:
    """The directives for the public names of a package."""
    name = f"largeloss.{package}".rstrip(".")
    module = importlib.import_module(name)
    kinds: dict[str, list[str]] = {
        title: [] for title in ("Functions", "Classes", "Constants", "Parts and results")
    }
    places = _places(module)
    for public in module.__all__:
        value = getattr(module, public)
        if package and public in largeloss.__all__:
            continue
        kind = "Classes" if inspect.isclass(value) else "Functions"
        if not callable(value):
            kind = "Constants"
            kinds[kind] += _constant(name, public, places[public])
        else:
            kinds[kind] += _directive(f"{name}.{public}", value)
    for part in PARTS.get(package, ()):
        where, _, held = f"largeloss.{part}".rpartition(".")
        value = getattr(importlib.import_module(where), held)
        kinds["Parts and results"] += _directive(f"{where}.{held}", value)
    parts = []
    for title, found in kinds.items():
        if found:
            text = "\n".join(found)
            parts.append(f"## {title}\n\n```{{eval-rst}}\n{text}\n```")
    return f"```{{eval-rst}}\n.. automodule:: {name}\n```\n\n" + "\n\n".join(parts) + "\n"


def errors() -> str:
    """The directives for the exceptions, in the order of their module."""
    found = [
        f".. autoexception:: largeloss.errors.{name}\n   :members:\n"
        for name, value in vars(largeloss.errors).items()
        if inspect.isclass(value) and issubclass(value, Exception)
    ]
    text = "\n".join(found)
    return f"```{{eval-rst}}\n{text}\n```\n"


def _places(module: Any) -> dict[str, str]:
    """Name → the module that defines it, where autodoc finds its description."""
    places = {}
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            places |= {alias.name: node.module for alias in node.names}
    return {name: places.get(name, module.__name__) for name in module.__all__}


def _constant(package: str, name: str, module: str) -> list[str]:
    """With the text that stands below it where it is defined."""
    from sphinx.pycode import ModuleAnalyzer  # tests of the other pages do without Sphinx

    found = ModuleAnalyzer.for_module(module).find_attr_docs().get(("", name), [])
    text = [f"   {line}".rstrip() for line in found]
    return [f".. py:currentmodule:: {package}", "", f".. py:data:: {name}", "", *text, ""]


def _directive(name: str, value: Any) -> list[str]:
    if not inspect.isclass(value):
        return [f".. autofunction:: {name}", ""]
    if issubclass(value, pydantic.BaseModel):  # its settings have a page
        return [f".. autoclass:: {name}", ""]
    lines = [f".. autoclass:: {name}", "   :members:"]
    fields = dataclasses.is_dataclass(value) or hasattr(value, "_fields")
    return [*lines, "   :undoc-members:", ""] if fields else [*lines, ""]


def process_docstring(
    app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """``Shapes: …`` and the like become paragraphs of their own."""
    processed: list[str] = []
    within = False
    for line in lines:
        if WORDS.match(line):
            processed += ["", WORDS.sub(r"**\1:** ", line)]
            within = True
        else:
            within = within and bool(line.strip())
            processed.append(line.lstrip() if within else line)
    lines[:] = processed
