"""Data of runs, read once for all that share it."""

from largeloss.cli.analyze.labels import read_labels
from largeloss.cli.prepare import RunData, with_absolute_paths
from largeloss.config import RunConfig


class Reading:
    """Reads data sets, and remembers them.

    Args:
        known: What was read already, by :func:`key`.
    """

    def __init__(self, known: dict[str, RunData] | None = None) -> None:
        self.training = {} if known is None else known

    def __call__(self, config: RunConfig) -> RunData:
        """The data of these settings."""
        wanted = key(config)
        if wanted not in self.training:
            self.training[wanted] = read_labels(config)
        return self.training[wanted]


def key(config: RunConfig) -> str:
    """The same for settings that read the same data."""
    config = with_absolute_paths(config)
    return f"{config.data.model_dump_json()} {config.model.image_size}"
