"""What each tracker has got of a run: ``tracking.json`` in the run folder."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from largeloss.errors import RunError
from largeloss.files import checksummed_json, read_text, verified_json, write_text
from largeloss.runs.file_names import SENT


class Sent(BaseModel):
    """What one tracker has got."""

    model_config = ConfigDict(extra="forbid", strict=True, validate_assignment=True)

    run: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    """The run as the tracker names it; None before it has one."""
    epochs: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """Phase of the run → epochs that are sent; the run's own phase is ``""``."""
    complete: bool = False
    """Whether the results are sent, too."""

    @property
    def total(self) -> int:
        """Epochs that are sent, of all phases."""
        return sum(self.epochs.values())

    @classmethod
    def read(cls, folder: Path, tracker: str) -> Self:
        """Of a run folder; an empty one where nothing was sent.

        Raises:
            RunError: the file is damaged, or is not what was written.
        """
        found = _read(folder / SENT).get(tracker)
        return cls() if found is None else cls(**found.model_dump())

    def write(self, folder: Path, tracker: str) -> None:
        """Beside what other trackers have got.

        Raises:
            RunError: it cannot be written.
        """
        path = folder / SENT
        others = {name: one.model_dump() for name, one in _read(path).items()}
        write_text(path, checksummed_json(others | {tracker: self.model_dump()}))


def _read(path: Path) -> dict[str, Sent]:
    if not path.is_file():
        return {}
    try:
        content: dict[str, Any] = verified_json(read_text(path, 1 << 20))
        return TypeAdapter(dict[str, Sent]).validate_python(content)
    except (OSError, ValueError, ValidationError) as error:
        reason = "it is no record of trackers" if isinstance(error, ValidationError) else error
        raise RunError(
            f"{path} cannot be used ({reason}). Remove it: trackers then begin with a new run."
        ) from None
