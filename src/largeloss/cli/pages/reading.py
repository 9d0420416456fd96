"""Data of runs, read once for all that share it."""

from largeloss.cli.analyze.labels import read_labels
from largeloss.cli.prepare import TrainingData, with_absolute_paths
from largeloss.config import RunConfig


class Reading:
    """Reads data sets, and remembers them.

    Args:
        known: What was read already, by :func:`key`.
    """

    def __init__(self, known: dict[str, TrainingData] | None = None) -> None:
        self.known = {} if known is None else known

    def __call__(self, config: RunConfig) -> TrainingData:
        """The data of these settings."""
        wanted = key(config)
        if wanted not in self.known:
            self.known[wanted] = read_labels(config)
        return self.known[wanted]


def key(config: RunConfig) -> str:
    """The same for settings that read the same data."""
    config = with_absolute_paths(config)
    return f"{config.data.model_dump_json()} {config.model.image_size}"
