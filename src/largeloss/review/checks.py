"""What a review needs, looked at before anything is computed."""

import os
from pathlib import Path

from largeloss.errors import ConfigError
from largeloss.files import refuse_links
from largeloss.labels.answers import ANSWERS
from largeloss.labels.names import suggestion
from largeloss.runs.settings import saved_settings
from largeloss.training.run_folder import RunFolder
from largeloss.training.weights import load_config


def check_reviewable(run: Path, class_name: str | None = None) -> tuple[str, ...]:
    """Looks at what a review needs, before anything is computed or written.

    Returns:
        The classes of the run.

    Raises:
        ConfigError: no run there, one that is not finished, no such class, or a folder that cannot
            be written.
    """
    folder = RunFolder(run)
    saved_settings(run)
    if not folder.finished:
        raise ConfigError(
            f"The run in {run} is not finished: its weights would change under the review. "
            "Continue it with --resume first."
        )
    classes = tuple(load_config(folder.best)["classes"])
    if class_name is not None and class_name not in classes:
        raise ConfigError(f"The run has no class {class_name!r}.{suggestion(class_name, classes)}")
    below = run / Path(ANSWERS).parent
    for place in (below, below / "thumbnails"):
        try:
            place.mkdir(exist_ok=True)
        except OSError as error:
            raise ConfigError(unwritable(place, error)) from None
        refuse_links(place.parent)
        if not os.access(place, os.W_OK):
            raise ConfigError(unwritable(place, "permission denied"))
    return classes


def unwritable(place: Path, why: object) -> str:
    """The message for a folder that cannot be written."""
    return (
        f"{place} cannot be written ({why}). Answers are kept there: make the folder writable, or "
        "copy the run."
    )
