"""The Jinja environment of all HTML pages."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

_ENVIRONMENT = Environment(
    loader=PackageLoader("largeloss.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["number"] = lambda value: f"{value:,}"
_ENVIRONMENT.filters["percent"] = lambda share: "–" if share is None else f"{100 * share:.1f}"


def rendered(template: str, **values: Any) -> str:
    """The HTML of a file in ``templates/``, with every value escaped."""
    return _ENVIRONMENT.get_template(template).render(values)
