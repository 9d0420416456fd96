"""The Jinja environment of all HTML pages."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("largeloss.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["percent"] = lambda share: "–" if share is None else f"{100 * share:.1f}"
    return environment


def rendered(template: str, **values: Any) -> str:
    """The HTML of a file in ``templates/``, with every value escaped.

    Args:
        template: Name of the file.
        values: Variables and functions of the template.
    """
    return _environment().get_template(template).render(values)
