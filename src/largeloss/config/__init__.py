"""The settings of a run: their models, how layers of them are merged, and their flat names."""

from largeloss.config.flat import flat_names, nested
from largeloss.config.layers import deep_merged, make_config, merged, read_yaml
from largeloss.config.models import MethodConfig, RunConfig

__all__ = [
    "MethodConfig",
    "RunConfig",
    "deep_merged",
    "flat_names",
    "make_config",
    "merged",
    "nested",
    "read_yaml",
]
