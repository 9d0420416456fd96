"""Every method: what it does, its paper, its settings."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

from largeloss.losses import LOSSES, RECIPES
from largeloss.losses.settings import constructor_settings
from largeloss_docs.markdown import cell, code, plain, prose, table
from largeloss_docs.settings import shown


def markdown() -> str:
    """A table of all, then a section for each."""
    rows = [
        (f"[`{name}`](#{_anchor(one.title, name)})", cell(one.title), cell(_paper(one.paper)))
        for name, one in LOSSES.items()
    ]
    text = [table(("method", "title", "paper"), rows)]
    for name, method in LOSSES.items():
        text += _section(name, method)
    for name, recipe in RECIPES.items():
        own = {**recipe.settings, **recipe.training}
        text += [
            f"## {recipe.title} (`{name}`)",
            prose(f"{recipe.does}."),
            f"A recipe: {code(recipe.method)} with "
            + ", ".join(code(f"{key}={shown(value)}") for key, value in own.items())
            + ", and whatever else is set.",
        ]
    return "\n\n".join(text) + "\n"


def _section(name: str, method: Any) -> Iterator[str]:
    text = inspect.getdoc(method) or ""
    yield f"## {method.title} (`{name}`)"
    yield prose(text.split("\n\n")[0])
    facts = [f"Paper: {_paper(method.paper)}", f"Class: {{class}}`~{_place(method)}`"]
    if method.trains_on_complete_labels:
        facts.append("Trains on complete labels, even where `--observe` hides some.")
    if method.needs_observed_negatives:
        facts.append("Needs observed absences.")
    if method.scheduled:
        facts.append("Depends on the epoch: `set_epoch` before each.")
    if method.needs:
        facts.append(f"`forward` is given {', '.join(sorted(method.needs))} of the batch, too.")
    if method.action:
        facts.append(prose(method.action.sentence))
    if method.linear_init_method:
        facts.append(f"LinearInit trains the head by `{method.linear_init_method}`.")
    if method.searched:
        setting, values = method.searched
        facts.append(f"`largeloss tune` tries {setting} {', '.join(f'{v:g}' for v in values)}.")
    yield "\n".join(f"- {fact}" for fact in facts)
    settings, meanings = constructor_settings(method), argument_meanings(text)
    if settings:
        rows = [
            (
                code(setting),
                cell(str(how)),
                "from the data" if how.default is None else code(shown(how.default)),
                cell(prose(meanings.get(setting, ""))),
            )
            for setting, how in settings.items()
        ]
        yield table(("setting", "value", "default", "meaning"), rows)


def argument_meanings(docstring: str) -> dict[str, str]:
    """Name → meaning, of the section ``Args:`` of a Google-style docstring."""
    _, _, rest = docstring.partition("\nArgs:\n")
    block = re.split(r"\n(?! )", rest)[0]
    found: dict[str, str] = {}
    for entry in re.split(r"\n(?=    \S)", f"\n{block}"):
        names, _, meaning = entry.strip().partition(":")
        for one in names.split(", "):
            found[one.strip()] = plain(" ".join(meaning.split()))
    return found


def _place(method: type) -> str:
    return f"largeloss.losses.{method.__name__}"


def _paper(paper: str) -> str:
    return re.sub(r"arXiv:(\d+\.\d+)", r"[arXiv:\1](https://arxiv.org/abs/\1)", paper)


def _anchor(title: str, name: str) -> str:
    words = f"{title} ({name})".lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
