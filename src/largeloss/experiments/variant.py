"""A method of a comparison, with its Delta and what it is trained on."""

from dataclasses import dataclass

from largeloss.errors import ConfigError
from largeloss.runs.result import Delta


@dataclass(frozen=True)
class Variant:
    """A method with its Delta, and what it is trained on."""

    method: str
    delta_rel: Delta | None = None
    """Percent of the batch's entries, or "auto"; None for the method's default, and for methods
    without Δ."""
    share: float | None = None
    """Of the training images; None for that of the settings, which is all of them."""

    @classmethod
    def parse(cls, text: str) -> "Variant":
        """Reads ``ll-r``, ``ll-r:0.5`` or ``ll-r:auto``.

        Raises:
            ConfigError: the text after the colon is neither a number nor auto.
        """
        method, colon, delta = text.strip().partition(":")
        if delta == "auto":
            return cls(method, "auto")
        try:
            return cls(method, float(delta) if colon else None)
        except ValueError:
            raise ConfigError(
                "--methods takes names, optionally with Δ in percent (ll-r:0.5) or auto "
                f"(ll-r:auto), but got {text!r}."
            ) from None

    def __str__(self) -> str:
        """As :meth:`parse` reads it."""
        delta = f"{self.delta_rel:g}" if isinstance(self.delta_rel, float) else self.delta_rel
        return self.method if delta is None else f"{self.method}:{delta}"

    @property
    def label(self) -> str:
        """Name for folders, for example ``ll-r-0.5`` or ``full-10pct``."""
        delta = "" if self.delta_rel is None else f"-{self.delta_rel}"
        if isinstance(self.delta_rel, float):
            delta = f"-{self.delta_rel:g}"
        share = "" if self.share is None else f"-{100 * self.share:g}pct"
        return f"{self.method}{delta}{share}"


def parse_methods(text: str) -> list[Variant]:
    """The methods in ``full,an,ll-r:0.5``; errors as :meth:`Variant.parse`."""
    return [Variant.parse(part) for part in text.split(",") if part.strip()]
