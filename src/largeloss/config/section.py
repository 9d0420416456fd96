"""What a setting is: type, default, limits, meaning, and whether it is an option."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def setting(default: Any, description: str, *, flag: bool = False, **limits: Any) -> Any:
    """A field of a section.

    Args:
        default: None where something else decides; the description then says what.
        description: For ``--help`` and the documentation.
        flag: Whether the command line has an option for it, beside ``--set``.
        **limits: As of pydantic's ``Field``.
    """
    if callable(default):
        limits["default_factory"] = default
    else:
        limits["default"] = default
    return Field(description=description, json_schema_extra={"flag": flag}, **limits)


class Section(BaseModel):
    """Settings that belong together; unknown names are refused, defaults are checked, too."""

    model_config = ConfigDict(extra="forbid", validate_default=True)
